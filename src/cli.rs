//! What can be said on the command line, and how a run ends.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

/// Times a talk on an LED strip: green, yellow, red, flashing red, off.
///
/// Without a command it is the timer: on the simulated strip in this terminal, or on the strip that the config names.
/// The commands speak to a timer that is running.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(flatten)]
    pub flags: Flags,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Clone, Debug, Args)]
pub struct Flags {
    /// Read this config instead of the one that is found
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The control socket
    #[arg(long, value_name = "PATH", global = true)]
    pub socket: Option<PathBuf>,
    /// The kind of strip: simulated or spi
    #[arg(long, value_name = "KIND", global = true)]
    pub strip: Option<String>,
    /// The length of the strip
    #[arg(long, value_name = "N", global = true)]
    pub leds: Option<usize>,
    /// Record every frame in this file
    #[arg(long, value_name = "FILE", global = true)]
    pub tape: Option<PathBuf>,
    /// The plan of the first talk
    #[arg(long = "plan", value_name = "NAME", global = true)]
    pub first_plan: Option<String>,
    /// Serve the chair's remote and the stage view to this machine, at port 8080
    #[arg(long, global = true)]
    pub web: bool,
    /// Show no screen, even in a terminal
    #[arg(long, global = true)]
    pub headless: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start a talk of this plan, or of the chosen one
    Start {
        /// The name of a plan; `talklight status` tells which there are
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        plan: Option<String>,
    },
    /// End the talk; for ten seconds it can be undone
    Reset,
    /// Go on with the talk that was reset, as if it never had been
    Undo,
    /// Choose the plan of the talks to come
    Choose {
        /// The name of a plan; `talklight status` tells which there are
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        plan: String,
    },
    /// Tell where the talk stands
    Status {
        /// An object of JSON, for programs
        #[arg(long)]
        json: bool,
        /// A line for each change, until interrupted
        #[arg(long)]
        watch: bool,
    },
    /// Attach a screen and keys to a running timer
    Console {
        /// Wait for a timer, where none is running
        #[arg(long)]
        wait: bool,
    },
    /// Pair a phone with the chair's remote: an address, a QR code, and a code to type
    Remote {
        /// Unpair every phone and program
        #[arg(long, conflicts_with = "token")]
        forget: bool,
        /// Print a token for a program instead
        #[arg(long)]
        token: bool,
    },
    /// Say whether a config is good, and what it means
    Check {
        /// The config that is found, if left out
        file: Option<PathBuf>,
    },
    /// Say what is wrong with this machine's set-up, and the line that mends it; changes nothing
    Doctor {
        /// An object of JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Light the strip, ask what is seen, and tell the lines of the config that make it right
    TestStrip,
    /// Darken the strip that the config names, unless a timer drives it
    Blank {
        /// As `ExecStopPost=` of the service: not where systemd is about to restart it
        #[arg(long)]
        after_service: bool,
    },
}

/// What was said on the command line; if it makes no sense, says so and ends with status 2.
pub fn parse() -> Cli {
    let cli = Cli::parse();
    if let Some(flag) = cli.idle_flag() {
        let text = format!("{flag} is for the timer itself; this command speaks to one that is running");
        Cli::command().error(ErrorKind::ArgumentConflict, text).exit();
    }
    cli
}

impl Cli {
    /// A flag that was given and that the command has no use for.
    pub fn idle_flag(&self) -> Option<&'static str> {
        if let None
        | Some(Command::Check { .. } | Command::Doctor { .. } | Command::TestStrip | Command::Blank { .. }) =
            self.command
        {
            return None;
        }
        let Flags { config: _, socket: _, strip, leds, tape, first_plan, web, headless } = &self.flags;
        let given = [
            ("--strip", strip.is_some()),
            ("--leds", leds.is_some()),
            ("--tape", tape.is_some()),
            ("--plan", first_plan.is_some()),
            ("--web", *web),
            ("--headless", *headless),
        ];
        given.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}

/// How a run ends, in numbers that scripts and systemd can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    /// A command was refused, or something went wrong.
    Failure = 1,
    /// The config has mistakes (EX_CONFIG): to try again would not help.
    Config = 78,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
