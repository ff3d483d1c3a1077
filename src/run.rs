//! The timer itself: everything wired together, from the config to the last dark frame.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

#[cfg(feature = "web")]
use anyhow::Context;
use anyhow::anyhow;

use crate::cli::Exit;
use crate::config::{Config, Kind};
use crate::control::invite::{Invited, own_addresses};
use crate::control::server::{self, Socket};
use crate::core::clock::{self, Moment};
use crate::core::look::Rgb;
use crate::core::plan::{self, Clock};
use crate::core::timer::{Command, Phase, Timer, seconds_left};
use crate::engine::board::{Bell, Board, Happening, Health, Snapshot, Tone};
use crate::engine::event::{self, Event, Events, Origin, Request, Stop};
use crate::engine::{self, Engine, Keeper};
use crate::input::signal::{self, Suspend};
use crate::os::lock;
use crate::report::journal;
use crate::report::notify::Notify;
use crate::screen::{self, Gone, House, Leave, Place, Terminal};
use crate::store::pairing::{Invitation, Pairing};
use crate::store::resume::{Found, ResumeFile};
use crate::store::tape::Tape;

/// A talk that was over for longer, when its daemon ended, is of no interest to the next one.
const YESTERDAY: Duration = Duration::from_secs(10 * 60);
/// How long the end may take before somebody's second word counts.
const LAST_FRAME: Duration = Duration::from_secs(1);
/// How long the end waits for a log that nobody reads.
const LAST_LINE: Duration = Duration::from_millis(200);

/// Runs the timer until it is told to stop.
///
/// # Errors
/// What keeps it from starting.
pub fn run(config: Config, headless: bool) -> anyhow::Result<()> {
    let (terminal, no_screen) = match Terminal::open() {
        _ if headless => (None, None),
        Ok(terminal) => (terminal, None),
        Err(error) => (None, Some((Tone::Warning, format!("there is no screen: {error}")))),
    };
    // Before the first thread: threads inherit the mask, and binding changes the umask for a moment.
    let signals = signal::block(match (&terminal, &config.strip) {
        (Some(_), _) => Suspend::Screen,
        (None, Kind::Simulated(_)) => Suspend::Default,
        #[cfg(target_os = "linux")]
        (None, Kind::Spi(_)) => Suspend::Never,
    })?;
    let path = config.socket.clone().map_or_else(server::default_path, Ok)?;
    let socket = Socket::bind(&path)?;
    let (web, web_told) = open_web(&config);
    let now = clock::now();
    let resume = ResumeFile::new(lock::beside(&path, "talk"));
    let (timer, found) = resumed(&resume, &config, now);
    let mut strip = config.open_strip(timer.talk().map(|talk| talk.plan))?;
    let (events, inbox) = sync_channel(event::QUEUE);
    let tape = config.tape.as_deref().map(|path| {
        Tape::open(path, events.clone()).map_err(|error| format!("there is no tape: {}: {error}", path.display()))
    });
    let (tape, no_tape) = match tape.transpose() {
        Ok(tape) => (tape, None),
        Err(text) => (None, Some((Tone::Warning, text))),
    };

    let mut first = Snapshot {
        timer,
        look: config.look,
        guest: None,
        plans: config.plans.clone().into(),
        strip_kind: config.strip.name(),
        strip: Health::Starting,
        web: web.as_ref().map(|web| web.url.clone()),
        failed_inputs: match &web_told {
            Some((Tone::Fault, why)) => vec![(Origin::Web, why.as_str().into())],
            _ => Vec::new(),
        },
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
        journal::say(&hello);
    }
    let web_at = web.as_ref().map(|web| {
        let text = format!("the stage view is at {}, the remote for a phone by p", web.url);
        (Tone::Done, text)
    });
    for (tone, text) in [found, no_screen, no_tape, web_at, web_told].into_iter().flatten() {
        first.note(now, Origin::Clock, Happening::Told(tone, text.into()));
    }
    let board = Board::new(first);

    let listener = socket.listener()?;
    let theirs = Arc::clone(&board);
    let pairing = web.as_ref().map(|web| Arc::clone(&web.pairing));
    let to_invite = pairing.clone();
    event::spawn("socket", Origin::Socket, events.clone(), move |events| {
        server::run(&listener, &theirs, &events, pairing)
    });
    start_web(web, &board, &events);
    start_buttons(&config, &board, &events);

    let notify = Arc::new(Notify::from_env());
    let (theirs, notifier) = (Arc::clone(&board), Arc::clone(&notify));
    event::spawn("journal", Origin::Clock, events.clone(), move |_| Ok(journal::run(&theirs, &notifier, to_stderr)?));

    let to_screen = terminal.map(|terminal| start_screen(terminal, &board, &events, to_invite)).transpose()?;
    event::spawn("signals", Origin::Signal, events.clone(), move |events| {
        let signal = signal::wait(&signals, to_screen.as_ref())?;
        events.send(Event::Stop(signal::meaning(signal)))?;
        // A terminal that closes says it twice, itself and through its shell: the last frame gets its time first. Whoever
        // says it after that will not wait for a strip that does not take it.
        thread::park_timeout(LAST_FRAME);
        signal::wait(&signals, None)?;
        screen::restore();
        process::exit(Exit::Success as i32)
    });

    wake_on_time();
    let mut aside = Aside { resume, tape, notify: Arc::clone(&notify), ready: false };
    let engine = Engine::new(&mut *strip, &mut aside, &board, now);
    engine::run(engine, &inbox);
    notify.stopping();
    screen::restore();
    // The last line of the log is written by another thread, which then ends.
    while let Ok(event) = inbox.recv_timeout(LAST_LINE) {
        if matches!(event, Event::SourceEnded(Origin::Clock, _)) {
            break;
        }
    }
    Ok(())
}

/// The web before it serves, and what others have to know of it.
struct OpenWeb {
    #[cfg(feature = "web")]
    web: crate::web::Web,
    pairing: Arc<Pairing>,
    url: Arc<str>,
}

/// Opens the port of the config, or takes the one that systemd has opened; and what is worth saying about that. Nothing
/// about the web is a reason for a timer not to run.
#[cfg(feature = "web")]
fn open_web(config: &Config) -> (Option<OpenWeb>, Option<(Tone, String)>) {
    use crate::web::{Unopened, Web};
    let hosts = config.web.as_ref().map_or(&[][..], |web| &web.hosts);
    let listen = config.web.as_ref().and_then(|web| web.listen);
    let open = || -> anyhow::Result<_> {
        let handed_over = listenfd::ListenFd::from_env().take_tcp_listener(0);
        let web = match (handed_over.context("what systemd has opened is no TCP port")?, listen) {
            (Some(listener), _) => Web::of(listener, hosts)?,
            (None, None) => return Ok((None, None)),
            (None, Some(listen)) => Web::bind(listen, hosts)?,
        };
        let (pairing, told) = open_pairing(web.address()?)?;
        Ok((Some(OpenWeb { url: web.url()?.into(), web, pairing: Arc::new(pairing) }), told))
    };
    match open() {
        Ok((web, told)) => (web, told.map(|text| (Tone::Warning, text))),
        Err(error) if matches!(error.downcast_ref(), Some(Unopened::NoNetwork)) => {
            let text = "web.listen: there is no web, since this service has no network of its own; `sudo systemctl enable talklight-web.socket && sudo systemctl restart talklight` hands it a port";
            (None, Some((Tone::Warning, text.into())))
        }
        Err(error) => (None, Some((Tone::Fault, format!("there is no web until a restart: {error:#}")))),
    }
}

/// The paired devices. A file that cannot be used is set aside, so that the chair can pair a phone again.
#[cfg(feature = "web")]
fn open_pairing(listen: std::net::SocketAddr) -> anyhow::Result<(Pairing, Option<String>)> {
    let path = crate::store::pairing::default_path()?;
    let error = match Pairing::open(path.clone(), listen) {
        Ok(pairing) => return Ok((pairing, None)),
        Err(error) => error,
    };
    let aside = lock::beside(&path, "damaged");
    std::fs::rename(&path, &aside).with_context(|| format!("{error}; it cannot be set aside"))?;
    let text = format!("every phone must be paired again: {error}; it is kept as {}", aside.display());
    Ok((Pairing::open(path, listen)?, Some(text)))
}

#[cfg(not(feature = "web"))]
fn open_web(_: &Config) -> (Option<OpenWeb>, Option<(Tone, String)>) {
    (None, None)
}

#[cfg(feature = "web")]
fn start_web(web: Option<OpenWeb>, board: &Arc<Board>, events: &Events) {
    let Some(OpenWeb { web, pairing, .. }) = web else {
        return;
    };
    let board = Arc::clone(board);
    event::spawn("web", Origin::Web, events.clone(), move |events| web.run(&board, pairing, &events));
}

#[cfg(not(feature = "web"))]
fn start_web(_: Option<OpenWeb>, _: &Arc<Board>, _: &Events) {}

/// Darkens the strip that the config names. For after a daemon that could not do so itself.
///
/// # Errors
/// If a daemon drives it, or it cannot be reached.
pub fn blank(config: &Config) -> anyhow::Result<()> {
    config.open_strip(None)?.show(&vec![Rgb::BLACK; config.look.leds])?;
    Ok(())
}

/// The timer to begin with, and what is worth saying about it.
fn resumed(resume: &ResumeFile, config: &Config, now: Moment) -> (Timer, Option<(Tone, String)>) {
    // Any number will do that no command knows from an earlier daemon; 53 bits are exact in every JSON reader.
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
        Found::Timer(timer) if timer.at(now).overrun > YESTERDAY => (fresh, None),
        Found::Timer(mut timer) => {
            // A running talk goes on by its own plan; the plans to come are those of the config as it is now.
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

/// Starts the screen, and gives the end on which it is told of signals.
fn start_screen(
    terminal: Terminal,
    board: &Arc<Board>,
    events: &Events,
    pairing: Option<Arc<Pairing>>,
) -> anyhow::Result<UnixStream> {
    let (to_screen, signals) = UnixStream::pair()?;
    to_screen.set_nonblocking(true)?;
    let mut house =
        Here { board: Arc::clone(board), bell: board.subscribe()?, events: events.clone(), pairing, invited: None };
    event::spawn("screen", Origin::Keyboard, events.clone(), move |events| {
        match screen::run(terminal, &mut house, signals, Place::Daemon)? {
            Leave::Quit => Ok(events.send(Event::Stop(Stop::Quit))?),
            Leave::HungUp => Err(anyhow!("the terminal hung up; the talk goes on")),
            Leave::Signal | Leave::Gone(_) => Ok(()),
        }
    });
    Ok(to_screen)
}

/// The house as the screen of this process sees it.
struct Here {
    board: Arc<Board>,
    bell: Bell,
    events: Events,
    pairing: Option<Arc<Pairing>>,
    invited: Option<Result<Invited, String>>,
}

impl House for Here {
    fn wake(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn look(&mut self) -> Result<Arc<Snapshot>, Gone> {
        self.bell.hush();
        Ok(self.board.latest())
    }

    fn send(&mut self, command: Command, generation: Option<u64>) {
        let request = Request { command, generation, origin: Origin::Keyboard, reply: None };
        // Without an engine there is no screen for long, either.
        let _ = self.events.send(Event::Command(request));
    }

    fn invite(&mut self) {
        let Some(pairing) = &self.pairing else { return };
        let invited = pairing.invite(clock::now()).map(|invitation| {
            let Invitation { ticket, code, until } = invitation;
            Invited::new(pairing.listen(), &own_addresses(), &ticket, &code, until)
        });
        self.invited = Some(invited.map_err(|error| format!("nobody can be invited: {error}")));
    }

    fn invited(&mut self) -> Option<Result<Invited, String>> {
        self.invited.take()
    }
}

/// What the engine hands on, on its own thread: all of it is quick and none of it blocks.
struct Aside {
    resume: ResumeFile,
    tape: Option<Tape>,
    notify: Arc<Notify>,
    ready: bool,
}

impl Keeper for Aside {
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
        if !std::mem::replace(&mut self.ready, true) {
            self.notify.ready();
        }
        self.notify.watchdog();
    }
}

/// Asks the kernel not to gather this thread's wake-ups with others, which by default it does within 50 us.
fn wake_on_time() {
    #[cfg(target_os = "linux")]
    // In nanoseconds, as long as a machine word.
    let _ = nix::sys::prctl::set_timerslack(1);
}
