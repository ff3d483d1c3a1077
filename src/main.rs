use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use talklight::cli::{self, Cli, Command, Exit, Flags};
use talklight::config::{Config, Mistakes, Overrides};
use talklight::control::client;
use talklight::control::protocol::{self, ClientRequest, Status, Verb};
use talklight::remote::Remote;
use talklight::report::{journal, notify};
use talklight::screen::console;
use talklight::setup::doctor;
#[cfg(target_os = "linux")]
use talklight::setup::test_strip;
use talklight::{run, screen};

fn main() -> ExitCode {
    restore_terminal_on_panic();
    let exit = run(&cli::parse()).unwrap_or_else(|error| {
        // Mistakes in a config begin with file and line, so that an editor can jump there.
        let prefix = if error.is::<Mistakes>() { "" } else { "talklight: " };
        journal::error(&format!("{prefix}{error:#}"));
        notify::delay_failure();
        if error.is::<Mistakes>() { Exit::Config } else { Exit::Failure }
    });
    exit.into()
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let flags = &cli.flags;
    match cli.command.clone() {
        None => run::run(config(flags)?, flags.headless).map(|()| Exit::Success),
        Some(Command::Start { plan, late: None }) => send(flags, Verb::Start(plan)),
        Some(Command::Start { plan, late: Some(late) }) => send(flags, Verb::StartLate(plan, time(&late))),
        Some(Command::Late { by }) => send(flags, Verb::Late(time(&by))),
        Some(Command::Demo) => send(flags, Verb::Demo),
        Some(Command::Reset) => send(flags, Verb::Reset),
        Some(Command::Undo) => send(flags, Verb::Undo),
        Some(Command::Choose { plan }) => send(flags, Verb::Choose(plan)),
        Some(Command::Status { json, watch }) => status(flags, json, watch),
        Some(Command::Remote { instead }) => {
            let ask = |verb| client::request(with_daemon(flags, client::connect)?, &ClientRequest::new(verb));
            Remote { ask: &ask, print: &print }.run(instead)
        }
        Some(Command::Console { wait }) => {
            with_daemon(flags, |socket| console::run(socket, wait)).map(|()| Exit::Success)
        }
        Some(Command::Check { file }) => {
            let flags = Flags { config: file.or_else(|| flags.config.clone()), ..flags.clone() };
            let config = config(&flags)?;
            let machine = [doctor::taken_buttons(&config), doctor::way_in(&config)].concat().join("\n");
            print(&format!("{} is good\n{}\n{machine}", config.origin, config.describe()))
        }
        Some(Command::Doctor { json }) => {
            let report = doctor::examine(flags.config.as_deref(), &overrides(flags));
            let printed = print(&if json { protocol::encode(&report) } else { report.to_string() })?;
            Ok(if report.good { printed } else { Exit::Failure })
        }
        #[cfg(target_os = "linux")]
        Some(Command::TestStrip) => test_strip::run(&config(flags)?).map(|()| Exit::Success),
        #[cfg(not(target_os = "linux"))]
        Some(Command::TestStrip) => anyhow::bail!("SPI needs Linux"),
        Some(Command::Blank { after_service }) => match config(flags) {
            _ if after_service && notify::restart_follows(Exit::Config as u8) => Ok(Exit::Success),
            // The daemon has reported the mistakes, and blanked the strip if it used it.
            Err(_) if after_service => Ok(Exit::Success),
            config => run::blank(&config?).map(|()| Exit::Success),
        },
    }
}

fn time(text: &str) -> Duration {
    protocol::span(text).unwrap_or_else(|what| cli::mistake(&format!("`{text}`: {what}")))
}

fn config(flags: &Flags) -> Result<Config, Mistakes> {
    Config::load(flags.config.as_deref(), &overrides(flags))
}

fn overrides(flags: &Flags) -> Overrides {
    Overrides {
        strip: flags.strip.clone(),
        tape: flags.tape.clone(),
        leds: flags.leds,
        socket: flags.socket.clone(),
        plan: flags.first_plan.clone(),
        web: flags.web.clone(),
    }
}

/// Calls `act` with the socket of the flag or the config. A default config with mistakes is no error here: the daemon may
/// still run with the config as it was before.
fn with_daemon<T>(flags: &Flags, act: impl FnOnce(Option<&Path>) -> anyhow::Result<T>) -> anyhow::Result<T> {
    if let Some(socket) = &flags.socket {
        return act(Some(socket));
    }
    match Config::load(flags.config.as_deref(), &Overrides::default()) {
        Ok(config) => act(config.socket.as_deref()),
        Err(mistakes) if flags.config.is_some() => Err(mistakes.into()),
        Err(_) => act(None).context("the config has mistakes, so its socket is unknown; see `talklight check`"),
    }
}

fn send(flags: &Flags, verb: Verb) -> anyhow::Result<Exit> {
    let reply = client::request(with_daemon(flags, client::connect)?, &ClientRequest::new(verb))?;
    if reply.ok {
        return print(&reply.message);
    }
    eprintln!("talklight: {}", reply.message);
    Ok(Exit::Failure)
}

fn status(flags: &Flags, json: bool, watch: bool) -> anyhow::Result<Exit> {
    let request = ClientRequest::new(if watch { Verb::Watch } else { Verb::Status });
    let (path, stream) = with_daemon(flags, client::find)?;
    if !watch {
        let status = client::request(stream, &request)?.status.context("the daemon's reply has no status")?;
        return print(&if json { protocol::encode(&status) } else { status.line() });
    }
    let mut lines = client::watch(stream, &request)?;
    loop {
        // When the daemon disconnects, the next line is an error or missing.
        for line in lines.by_ref().map_while(Result::ok) {
            let exit = if json { print(&line) } else { print(&protocol::decode::<Status>(&line)?.line()) };
            if exit? == Exit::Failure {
                return Ok(Exit::Failure);
            }
        }
        lines = client::watch_again(&path, &request).context("the daemon has ended")?;
    }
}

/// Prints a line. A closed pipe is a failure without a message.
fn print(text: &str) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Success),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Failure),
        Err(error) => Err(error).context("cannot print"),
    }
}

/// Restores the terminal after a panic in the thread that draws or in the one that drives the strip. The engine reports a
/// panic of any other thread; its message would garble the screen, so it is not printed.
fn restore_terminal_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if matches!(std::thread::current().name(), Some("main" | "screen")) {
            screen::restore();
        }
        if !screen::is_shown() {
            report(panic);
        }
    }));
}
