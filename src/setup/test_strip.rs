//! `talklight test-strip`: lights the strip, asks what is seen, and finds out what the strip is.

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

/// How often the daemon is asked again for what it shows, well before it would show it no more.
const REFRESH: Duration = Duration::from_secs(3);
/// Somebody who has not answered for so long has gone.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// On fewer LEDs a strip of the other chip might show a single colour, too.
const LEDS_MIN: usize = 12;
const COLOURS: [Sample; 3] = [Sample::Red, Sample::Green, Sample::Blue];

const KEYS: &str = "r red   g green   b blue   w white   m many colours   n nothing";
const NOTHING: &str = "a strip that stays dark hears nothing: is it fed with 5 V, is the data wire at DIN (the arrows point away from it) and at pin 19 of the Pi, and do both share one ground? `talklight doctor` looks at the Pi's side, docs/wiring.md at the strip's";
const NO_SENSE: &str = "no chip and no order fit that: the strip does not hear what it is sent. `talklight doctor` looks at the clock of SPI, docs/wiring.md has the level shifter and the wires";
const BEGIN_AGAIN: &str = "two samples cannot show one colour; once more from the first";

/// The questions, one after the other, and what the answers mean.
pub struct Dialog {
    strip: StripType,
    /// The most LEDs that can be lit of each kind of chip.
    most: Box<dyn Fn(Chip) -> usize>,
    /// What was seen for each of [`COLOURS`], as far as they have been asked for.
    seen: Vec<usize>,
    chips_tried: usize,
}

/// What comes after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Question,
    /// Another question than expected, and why.
    Again(&'static str),
    Found(StripType),
    GiveUp(&'static str),
}

impl Dialog {
    /// Assumes at first that the strip is a `strip`.
    pub fn new(strip: StripType, most: impl Fn(Chip) -> usize + 'static) -> Self {
        Self { strip, most: Box::new(most), seen: Vec::new(), chips_tried: 1 }
    }

    /// What to show while the question is asked.
    pub fn trial(&self) -> Trial {
        let most = (self.most)(self.strip.chip);
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

    /// Takes an answer in.
    ///
    /// # Errors
    /// If it is none; what would be one.
    pub fn answer(&mut self, answer: &str) -> Result<Next, String> {
        let answer = answer.trim().to_ascii_lowercase();
        if self.seen.len() == COLOURS.len() {
            return self.count(&answer);
        }
        match answer.as_str() {
            "r" | "red" => Ok(self.colour(0)),
            "g" | "green" => Ok(self.colour(1)),
            "b" | "blue" => Ok(self.colour(2)),
            // What bytes for a chip of another length make side by side may look white from afar.
            "w" | "white" | "m" | "many" | "many colours" => Ok(self.other_chip()),
            "n" | "nothing" => Ok(Next::GiveUp(NOTHING)),
            _ => Err(format!("one of these: {KEYS}")),
        }
    }

    fn colour(&mut self, seen: usize) -> Next {
        if self.seen.contains(&seen) {
            self.seen.clear();
            return Next::Again(BEGIN_AGAIN);
        }
        self.seen.push(seen);
        if let [red, green, blue] = self.seen[..] {
            // Where the strip was sent a colour by this order, the true one has the colour that was seen.
            let mut places = [0; COLOURS.len()];
            let sent = self.strip.order.places();
            for (sample, seen) in [red, green, blue].into_iter().enumerate() {
                places[seen] = sent[sample];
            }
            let fits = |(_, order): &&(_, Order)| order.places() == places;
            let order = Order::ALL.iter().find(fits).expect("three places have six orders");
            self.strip.order = order.1;
        }
        Next::Question
    }

    fn other_chip(&mut self) -> Next {
        if self.chips_tried == Chip::ALL.len() {
            return Next::GiveUp(NO_SENSE);
        }
        self.chips_tried += 1;
        self.seen.clear();
        self.strip.chip = match self.strip.chip {
            Chip::Ws2812 => Chip::Sk6812Rgbw,
            Chip::Sk6812Rgbw => Chip::Ws2812,
        };
        Next::Again("it may be of the other kind of chip; once more from the first")
    }

    fn count(&mut self, answer: &str) -> Result<Next, String> {
        let most = (self.most)(self.strip.chip);
        match answer.parse() {
            Ok(0) => Ok(Next::GiveUp(NOTHING)),
            Ok(leds) if leds <= most => {
                self.strip.leds = leds;
                Ok(Next::Found(self.strip))
            }
            _ => Err(format!("a number from 0 to {most}, which is all that can be lit here")),
        }
    }
}

/// Asks a person at standard input, and prints what was found.
///
/// # Errors
/// If there is no strip to test, a talk has it, or the answers lead nowhere.
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
    let most = move |chip| {
        let fits = |&leds: &usize| {
            let strip = StripType { chip, leds, ..now };
            spi::frame_bytes(leds, chip) <= bufsiz && strip.drive(&settings).is_ok()
        };
        (1..=spi::leds_max(bufsiz, chip).min(Look::LEDS_MAX)).rev().find(fits).unwrap_or(1)
    };
    let mut dialog = Dialog::new(now, most);

    // Before the first thread, which inherits it: whatever ends this, the strip is given back first.
    let signals = signal::block(Suspend::Never)?;
    let mut stage = Stage::find(config)?;
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

    stage.show(dialog.trial())?;
    println!("{}\n{KEYS}", stage.greeting());
    let found = ask(&mut dialog, &mut stage, &inbox).inspect_err(|_| println!());
    stage.leave(dialog.trial().strip);
    let found = found?;
    println!("\n{}", findings(found, now, &config.origin));
    if found.leds == (dialog.most)(found.chip) {
        println!(
            "{}",
            match found.leds == spi::leds_max(bufsiz, found.chip) {
                true =>
                    "Spidev's buffer lets no more be lit; if the strip is longer, append `spidev.bufsiz=65536` to the line of /boot/firmware/cmdline.txt, reboot and test again.",
                false =>
                    "`max_milliamps` lets no more be lit; if the strip is longer and its supply gives more, raise it and test again.",
            }
        );
    }
    Ok(())
}

fn ask(dialog: &mut Dialog, stage: &mut Stage, inbox: &Receiver<Option<String>>) -> anyhow::Result<StripType> {
    loop {
        stage.show(dialog.trial())?;
        print!("\n{} ", dialog.question());
        io::stdout().flush()?;
        let asked = clock::now();
        let answer = loop {
            match inbox.recv_timeout(REFRESH) {
                Ok(Some(answer)) => break answer,
                Err(RecvTimeoutError::Timeout) if clock::now().since(asked) > PATIENCE => {
                    bail!("nobody has answered for ten minutes; the test has ended")
                }
                Err(RecvTimeoutError::Timeout) => stage.show(dialog.trial())?,
                Ok(None) | Err(RecvTimeoutError::Disconnected) => {
                    bail!("the test has ended without an answer")
                }
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

/// The lines of a config for that strip.
fn findings(found: StripType, now: StripType, origin: &Origin) -> String {
    if found == now {
        return format!("The strip is as {origin} has it: {}. Nothing is to be changed.", found.words());
    }
    let [chip, order, leds] = found.lines();
    let [was_chip, was_order, was_leds] = now.lines();
    let line = |is: String, was: String| match is == was {
        true => format!("    {is}\n"),
        false => format!("    {is:<24}# was {}\n", was.split(" = ").last().unwrap_or_default()),
    };
    format!(
        "The strip is {}. These lines say so, under [strip] in {}:\n\n{}{}{}\nThen: talklight check && sudo systemctl restart talklight",
        found.words(),
        match origin {
            Origin::BuiltIn => "a config of yours".into(),
            Origin::File(path) => path.display().to_string(),
        },
        line(chip, was_chip),
        line(order, was_order),
        line(leds, was_leds),
    )
}

/// Who has the strip: the daemon, which lends it, or nobody.
enum Stage {
    /// At this socket, by the timer of this generation.
    Daemon(PathBuf, Option<u64>),
    Own(Box<dyn Strip>),
}

impl Stage {
    fn find(config: &Config) -> anyhow::Result<Self> {
        let sought = client::discover(config.socket.as_deref());
        if sought.found.is_empty() && sought.refused.is_none() {
            return Ok(Self::Own(config.open_strip(None)?));
        }
        let (path, stream) = client::single(sought)?;
        let ask = ClientRequest::new(Verb::Status);
        let status = client::request(stream, &ask)?.status;
        let status = status.context("the daemon tells no status")?;
        if status.strip.kind != "spi" {
            bail!(
                "the timer that answers at {} has a {} strip; end it, or name the socket of the one you mean with --socket",
                path.display(),
                status.strip.kind
            );
        }
        Ok(Self::Daemon(path, Some(status.generation)))
    }

    fn greeting(&self) -> &'static str {
        match self {
            Self::Daemon(..) => "The timer lends its strip. A start takes it back at once; Ctrl-C ends the test.",
            Self::Own(_) => "No timer is running, so the strip is driven from here. Ctrl-C ends the test.",
        }
    }

    fn show(&mut self, trial: Trial) -> anyhow::Result<()> {
        match self {
            Self::Daemon(path, generation) => ask_daemon(path, *generation, Some(trial)),
            Self::Own(strip) => {
                let mut frame = Vec::<Rgb>::new();
                trial.paint(&mut frame);
                Ok(strip.show(&frame, Some(&Scene::Sample(trial)))?)
            }
        }
    }

    /// Darkens whatever was lit, and gives the strip back. Whoever has it since has it rightly.
    fn leave(&mut self, strip: StripType) {
        let sample = Sample::Dark;
        let _ = self.show(Trial { strip, sample });
        if let Self::Daemon(path, generation) = self {
            let _ = ask_daemon(path, *generation, None);
        }
    }
}

fn ask_daemon(path: &Path, generation: Option<u64>, trial: Option<Trial>) -> anyhow::Result<()> {
    let ask = ClientRequest { generation, ..ClientRequest::new(Verb::Try(trial)) };
    let reply = client::request(client::connect(Some(path))?, &ask)?;
    if !reply.ok {
        bail!(reply.message);
    }
    match reply.status.and_then(|status| status.strip.error) {
        Some(error) => bail!(error),
        None => Ok(()),
    }
}
