//! Input and sizes that come faster, or in other pieces, than a person types: no key is lost, and the screen goes on.

use std::io::Write;
use std::time::Duration;

use pty_process::Size;
use talklight::core::clock;

use super::{LONG, Terminal};
use crate::harness::{Instance, pause, until};

fn raw(terminal: &Terminal, bytes: &[u8]) {
    (&*terminal.pty).write_all(bytes).unwrap();
}

#[test]
fn half_a_character_holds_up_neither_the_screen_nor_the_next_key() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    raw(&terminal, b"\xd0");
    // The screen is drawn meanwhile.
    house.does(&["start"]);
    terminal.sees("talk started by the socket");
    terminal.keys("r");
    terminal.sees("talk reset at");
    raw(&terminal, b"\xd0");
    pause(Duration::from_millis(50));
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard");
}

/// What a paste must not press is tried in virtual time. Here it is a letter that is not bound, in case that a busy machine
/// takes longer over the paste than the screen waits for its end.
#[test]
fn a_paste_of_100_kb_holds_up_neither_the_screen_nor_the_next_key() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    let half = "x".repeat(50 * 1024);
    raw(&terminal, b"\x1b[200~");
    raw(&terminal, half.as_bytes());
    // The screen is drawn in the middle of it.
    house.does(&["start"]);
    terminal.sees("talk started by the socket");
    raw(&terminal, half.as_bytes());
    raw(&terminal, b"\x1b[201~r");
    terminal.sees("talk reset at");
}

#[test]
fn a_terminal_of_one_cell_takes_keys_and_grows() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (1, 1));
    until("it is up", || terminal.seen.lock().unwrap().screen().alternate_screen());
    terminal.keys(" ");
    until("the talk runs", || house.status()["phase"] == "green");
    terminal.keys("r");
    until("it is reset", || house.status()["phase"] == "ready");
    terminal.seen.lock().unwrap().screen_mut().set_size(super::cells(24), super::cells(80));
    terminal.pty.resize(Size::new(24, 80)).unwrap();
    terminal.sees("space start");
}

/// Twenty keys while the window changes its size a hundred times a second and more. On a machine that has time for it, half
/// of them are on the screen within 100 ms.
#[test]
fn keys_are_obeyed_while_the_window_is_dragged() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (120, 24));
    terminal.sees("space start");
    let mut columns = (60..120).cycle();
    let mut took: Vec<Duration> = Vec::new();
    // Help, and back; a key that is lost is waited for in vain.
    for (key, help) in [("?", true), ("q", false)].into_iter().cycle().take(20) {
        let pressed = clock::now();
        terminal.keys(key);
        // `until` looks every 5 ms.
        until("the key is obeyed", || {
            terminal.pty.resize(Size::new(24, columns.next().unwrap())).unwrap();
            terminal.text().contains("draw this screen anew") == help
        });
        took.push(clock::now().since(pressed));
    }
    took.sort_unstable();
    assert!(took[took.len() / 2] < Duration::from_millis(100), "{took:?}");
}
