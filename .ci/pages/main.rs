//! Writes the manual pages and the shell completions from the definition of the command line.

use std::io;
use std::path::Path;
use std::{env, fs};

use clap::{Arg, Command, CommandFactory, Parser};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use cli::Cli;

#[allow(dead_code, reason = "only the definitions are of use here")]
#[path = "../../src/cli.rs"]
mod cli;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, version, date, folder] = arguments.as_slice() else {
        return Err(io::Error::other("say `pages VERSION DATE FOLDER`"));
    };
    fs::create_dir_all(folder)?;
    // By default clap takes the name and the version of this crate.
    let command = Cli::command().name("talklight").version(version.clone());
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command.clone(), "talklight", folder)?;
    }
    let mut command = command.disable_help_subcommand(true);
    command.build();
    for verb in [&command].into_iter().chain(command.get_subcommands()) {
        let man = Man::new(without_idle_flags(verb.clone()))
            .date(date)
            .source(format!("talklight {version}"))
            .manual("User Commands");
        let mut page = Vec::new();
        man.render(&mut page)?;
        more(verb.has_subcommands()).to_writer(&mut page)?;
        fs::write(Path::new(folder).join(man.get_filename()), page)?;
    }
    Ok(())
}

/// Every command knows every flag, but refuses those it has no use for.
fn without_idle_flags(verb: Command) -> Command {
    let idle = |arg: &&Arg| {
        let flag = format!("--{}", arg.get_long().unwrap_or_default());
        let value = arg.get_action().takes_values().then_some("1");
        let needed = verb.get_positionals().filter(|arg| arg.is_required_set());
        let line = ["talklight", verb.get_name(), &flag].into_iter().chain(value).chain(needed.map(|_| "1"));
        Cli::try_parse_from(line).is_ok_and(|cli| cli.idle_flag().is_some())
    };
    let idle: Vec<_> = verb.get_arguments().filter(idle).map(Arg::get_id).cloned().collect();
    idle.into_iter().fold(verb, |verb, id| verb.mut_arg(id, |arg| arg.hide(true)))
}

/// The sections that the definition does not have.
fn more(all: bool) -> Roff {
    let mut more = Roff::new();
    let mut list = |title: &str, entries: &[(&str, &str)]| {
        more.control("SH", [title]);
        for (what, means) in entries {
            more.control("TP", []).text([bold(*what)]).text([roman(*means)]);
        }
    };
    list(
        "EXIT STATUS",
        &[
            ("0", "Success."),
            ("1", "The command was refused or failed; a message says why."),
            ("2", "The command line is wrong."),
            ("78", "The config has mistakes."),
        ],
    );
    if all {
        list(
            "FILES",
            &[
                ("/etc/talklight/config.toml", "The config of the service."),
                ("/run/talklight/control.sock", "Its control socket, for members of the group talklight."),
                ("/var/lib/talklight", "The folder for a tape whose name has no folder."),
                ("/usr/share/doc/talklight", "The README, the pages of docs, and example configs."),
            ],
        );
    }
    more
}
