//! The screen of a daemon in the foreground.

use std::io::Write;
use std::os::unix::net::UnixStream;

use pty_process::Size;
use pty_process::blocking::Command;

use super::{FILES, LONG, Terminal, cells, cpu_ms};
use crate::harness::{Instance, QUICK, TALKLIGHT, until};

#[test]
fn a_talk_by_keys() {
    let house = Instance::new(LONG);
    let mut terminal = Terminal::open(&house, &[], (80, 24));
    // This is drawn last.
    terminal.sees("q quit                            simulated strip");
    insta::assert_snapshot!("terminal ready", terminal.text());
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard: long, 1:00:00");
    terminal.keys("\r");
    terminal.sees("a talk is running");
    terminal.keys("2");
    terminal.sees("choose when it is over, or reset it");
    terminal.keys("r");
    terminal.sees("talk reset at 0:0");
    terminal.sees("u undo (");
    terminal.keys("u");
    terminal.sees("reset undone by the keyboard");
    terminal.keys("q");
    terminal.sees("press q again to quit");
    crate::harness::pause(std::time::Duration::from_millis(300));
    terminal.keys("q");
    assert!(terminal.ends().success());
    assert!(!house.folder.file("s.talk").exists(), "quitting by hand forgets the talk");
}

#[test]
fn it_fits_forty_by_ten() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (40, 10));
    terminal.sees("? help  q");
    insta::assert_snapshot!("terminal 40x10", terminal.text());
}

#[test]
fn a_digit_chooses_a_plan_and_commands_of_others_appear() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    terminal.keys("2");
    terminal.sees("next talk chosen by the keyboard: other, 10:00");
    house.does(&["start"]);
    terminal.sees("talk started by the socket: other, 10:00");
    house.does(&["reset"]);
    terminal.sees("by the socket, 10:00 left");
}

#[test]
fn keys_typed_before_the_screen_is_shown_do_nothing() {
    let house = Instance::new(LONG);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    (&pty).write_all(b"   ").unwrap();
    let command = Command::from(crate::child::command(TALKLIGHT)).args(FILES);
    let command = command.env_clear().env("TERM", "xterm").current_dir(house.folder.path());
    let mut child = command.spawn(pts).unwrap();
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    assert_eq!(house.status()["phase"], "ready");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_screen_follows_the_size_down_to_one_cell_and_back() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    for (columns, rows) in [(1, 1), (3, 2), (200, 60), (80, 24)] {
        terminal.seen.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        terminal.pty.resize(Size::new(rows, columns)).unwrap();
        assert_eq!(phase_of(&house), "ready");
    }
    terminal.sees("space start");
}

fn phase_of(house: &Instance) -> String {
    until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
    house.status()["phase"].as_str().unwrap().to_owned()
}

#[test]
fn a_terminal_that_hangs_up_or_is_never_read_does_not_stop_the_talk() {
    for unread in [false, true] {
        let mut house = Instance::new(QUICK);
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        // SIGHUP is ignored, so that only the terminal reports the hang-up.
        let script = "trap '' HUP; exec \"$0\" --config config.toml --socket s --tape tape.0";
        let command = Command::from(crate::child::command("sh")).args(["-c", script, TALKLIGHT]);
        let command = command.env_clear().env("TERM", "xterm-256color").current_dir(house.folder.path());
        house.daemon = Some(command.spawn(pts).unwrap());
        until("the daemon answers", || UnixStream::connect(house.socket()).is_ok());
        if unread {
            // Nothing reads the terminal. Each new size draws the screen again, which fills the buffer.
            for columns in (40..240).step_by(2) {
                pty.resize(Size::new(50, columns)).unwrap();
            }
        } else {
            drop(pty);
        }
        house.does(&["start"]);
        until("the talk is over", || house.tape().last().is_some_and(|frame| frame.phase == "over"));
        let cpu = cpu_ms(house.daemon.as_ref().unwrap().id()).unwrap_or(0);
        assert!(cpu < 1000, "{cpu} ms of CPU in a talk of two seconds: a loop spins");
        assert!(house.daemon.as_mut().unwrap().try_wait().unwrap().is_none(), "it still runs");
    }
}

#[test]
fn a_terminal_without_colour_gets_letters_and_a_dumb_one_gets_lines() {
    let house = Instance::new(LONG);
    let env = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("NO_COLOR", "1")];
    let terminal = Terminal::open_with(&house, &[], (60, 16), &env);
    terminal.sees("space start");
    terminal.keys(" ");
    terminal.sees("T A L K");
    terminal.sees("GGGGGG GGGGGG");
    drop(terminal);

    let house = Instance::new(LONG);
    let terminal = Terminal::open_with(&house, &[], (80, 24), &[("TERM", "dumb")]);
    terminal.sees("keys: space starts");
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard: long, 1:00:00");
    assert!(!terminal.text().contains('\u{1b}'));
}

/// Some terminals claim more colours than they have.
#[test]
fn a_terminal_gets_no_more_colours_than_it_has() {
    use vt100::Color::{Default, Idx, Rgb};
    let most = |env: &[(&str, &str)]| {
        let house = Instance::new(LONG);
        let env = [&[("LANG", "C.UTF-8"), ("COLORTERM", "truecolor")], env].concat();
        let terminal = Terminal::open_with(&house, &[], (80, 24), &env);
        let shows = |text| until(text, || terminal.seen.lock().unwrap().screen().contents().contains(text));
        shows("q quit");
        terminal.keys(" ");
        shows("T A L K");
        let seen = terminal.seen.lock().unwrap();
        let cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
        let colours = cells.filter_map(|(row, column)| seen.screen().cell(row, column));
        let depth = |colour| match colour {
            Default => 0,
            Idx(n) if n < 16 => 16,
            Idx(_) => 256,
            Rgb(..) => 1 << 24,
        };
        colours.map(|cell| depth(cell.fgcolor()).max(depth(cell.bgcolor()))).max().unwrap()
    };
    assert_eq!(most(&[("TERM", "xterm-256color")]), 1 << 24);
    assert_eq!(most(&[("TERM", "screen.xterm-256color"), ("STY", "2347.pts-0.pi")]), 256);
    assert_eq!(most(&[("TERM", "screen"), ("STY", "2347.pts-0.pi")]), 16);
    assert_eq!(most(&[("TERM", "linux")]), 16);
    assert_eq!(most(&[("TERM", "vt100")]), 0);
    assert_eq!(most(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), 0);
}
