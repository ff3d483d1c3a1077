//! Keys and sizes that come in pieces, or very fast: no key is lost, and the screen goes on.

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
fn half_a_character_delays_neither_the_screen_nor_the_next_key() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    raw(&terminal, b"\xd0");
    // The screen goes on.
    house.does(&["start"]);
    terminal.sees("talk started by the socket");
    terminal.keys("r");
    terminal.sees("talk reset at");
    raw(&terminal, b"\xd0");
    pause(Duration::from_millis(50));
    terminal.keys(" ");
    terminal.sees("talk started by the keyboard");
}

/// The test in virtual time holds that a paste presses no key. This paste has no bound keys, because on a busy machine it may take
/// longer than the screen waits for its end.
#[test]
fn a_paste_of_100_kb_delays_neither_the_screen_nor_the_next_key() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (80, 24));
    terminal.sees("space start");
    let half = "x".repeat(50 * 1024);
    raw(&terminal, b"\x1b[200~");
    raw(&terminal, half.as_bytes());
    // In the middle of it the screen goes on.
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
    until("the screen is shown", || terminal.seen.lock().unwrap().screen().alternate_screen());
    terminal.keys(" ");
    until("the talk runs", || house.status()["phase"] == "green");
    terminal.keys("r");
    until("the talk is reset", || house.status()["phase"] == "ready");
    terminal.seen.lock().unwrap().screen_mut().set_size(super::cells(24), super::cells(80));
    terminal.pty.resize(Size::new(24, 80)).unwrap();
    terminal.sees("space start");
}

/// Twenty keys while the window changes its size at least a hundred times a second. A quarter of them must have an effect within
/// 100 ms: the machine may be busy, but a screen that stalls is late with every key.
#[test]
fn keys_act_while_the_window_is_resized() {
    let house = Instance::new(LONG);
    let terminal = Terminal::open(&house, &[], (120, 24));
    terminal.sees("space start");
    let mut columns = (60..120).cycle();
    let mut took: Vec<Duration> = Vec::new();
    // Help, and back. After a lost key the wait below fails.
    for (key, help) in [("?", true), ("q", false)].into_iter().cycle().take(20) {
        let pressed = clock::now();
        terminal.keys(key);
        // `until` checks every 5 ms.
        until("the key acts", || {
            terminal.pty.resize(Size::new(24, columns.next().unwrap())).unwrap();
            terminal.text().contains("redraw the screen") == help
        });
        took.push(clock::now().since(pressed));
    }
    took.sort_unstable();
    assert!(took[took.len() / 4] < Duration::from_millis(100), "{took:?}");
}
