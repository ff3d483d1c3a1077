//! The daemon: it wires everything together, from the config to the last dark frame.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

use crate::cli::Exit;
use crate::config::{Config, Kind};
use crate::control::desk::{self, Desk};
use crate::control::invite::InvitationCard;
use crate::control::server::{self, Socket};
use crate::core::clock::{self, Moment};
use crate::core::look::Rgb;
use crate::core::plan::{self, Clock};
use crate::core::timer::{Command, Phase, Timer, seconds_left};
use crate::engine::board::{Board, Happening, Health, Phones, Snapshot, Subscription, Tone};
use crate::engine::event::{self, Action, Event, Events, Origin, Request, Stop};
use crate::engine::{self, Engine, Keeper};
use crate::input::signal::{self, Suspend};
use crate::os::lock;
use crate::os::network::Network;
#[cfg(target_os = "linux")]
use crate::os::nodes::Nodes;
use crate::report::journal;
use crate::report::notify::Notify;
use crate::screen::{self, Daemon, Disconnected, Leave, Place, Terminal};
use crate::show::Stage;
use crate::store::pairing::Invitation;
use crate::store::resume::{Found, ResumeFile};
use crate::store::tape::Tape;

mod web;

/// A talk that has been over for longer is forgotten after a restart.
const FORGET_AFTER: Duration = Duration::from_secs(10 * 60);
/// How long the last frame may take before the process ends without it.
const LAST_FRAME: Duration = Duration::from_secs(2);
/// How long the end waits for the last line of the log.
const LAST_LINE: Duration = Duration::from_millis(200);

/// Runs the daemon until a stop is requested.
///
/// # Errors
/// What keeps it from starting.
pub fn run(config: Config, headless: bool) -> anyhow::Result<()> {
    let (terminal, no_screen) = match Terminal::open() {
        _ if headless => (None, None),
        Ok(terminal) => (terminal, None),
        Err(error) => (None, Some((Tone::Warning, format!("there is no screen: {error}")))),
    };
    // Before the first thread, because threads inherit the mask and binding changes the umask for a moment.
    let signals = signal::block(match (&terminal, &config.strip) {
        (Some(_), _) => Suspend::Screen,
        (None, Kind::Simulated(_)) => Suspend::Default,
        #[cfg(target_os = "linux")]
        (None, Kind::Spi(_)) => Suspend::Never,
    })?;
    let path = config.socket.clone().map_or_else(server::default_path, Ok)?;
    let socket = Socket::bind(&path)?;
    let now = clock::now();
    let resume = ResumeFile::new(lock::beside(&path, "talk"));
    let (timer, found) = resumed(&resume, &config, now);
    let mut strip = config.open_strip(timer.last_talk().map(|talk| talk.plan))?;
    let (events, inbox) = Events::channel();

    let mut first = Snapshot {
        timer,
        look: config.look,
        stage: Stage::default(),
        plans: config.plans.clone().into(),
        words: config.words.clone().into(),
        strip_kind: config.strip.name().into(),
        name: config.name().into(),
        strip: Health::Starting,
        web: None,
        phones: Phones::default(),
        faults: Vec::new(),
        log: Default::default(),
        number: 0,
    };
    let hello = format!(
        "talklight {}: {} strip of {} LEDs by {}, listening at {}",
        env!("CARGO_PKG_VERSION"),
        first.strip_kind,
        first.look.leds,
        config.origin,
        path.display()
    );
    let to_stderr = terminal.is_none() || !io::stderr().is_terminal();
    if to_stderr {
        journal::notice(&hello);
    }
    for (tone, text) in [found, no_screen].into_iter().flatten() {
        first.note(now, Origin::Clock, Happening::Told(tone, text.into()));
    }
    let board = Board::new(first);

    let pairing = web::start(&config, &board, &events);
    let listener = socket.listener()?;
    let desk = Desk { board: Arc::clone(&board), events: events.clone(), pairing: pairing.clone() };
    event::spawn("socket", Origin::Socket, events.clone(), move |_| server::run(&listener, &desk));
    start_buttons(&config, &board, &events);

    let notify = Arc::new(Notify::from_env());
    let (theirs, notifier) = (Arc::clone(&board), Arc::clone(&notify));
    event::spawn("journal", Origin::Clock, events.clone(), move |_| Ok(journal::run(&theirs, &notifier, to_stderr)?));

    let desk = Desk { board: Arc::clone(&board), events: events.clone(), pairing };
    let to_screen = terminal.map(|terminal| start_screen(terminal, desk)).transpose()?;
    let talk_file = resume.clone();
    event::spawn("signals", Origin::Signal, events.clone(), move |events| {
        let signal = signal::wait(&signals, to_screen.as_ref())?;
        events.stop(signal::meaning(signal));
        thread::park_timeout(LAST_FRAME);
        // The owner of the strip hangs, so this thread ends the process.
        if events.stopping() == Some(Stop::Quit) {
            talk_file.forget();
        }
        screen::restore();
        process::exit(Exit::Success as i32)
    });

    let tape = config.tape.as_deref().and_then(|path| {
        let no_thread = |error: io::Error| events.try_send(Event::Fault(Origin::Tape, Some(error.to_string().into())));
        Tape::new(path, events.clone()).map_err(no_thread).ok()
    });
    start_nodes(&config, &events);
    wake_on_time();
    let mut outputs = Outputs { resume, tape, notify: Arc::clone(&notify), events, ready: false, told: true };
    let engine = Engine::new(&mut *strip, &mut outputs, &board, now);
    engine::run(engine, &inbox);
    let _ = notify.stopping();
    screen::restore();
    // Another thread writes the last line of the log and then ends.
    let ended = clock::now();
    while clock::now().since(ended) < LAST_LINE {
        if let Some(Event::SourceEnded(Origin::Clock, _)) = inbox.wait(LAST_LINE) {
            break;
        }
    }
    Ok(())
}

/// Blanks the strip of the config, after a daemon that could not.
///
/// # Errors
/// If a daemon drives the strip, or a frame cannot be sent.
pub fn blank(config: &Config) -> anyhow::Result<()> {
    config.open_strip(None)?.show(&vec![Rgb::BLACK; config.look.leds], None)?;
    Ok(())
}

/// The timer to begin with, and a message about it.
fn resumed(resume: &ResumeFile, config: &Config, now: Moment) -> (Timer, Option<(Tone, String)>) {
    // A random number, so that no command for an earlier daemon matches. 53 bits are exact in every JSON reader.
    let fresh = Timer::new(config.chosen, RandomState::new().hash_one(now.as_ns()) >> 12);
    match resume.find(now) {
        Found::Nothing => (fresh, None),
        Found::OtherBoot => {
            let text = "the machine was restarted during a talk; how far it had come is not known, so this is ready";
            (fresh, Some((Tone::Warning, text.into())))
        }
        Found::Unusable(why) => {
            let text = format!("{} is ignored, this is ready: {why}", resume.path().display());
            (fresh, Some((Tone::Warning, text)))
        }
        Found::Timer(timer) if timer.at(now).overrun > FORGET_AFTER => (fresh, None),
        Found::Timer(mut timer) => {
            // A running talk keeps its plan; later talks use the plans of the present config.
            timer.chosen = plan::find(&config.plans, timer.chosen.name()).unwrap_or(config.chosen);
            let reading = timer.at(now);
            let text = if reading.phase.is_running() {
                let left = Clock(seconds_left(reading.left));
                Some((Tone::Done, format!("the talk goes on: {}, {left} left", reading.plan.name())))
            } else if timer.chosen != config.chosen {
                let text = format!("the next talk is {}, as chosen before the restart", timer.chosen.name());
                Some((Tone::Done, text))
            } else {
                None
            };
            (timer, text)
        }
    }
}

#[cfg(target_os = "linux")]
fn start_buttons(config: &Config, board: &Arc<Board>, events: &Events) {
    use crate::input::gpio;
    let Some(wiring) = config.buttons.as_ref().map(crate::config::Buttons::wiring) else {
        return;
    };
    for &button in &wiring.buttons {
        let (wiring, board) = (wiring.clone(), Arc::clone(board));
        let origin = gpio::origin(button.1);
        event::spawn("button", origin, events.clone(), move |events| gpio::run(&wiring, button, &board, &events));
    }
}

#[cfg(not(target_os = "linux"))]
fn start_buttons(_: &Config, _: &Arc<Board>, _: &Events) {}

/// Retries a failed strip as soon as a device node is created or changes its permissions.
#[cfg(target_os = "linux")]
fn start_nodes(config: &Config, events: &Events) {
    // Without a watch the beat retries the strip.
    if let (Kind::Spi(_), Ok(nodes)) = (&config.strip, Nodes::watch(Path::new("/dev"))) {
        event::spawn("nodes", Origin::Clock, events.clone(), move |events| {
            loop {
                if nodes.changed(Duration::MAX)? {
                    events.send(Event::Retry)?;
                }
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn start_nodes(_: &Config, _: &Events) {}

/// Starts the screen, and returns the stream that passes signals to it.
fn start_screen(terminal: Terminal, desk: Desk) -> anyhow::Result<UnixStream> {
    let (to_screen, signals) = UnixStream::pair()?;
    to_screen.set_nonblocking(true)?;
    let events = desk.events.clone();
    let mut daemon = LocalDaemon { subscription: desk.board.subscribe()?, desk, invited: None };
    event::spawn("screen", Origin::Keyboard, events, move |events| {
        match screen::run(terminal, &mut daemon, signals, Place::Daemon)? {
            Leave::Quit => {
                events.stop(Stop::Quit);
                // The signal thread handles every stop, and ends the process if the engine cannot.
                Ok(kill(getpid(), Signal::SIGTERM)?)
            }
            Leave::HungUp => Err(anyhow!("the terminal hung up; the talk goes on")),
            Leave::Signal | Leave::Disconnected(_) => Ok(()),
        }
    });
    Ok(to_screen)
}

/// The daemon of this process, for its screen.
struct LocalDaemon {
    desk: Desk,
    subscription: Subscription,
    invited: Option<Result<InvitationCard, String>>,
}

impl LocalDaemon {
    fn request(&self, action: Action, generation: Option<u64>) -> Result<(), String> {
        let request = Request { action, generation, deadline: None, origin: Origin::Keyboard, reply: None };
        // This must not block: the same thread reads the keys that quit.
        match self.desk.events.try_send(Event::Request(request)) {
            Ok(true) => Ok(()),
            Ok(false) => Err("the timer does not answer; press again".into()),
            Err(stopped) => Err(stopped.to_string()),
        }
    }
}

impl Daemon for LocalDaemon {
    fn wake(&self) -> BorrowedFd<'_> {
        self.subscription.as_fd()
    }

    fn snapshot(&mut self) -> Result<Arc<Snapshot>, Disconnected> {
        self.subscription.clear();
        Ok(self.desk.board.latest())
    }

    fn send(&mut self, command: Command, generation: Option<u64>) -> Result<(), String> {
        self.request(Action::Command(command), generation)
    }

    fn demo(&mut self) -> Result<(), String> {
        self.request(desk::demonstration(), None)
    }

    fn invite(&mut self) {
        // Without a port the faults say why.
        let Some(site) = self.desk.pairing.as_ref().and_then(|pairing| pairing.site()) else { return };
        self.invited = Some(self.desk.invite().map(|Invitation { ticket, code, until }| {
            InvitationCard::new(&site, &Network::look(), &ticket, &code, until)
        }));
    }

    fn invitation(&mut self) -> Option<Result<InvitationCard, String>> {
        self.invited.take()
    }
}

/// The engine's outputs, on its own thread. None of them blocks.
struct Outputs {
    resume: ResumeFile,
    tape: Option<Tape>,
    notify: Arc<Notify>,
    events: Events,
    ready: bool,
    /// Whether the last ping was sent.
    told: bool,
}

impl Keeper for Outputs {
    fn keep(&mut self, timer: &Timer) -> io::Result<()> {
        self.resume.keep(timer)
    }

    fn forget(&mut self) {
        self.resume.forget();
    }

    fn shown(&mut self, at: Moment, phase: Phase, frame: &[Rgb]) {
        if let Some(tape) = &mut self.tape {
            tape.record(at, phase, frame);
        }
        let told = match self.ready {
            true => self.notify.watchdog(),
            false => self.notify.ready(),
        };
        self.ready |= told.is_ok();
        if self.told != told.is_ok() {
            let fault = told.err().map(|error| format!("it cannot be told that all is well: {error}").into());
            let is_well = fault.is_none();
            if self.events.try_send(Event::Fault(Origin::Service, fault)) == Ok(true) {
                self.told = is_well;
            }
        }
    }
}

/// Turns off timer slack for this thread. By default the kernel delays wake-ups by up to 50 us to combine them.
fn wake_on_time() {
    #[cfg(target_os = "linux")]
    // In nanoseconds.
    let _ = nix::sys::prctl::set_timerslack(1);
}
