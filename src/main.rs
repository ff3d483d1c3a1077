use std::env;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use talklight::cli::{Cli, Exit, Flags, Verb};
use talklight::config::{Config, Mistakes, Overrides};
use talklight::event::Origin;
use talklight::wire::{self, Ask, Status, What};
use talklight::{client, console, daemon, screen};

fn main() -> ExitCode {
    restore_terminal_on_panic();
    let exit = run(&Cli::parse()).unwrap_or_else(|error| {
        eprintln!("talklight: {error:#}");
        if error.is::<Mistakes>() {
            Exit::Config
        } else {
            Exit::Failure
        }
    });
    exit.into()
}

fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let flags = &cli.flags;
    match cli.command.clone() {
        None => daemon::run(config(flags)?, flags.headless).map(|()| Exit::Success),
        Some(Verb::Start { plan }) => tell(flags, What::Start(plan)),
        Some(Verb::Reset) => tell(flags, What::Reset),
        Some(Verb::Undo) => tell(flags, What::Undo),
        Some(Verb::Choose { plan }) => tell(flags, What::Choose(plan)),
        Some(Verb::Status { json, watch }) => status(flags, json, watch),
        Some(Verb::Console) => console::run(socket(flags)?.as_deref()).map(|()| Exit::Success),
        Some(Verb::Check { file }) => {
            let flags = Flags {
                config: file.or_else(|| flags.config.clone()),
                ..flags.clone()
            };
            let config = config(&flags)?;
            say(&format!(
                "{} is good
{}",
                config.origin,
                config.describe()
            ))
        }
        Some(Verb::Blank { after_service }) => match config(flags) {
            _ if after_service && systemd_restarts() => Ok(Exit::Success),
            // The daemon has told the mistakes already, and blanked the strip if it ever lit it.
            Err(_) if after_service => Ok(Exit::Success),
            config => daemon::blank(&config?).map(|()| Exit::Success),
        },
    }
}

fn config(flags: &Flags) -> Result<Config, Mistakes> {
    let overrides = Overrides {
        strip: flags.strip.clone(),
        tape: flags.tape.clone(),
        leds: flags.leds,
        socket: flags.socket.clone(),
        plan: flags.plan.clone(),
    };
    Config::load(flags.config.as_deref(), &overrides)
}

/// The socket that was named, by flag or in a config. A config that is merely found may be in need of repair while the
/// daemon runs on by what it was before.
fn socket(flags: &Flags) -> anyhow::Result<Option<PathBuf>> {
    if flags.socket.is_some() {
        return Ok(flags.socket.clone());
    }
    match (
        Config::load(flags.config.as_deref(), &Overrides::default()),
        &flags.config,
    ) {
        (Ok(config), _) => Ok(config.socket),
        (Err(_), None) => Ok(None),
        (Err(mistakes), Some(_)) => Err(mistakes.into()),
    }
}

fn tell(flags: &Flags, what: What) -> anyhow::Result<Exit> {
    let ask = Ask {
        what,
        generation: None,
        origin: Origin::Socket,
    };
    let reply = client::request(client::connect(socket(flags)?.as_deref())?, &ask)?;
    if reply.ok {
        return say(&reply.message);
    }
    eprintln!("talklight: {}", reply.message);
    Ok(Exit::Failure)
}

fn status(flags: &Flags, json: bool, watch: bool) -> anyhow::Result<Exit> {
    let ask = Ask {
        what: if watch { What::Watch } else { What::Status },
        generation: None,
        origin: Origin::Socket,
    };
    let stream = client::connect(socket(flags)?.as_deref())?;
    if !watch {
        let status = client::request(stream, &ask)?
            .status
            .context("the daemon tells no status")?;
        return say(&if json {
            wire::encode(&status)
        } else {
            status.line()
        });
    }
    for line in client::watch(stream, &ask)?.lines() {
        let line = line?;
        let exit = if json {
            say(&line)
        } else {
            say(&wire::decode::<Status>(&line)?.line())
        };
        if exit? == Exit::Failure {
            return Ok(Exit::Failure);
        }
    }
    anyhow::bail!("the daemon has ended")
}

/// Prints a line; a reader that has gone away is no reason to panic.
fn say(text: &str) -> anyhow::Result<Exit> {
    let mut out = io::stdout().lock();
    Ok(
        match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
            Ok(()) => Exit::Success,
            Err(_) => Exit::Failure,
        },
    )
}

/// Whether systemd, which tells its `ExecStopPost=` how the service ended, will start it again: it does after every
/// failure but a bad config. A timeout may also be that of a stop, after which only this command can darken the strip.
fn systemd_restarts() -> bool {
    let variable = |name| env::var(name).unwrap_or_default();
    match variable("SERVICE_RESULT").as_str() {
        "success" | "timeout" | "start-limit-hit" | "" => false,
        "exit-code" => variable("EXIT_STATUS") != (Exit::Config as u8).to_string(),
        _ => true,
    }
}

/// A panic in the thread that draws, or in the one that drives the strip, is the end of the screen. Any other is
/// reported by the engine, and its message would only garble what is shown.
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
