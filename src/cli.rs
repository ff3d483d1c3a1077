//! The command line and the exit codes.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

/// Times a talk on an LED strip: green, yellow, red, flashing red, off.
///
/// Without a command it runs the timer, on the strip of the config or on a simulated strip in this terminal.
/// Most commands talk to a running timer.
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
    /// Read this config instead of the default one
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The path of the control socket
    #[arg(long, value_name = "PATH", global = true)]
    pub socket: Option<PathBuf>,
    /// The kind of strip: simulated or spi
    #[arg(long, value_name = "KIND", global = true)]
    pub strip: Option<String>,
    /// The number of LEDs of the strip
    #[arg(long, value_name = "N", global = true)]
    pub leds: Option<usize>,
    /// Record every frame in this file
    #[arg(long, value_name = "FILE", global = true)]
    pub tape: Option<PathBuf>,
    /// The plan of the first talk
    #[arg(long = "plan", value_name = "NAME", global = true)]
    pub first_plan: Option<String>,
    /// Serve the chair's remote and the stage view to this network, at port 8080 or at this address
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, require_equals = true, global = true)]
    pub web: Option<Option<String>>,
    /// Show no screen, even in a terminal
    #[arg(long, global = true)]
    pub headless: bool,
}

/// What `talklight remote` does instead of an invitation. One at a time.
#[derive(Clone, Debug, Args)]
#[group(multiple = false)]
pub struct RemoteAction {
    /// List the paired phones and programs: since when, and when they were used last
    #[arg(long)]
    pub list: bool,
    /// Unpair the phone or program with this id, as `--list` shows it
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub remove: Option<String>,
    /// Unpair all phones and programs
    #[arg(long)]
    pub forget: bool,
    /// Print a token for a program
    #[arg(long)]
    pub token: bool,
    /// Try whether a phone in the room's Wi-Fi reaches this machine: shows a QR code and waits 30 s
    #[arg(long = "try")]
    pub reach: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Start a talk of this plan, or of the chosen one
    Start {
        /// The name of a plan; `talklight status` lists them
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        plan: Option<String>,
        /// The speaker began this much earlier, as in 30s: takes it off the time
        #[arg(long, value_name = "TIME")]
        late: Option<String>,
    },
    /// The running talk was started this much too late: take it off the time; for ten seconds this can be undone
    Late {
        /// The time to take off, as in 30s
        #[arg(value_name = "TIME")]
        by: String,
    },
    /// Show what the colours mean: green, yellow, red, flash and dark in twelve seconds
    Demo,
    /// End the talk; for ten seconds this can be undone
    Reset,
    /// Continue the talk that was reset, as if there had been no reset; in a talk, take the last `late` back
    Undo,
    /// Choose the plan of the next talks
    Choose {
        /// The name of a plan; `talklight status` lists them
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        plan: String,
    },
    /// Show the state of the talk
    Status {
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
        /// Print a line for each change, until interrupted
        #[arg(long)]
        watch: bool,
    },
    /// Show the screen of a running timer, with its keys
    Console {
        /// Wait for a timer if none is running
        #[arg(long)]
        wait: bool,
    },
    /// Pair a phone with the chair's remote: shows an address, a QR code and a code to type
    Remote {
        #[command(flatten)]
        instead: RemoteAction,
    },
    /// Check a config and describe it
    Check {
        /// The config; the default one if left out
        file: Option<PathBuf>,
    },
    /// Find faults in this machine's set-up and show how to fix each; changes nothing
    Doctor {
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Light the strip, ask what you see, and find the right settings for it
    TestStrip,
    /// Darken the strip, unless a timer drives it
    Blank {
        /// For `ExecStopPost=` of the service: does nothing if systemd is about to restart it
        #[arg(long)]
        after_service: bool,
    },
}

/// Parses the command line. On a mistake it prints a message and ends the process with status 2.
pub fn parse() -> Cli {
    let cli = Cli::parse();
    if let Some(flag) = cli.idle_flag() {
        let text = format!("{flag} applies only when starting the timer; this command talks to a running one");
        Cli::command().error(ErrorKind::ArgumentConflict, text).exit();
    }
    cli
}

/// Ends the process with status 2, as after every mistake on the command line.
pub fn mistake(what: &str) -> ! {
    Cli::command().error(ErrorKind::ValueValidation, what).exit()
}

impl Cli {
    /// A flag that was given but has no effect on the command.
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
            ("--web", web.is_some()),
            ("--headless", *headless),
        ];
        given.into_iter().find_map(|(flag, given)| given.then_some(flag))
    }
}

/// The exit codes, on which scripts and systemd may rely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Success = 0,
    /// A command was refused, or an error occurred.
    Failure = 1,
    /// The config has mistakes (EX_CONFIG). Trying again would not help.
    Config = 78,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
