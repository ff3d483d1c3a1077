//! `talklight test-strip`: shows test pictures, asks a person what is seen, and prints the chip, the colour order and the
//! length of the strip.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::config::{Config, Kind, Origin};
use crate::control::client;
use crate::control::protocol::{ClientRequest, Verb};
use crate::core::clock;
use crate::core::drive::{Chip, Order};
use crate::core::look::{Look, Rgb};
use crate::input::signal::{self, Suspend};
use crate::show::Scene;
use crate::show::sample::{BLOCK, Sample, StripType, Trial};
use crate::strip::{Strip, spi};

/// How often the request to the daemon is repeated; well within the lease of a test picture.
const REFRESH: Duration = Duration::from_secs(3);
/// The test ends if a question is not answered for so long.
const ANSWER_MAX: Duration = Duration::from_secs(10 * 60);
/// On fewer LEDs a strip with the other chip could show a single colour as well.
const LEDS_MIN: usize = 12;
const COLOURS: [Sample; 3] = [Sample::Red, Sample::Green, Sample::Blue];

const KEYS: &str = "r red   g green   b blue   w white   m many colours   n nothing";
const DARK: &str = "the strip gets no power or no data. Check: 5 V at the strip; the data wire from pin 19 of the Pi to DIN (the arrows point away from it); one ground for both. `talklight doctor` checks the Pi, docs/wiring.md shows the wires";
const UNKNOWN: &str = "no chip and no order fit these answers, so the data arrives damaged. `talklight doctor` checks the clock of SPI, docs/wiring.md shows the level shifter and the wires";
const REPEATED: &str = "two test pictures cannot show the same colour; starting again with the first";
const OTHER_CHIP: &str = "the strip may have the other kind of chip; starting again with the first colour";

/// The questions in order, and what the answers mean.
pub struct Dialog {
    strip: StripType,
    /// The most LEDs that can be lit with a chip.
    leds_max: Box<dyn Fn(Chip) -> usize>,
    /// The index of the colour that was seen for each of [`COLOURS`] so far.
    seen: Vec<usize>,
    chips_tried: usize,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Question,
    /// The first question again, and the reason.
    Again(&'static str),
    Found(StripType),
    /// The test has failed; what to check.
    GiveUp(&'static str),
}

impl Dialog {
    /// Begins with the assumption that the strip is a `strip`. `leds_max` returns the most LEDs that can be lit with a chip.
    pub fn new(strip: StripType, leds_max: impl Fn(Chip) -> usize + 'static) -> Self {
        Self { strip, leds_max: Box::new(leds_max), seen: Vec::new(), chips_tried: 1 }
    }

    /// The test picture for the question.
    pub fn trial(&self) -> Trial {
        let most = self.most();
        let (sample, leds) = match COLOURS.get(self.seen.len()) {
            Some(&colour) => (colour, self.strip.leds.max(LEDS_MIN).min(most)),
            None => (Sample::Tens, most),
        };
        let strip = StripType { leds, ..self.strip };
        Trial { strip, sample }
    }

    pub fn question(&self) -> String {
        match COLOURS.get(self.seen.len()) {
            Some(&colour) => format!("This should be {}. What do you see?", colour.name()),
            None => format!("Blocks of {BLOCK}: red, green, blue, red, and so on. How many LEDs are lit?"),
        }
    }

    /// Takes the answer to the question.
    ///
    /// # Errors
    /// The answers that are possible, if this is not one of them.
    pub fn answer(&mut self, answer: &str) -> Result<Next, String> {
        let answer = answer.trim().to_ascii_lowercase();
        if self.seen.len() == COLOURS.len() {
            return self.count(&answer);
        }
        match answer.as_str() {
            "r" | "red" => Ok(self.colour(0)),
            "g" | "green" => Ok(self.colour(1)),
            "b" | "blue" => Ok(self.colour(2)),
            // With the wrong chip neighbouring LEDs differ, which can look white from a distance.
            "w" | "white" | "m" | "many" | "many colours" => Ok(self.other_chip()),
            "n" | "nothing" => Ok(Next::GiveUp(DARK)),
            _ => Err(format!("one of these: {KEYS}")),
        }
    }

    fn most(&self) -> usize {
        (self.leds_max)(self.strip.chip)
    }

    fn colour(&mut self, seen: usize) -> Next {
        if self.seen.contains(&seen) {
            self.seen.clear();
            return Next::Again(REPEATED);
        }
        self.seen.push(seen);
        if let [red, green, blue] = self.seen[..] {
            // The strip has the colour that was seen at the place where the colour of the test picture was sent.
            let mut places = [0; COLOURS.len()];
            let sent = self.strip.order.places();
            for (sample, seen) in [red, green, blue].into_iter().enumerate() {
                places[seen] = sent[sample];
            }
            let fits = |(_, order): &&(_, Order)| order.places() == places;
            let order = Order::ALL.iter().find(fits).expect("there is an order for any three places");
            self.strip.order = order.1;
        }
        Next::Question
    }

    fn other_chip(&mut self) -> Next {
        if self.chips_tried == Chip::ALL.len() {
            return Next::GiveUp(UNKNOWN);
        }
        self.chips_tried += 1;
        self.seen.clear();
        self.strip.chip = match self.strip.chip {
            Chip::Ws2812 => Chip::Sk6812Rgbw,
            Chip::Sk6812Rgbw => Chip::Ws2812,
        };
        Next::Again(OTHER_CHIP)
    }

    fn count(&mut self, answer: &str) -> Result<Next, String> {
        let most = self.most();
        match answer.parse() {
            Ok(0) => Ok(Next::GiveUp(DARK)),
            Ok(leds) if leds <= most => {
                self.strip.leds = leds;
                Ok(Next::Found(self.strip))
            }
            _ => Err(format!("a number from 0 to {most}, the most that can be lit here")),
        }
    }
}

/// Runs the dialog on standard input and output.
///
/// # Errors
/// If there is no strip to test, a talk has the strip, or the answers lead to no result.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let Kind::Spi(spi) = &config.strip else {
        bail!(
            "{} has a simulated strip, which needs no test; set `kind = \"spi\"` under [strip], or give --strip spi",
            config.origin
        );
    };
    let settings = *spi.drive.settings();
    let bufsiz = spi::bufsiz();
    let now = StripType { chip: settings.chip, order: settings.order, leds: config.look.leds };
    let leds_max = move |chip| {
        let fits = |&leds: &usize| {
            let strip = StripType { chip, leds, ..now };
            spi::frame_bytes(leds, chip) <= bufsiz && strip.drive(&settings).is_ok()
        };
        (1..=spi::leds_max(bufsiz, chip).min(Look::LEDS_MAX)).rev().find(fits).unwrap_or(1)
    };
    let mut dialog = Dialog::new(now, leds_max);

    // Threads inherit the mask, so it is set before the first one. A signal then ends the dialog, and the strip is given back.
    let signals = signal::block(Suspend::Never)?;
    let mut lamp = Lamp::find(config)?;
    let (lines, inbox) = sync_channel(1);
    let interrupts = lines.clone();
    thread::spawn(move || {
        let _ = signal::wait(&signals, None);
        let _ = interrupts.send(None);
    });
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let _ = lines.send(line.ok());
        }
        let _ = lines.send(None);
    });

    lamp.show(dialog.trial())?;
    println!("{}\n{KEYS}", lamp.greeting());
    let found = ask(&mut dialog, &mut lamp, &inbox).inspect_err(|_| println!());
    lamp.release(dialog.trial().strip);
    let found = found?;
    println!("\n{}", result(found, now, &config.origin));
    if found.leds == dialog.most() {
        let limit = if found.leds == spi::leds_max(bufsiz, found.chip) { BUFFER_LIMIT } else { CURRENT_LIMIT };
        println!("{limit}");
    }
    Ok(())
}

const BUFFER_LIMIT: &str = "Spidev's buffer allows no more LEDs. If the strip is longer, append `spidev.bufsiz=65536` to the line of /boot/firmware/cmdline.txt, reboot and test again.";
const CURRENT_LIMIT: &str = "`max_milliamps` allows no more LEDs. If the strip is longer and its supply gives more current, raise the limit and test again.";

fn ask(dialog: &mut Dialog, lamp: &mut Lamp, inbox: &Receiver<Option<String>>) -> anyhow::Result<StripType> {
    loop {
        lamp.show(dialog.trial())?;
        print!("\n{} ", dialog.question());
        io::stdout().flush()?;
        let asked = clock::now();
        let answer = loop {
            match inbox.recv_timeout(REFRESH) {
                Ok(Some(answer)) => break answer,
                Err(RecvTimeoutError::Timeout) if clock::now().since(asked) > ANSWER_MAX => {
                    bail!("no answer for ten minutes; the test has ended")
                }
                Err(RecvTimeoutError::Timeout) => lamp.show(dialog.trial())?,
                Ok(None) | Err(RecvTimeoutError::Disconnected) => bail!("the test has ended without an answer"),
            }
        };
        match dialog.answer(&answer) {
            Ok(Next::Question) => {}
            Ok(Next::Again(why)) => println!("{why}"),
            Ok(Next::Found(strip)) => return Ok(strip),
            Ok(Next::GiveUp(why)) => bail!(why),
            Err(hint) => println!("{hint}"),
        }
    }
}

/// The lines of the config for the strip that was found. `now` is the strip of the present config.
fn result(found: StripType, now: StripType, origin: &Origin) -> String {
    if found == now {
        return format!("The strip is as in {origin}: {}. There is nothing to change.", found.words());
    }
    let lines = found.lines().into_iter().zip(now.lines()).map(|(line, was)| match line == was {
        true => format!("    {line}\n"),
        false => format!("    {line:<24}# was {}\n", was.split(" = ").last().unwrap_or_default()),
    });
    format!(
        "The strip is {}. These lines say so, under [strip] in {}:\n\n{}\nThen: talklight check && sudo systemctl restart talklight",
        found.words(),
        match origin {
            Origin::BuiltIn => "a config of yours".into(),
            Origin::File(path) => path.display().to_string(),
        },
        lines.collect::<String>(),
    )
}

/// The strip under test: a running daemon shows the pictures, or this process does.
enum Lamp {
    Daemon { socket: PathBuf, generation: u64 },
    Own(Box<dyn Strip>),
}

impl Lamp {
    fn find(config: &Config) -> anyhow::Result<Self> {
        let sought = client::discover(config.socket.as_deref());
        if sought.found.is_empty() && sought.refused.is_none() {
            return Ok(Self::Own(config.open_strip(None)?));
        }
        let (socket, stream) = client::single(sought)?;
        let ask = ClientRequest::new(Verb::Status);
        let status = client::request(stream, &ask)?.status;
        let status = status.context("the daemon sent no status")?;
        if status.strip.kind != "spi" {
            bail!(
                "the timer that answers at {} has a {} strip; end it, or name the socket of another with --socket",
                socket.display(),
                status.strip.kind
            );
        }
        Ok(Self::Daemon { socket, generation: status.generation })
    }

    fn greeting(&self) -> &'static str {
        match self {
            Self::Daemon { .. } => "The timer lends its strip. A start takes it back at once; Ctrl-C ends the test.",
            Self::Own(_) => "No timer is running, so this program drives the strip. Ctrl-C ends the test.",
        }
    }

    fn show(&mut self, trial: Trial) -> anyhow::Result<()> {
        match self {
            Self::Daemon { socket, generation } => ask_daemon(socket, *generation, Some(trial)),
            Self::Own(strip) => {
                let mut frame = Vec::<Rgb>::new();
                trial.paint(&mut frame);
                Ok(strip.show(&frame, Some(&Scene::Sample(trial)))?)
            }
        }
    }

    /// Darkens the LEDs and gives the strip back. Errors are ignored: a talk may have taken the strip meanwhile.
    fn release(&mut self, strip: StripType) {
        let sample = Sample::Dark;
        let _ = self.show(Trial { strip, sample });
        if let Self::Daemon { socket, generation } = self {
            let _ = ask_daemon(socket, *generation, None);
        }
    }
}

fn ask_daemon(socket: &Path, generation: u64, trial: Option<Trial>) -> anyhow::Result<()> {
    let ask = ClientRequest { generation: Some(generation), ..ClientRequest::new(Verb::Try(trial)) };
    let reply = client::request(client::connect(Some(socket))?, &ask)?;
    if !reply.ok {
        bail!(reply.message);
    }
    match reply.status.and_then(|status| status.strip.error) {
        Some(error) => bail!(error),
        None => Ok(()),
    }
}
