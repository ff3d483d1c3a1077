//! Pairing as a person sees it: the address, the QR code, the screen and the command.

use std::collections::VecDeque;
use std::time::Duration;

use crossterm::event::KeyCode;
use nix::net::if_::InterfaceFlags;
use talklight::control::invite::{InvitationCard, QrStyle, render_qr};
use talklight::core::clock::Moment;
use talklight::core::look::{Look, Palette, Pattern, ReadyLook, Rgb};
use talklight::core::plan::Plan;
use talklight::core::timer::Timer;
use talklight::engine::board::{Happening, Health, Phones, Snapshot};
use talklight::engine::event::Origin;
use talklight::os::network::{Interface, Network};
use talklight::os::site::Site;
use talklight::screen::Place;
use talklight::screen::grid::{Grid, Size};
use talklight::screen::keys::{Action, UNBOUND, Ui};
use talklight::screen::style::{Depth, Style};
use talklight::screen::view::view;
use talklight::store::pairing;

use crate::harness::{Instance, text};

mod reach;

const NOW: Moment = Moment::from_ns(1_000_000_000_000);
const TICKET: &str = "0b77f39f10ddd5fcb186008eccb42ad8";

fn card(listen: &str, own: &[&str]) -> InvitationCard {
    let up = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let own = own.iter().map(|ip| Interface { name: "wlan0".into(), flags: up, ip: ip.parse().unwrap() });
    let network = Network { interfaces: own.collect(), ..Network::default() };
    let until = NOW + Duration::from_secs(60);
    InvitationCard::new(&Site::new(listen.parse().unwrap()), &network, TICKET, "012345", until)
}

/// Checks the structure of a QR code (ISO/IEC 18004): finder patterns in three corners, a light quiet zone, and the link as read
/// back by the crate. Reading by a camera was tried by hand on screenshots.
#[test]
fn the_modules_form_a_qr_code_of_the_link() {
    let modules = card("0.0.0.0:8080", &["192.168.178.200"]).modules();
    let size = modules.len();
    assert_eq!(size, 37, "version 4, which fits 24 rows of a terminal");
    let finder = |x: usize, y: usize| {
        let dark = |dx: usize, dy: usize| {
            let ring = dx.abs_diff(3).max(dy.abs_diff(3));
            ring != 2
        };
        (0..7).all(|dy| (0..7).all(|dx| modules[y + dy][x + dx] == dark(dx, dy)))
    };
    assert!(finder(2, 2) && finder(size - 9, 2) && finder(2, size - 9));
    let inside = |at: usize| (2..size - 2).contains(&at);
    for (y, row) in modules.iter().enumerate() {
        for (x, dark) in row.iter().enumerate() {
            assert!(inside(x) && inside(y) || !dark, "the quiet zone is light");
        }
    }
}

#[test]
fn a_rendered_code_has_every_module() {
    let modules = card("0.0.0.0:8080", &["192.168.1.7"]).modules();
    let plain = render_qr(&modules, QrStyle::Glyphs);
    for (y, line) in plain.lines().enumerate() {
        for (x, glyph) in line.chars().enumerate() {
            // On a dark screen the glyphs are light.
            let [upper, lower] = match glyph {
                '█' => [false, false],
                '▀' => [false, true],
                '▄' => [true, false],
                ' ' => [true, true],
                other => panic!("{other:?}"),
            };
            assert_eq!(upper, modules[2 * y][x]);
            assert_eq!(lower, modules.get(2 * y + 1).is_some_and(|row| row[x]));
        }
    }
    assert_eq!(plain.lines().count(), modules.len().div_ceil(2));
    let coloured = render_qr(&modules, QrStyle::HalfBlocks);
    assert_eq!(coloured.lines().count(), plain.lines().count());
    assert!(!coloured.contains(['▀', '█']), "these leave seams");
    for (paper, light, dark) in [(QrStyle::Ascii, "##", "  "), (QrStyle::Cells, "\x1b[48;5;231m  ", "\x1b[48;5;16m  ")]
    {
        let wide = render_qr(&modules, paper);
        assert!(wide.is_ascii());
        assert_eq!(wide.lines().count(), modules.len());
        for (line, row) in wide.lines().zip(&modules) {
            let mut rest = line.trim_end_matches("\x1b[0m");
            for &is_dark in row {
                rest = rest.strip_prefix(if is_dark { dark } else { light }).unwrap();
            }
            assert_eq!(rest, "");
        }
    }
}

fn house(web: bool) -> Snapshot {
    let s = Duration::from_secs;
    let plan = Plan::new("lightning", s(300), s(120), s(60), s(30)).unwrap();
    Snapshot {
        timer: Timer::new(plan, 7),
        look: Look {
            leds: 60,
            palette: Palette::CLASSIC,
            pattern: Pattern::Solid,
            ready: ReadyLook::Dot,
            flash_half: Duration::from_millis(500),
        },
        plans: [plan].into(),
        words: Default::default(),
        stage: Default::default(),
        web: web.then(|| "http://192.168.1.7:8080".into()),
        strip_kind: "simulated".into(),
        name: "".into(),
        strip: Health::Sending,
        phones: Phones::default(),
        faults: Vec::new(),
        log: VecDeque::new(),
        number: 1,
    }
}

fn screen(ui: &Ui, now: Moment, (cols, rows): (u16, u16), depth: Depth) -> (Grid, Option<Moment>) {
    let style = Style { depth, plain: false, lines: false };
    view(&house(true), ui, now, Size::new(cols, rows), style)
}

fn words(grid: &Grid) -> String {
    let row = |row| grid.row(row).iter().map(|cell| cell.glyph).collect::<String>();
    (0..grid.size().rows).map(|at| row(at) + "\n").collect()
}

/// The modules on a screen, from the first light one on: the upper and lower half of each cell.
fn modules_on(grid: &Grid) -> Vec<Vec<bool>> {
    let white = Rgb::new(255, 255, 255);
    let rows = (0..grid.size().rows).map(|row| grid.row(row));
    let halves = rows.map(|row| {
        let cells = row.iter().filter(|cell| cell.ink.bg == white);
        let halves = cells.map(|cell| match cell.glyph {
            ' ' => [false, false],
            '▀' => [true, false],
            '▄' => [false, true],
            '█' => [true, true],
            other => panic!("{other:?}"),
        });
        halves.collect::<Vec<_>>()
    });
    let halves: Vec<_> = halves.filter(|row| !row.is_empty()).collect();
    let half = |which: usize| move |row: &Vec<[bool; 2]>| row.iter().map(|cell| cell[which]).collect::<Vec<_>>();
    halves.iter().flat_map(|row| [half(0)(row), half(1)(row)]).collect()
}

#[test]
fn the_screen_shows_the_qr_code_and_the_code() {
    let mut ui = Ui::new(Place::Daemon);
    let invited = card("0.0.0.0:8080", &["192.168.1.7"]);
    ui.invited = Some(invited.clone());
    // 23 rows: tmux takes one of a terminal's usual 24.
    for size in [(80, 23), (80, 24), (120, 40), (40, 30), (200, 60)] {
        let (grid, until) = screen(&ui, NOW + Duration::from_millis(1500), size, Depth::True);
        let mut expected = invited.modules();
        expected.resize(expected.len().next_multiple_of(2), vec![false; expected.len()]);
        assert_eq!(modules_on(&grid), expected, "{size:?}");
        let words = words(&grid);
        for word in ["192.168.1.7", "012 345", "once, for 59 s"] {
            assert!(words.contains(word), "{word}\n{words}");
        }
        assert_eq!(until, Some(NOW + Duration::from_secs(2)), "the seconds count down");
    }
    // With too little room, or without colours, only the text is shown.
    for (size, depth) in [((40, 10), Depth::True), ((80, 12), Depth::True), ((80, 24), Depth::None)] {
        let (grid, _) = screen(&ui, NOW, size, depth);
        assert_eq!(modules_on(&grid), Vec::<Vec<bool>>::new());
        let words = words(&grid);
        assert!(words.contains("012 345") && words.contains("192.168.1.7"), "{words}");
    }
    for size in [(20, 5), (1, 1), (30, 3)] {
        screen(&ui, NOW, size, Depth::True);
    }
    // The invitation disappears after a minute.
    let (grid, _) = screen(&ui, NOW + Duration::from_secs(60), (80, 24), Depth::True);
    assert!(!words(&grid).contains("012 345"));
}

#[test]
fn p_shows_an_invitation_and_any_key_hides_it() {
    let mut ui = Ui::new(Place::Daemon);
    assert_eq!(ui.press(KeyCode::Char('p').into(), &house(true), NOW), Action::Invite);
    for (key, act) in [
        (KeyCode::Char('p'), Action::Nothing),
        (KeyCode::Char('q'), Action::Nothing),
        (UNBOUND, Action::Nothing),
        (KeyCode::Char(' '), Action::Send(talklight::core::timer::Command::Start(None), None)),
        (KeyCode::Char('?'), Action::Nothing),
    ] {
        ui.invited = Some(card("0.0.0.0:1", &["10.0.0.1"]));
        ui.help = false;
        assert_eq!(ui.press(key.into(), &house(true), NOW), act, "{key:?}");
        assert_eq!(ui.invited, None, "{key:?}");
    }
    let mut ui = Ui::new(Place::Daemon);
    assert_eq!(ui.press(KeyCode::Char('p').into(), &house(false), NOW), Action::Nothing);
    let notice = ui.notice.unwrap().text;
    let remedy: &[&str] = match cfg!(feature = "web") {
        true => &["`listen` under [web]", "--web"],
        false => &["built without", "the feature `web`"],
    };
    assert!(remedy.iter().all(|word| notice.contains(word)), "{notice}");
}

#[test]
fn the_screen_reports_a_pairing() {
    let mut snapshot = house(true);
    snapshot.note(
        NOW,
        Origin::Pairing,
        Happening::Told(talklight::engine::board::Tone::Done, "a device was paired".into()),
    );
    let style = Style { depth: Depth::None, plain: true, lines: false };
    let (grid, _) = view(&snapshot, &Ui::new(Place::Daemon), NOW, Size::new(80, 24), style);
    assert!(words(&grid).contains("a device was paired"));
}

#[test]
fn the_screen_says_the_name_of_the_timer_if_it_is_not_that_of_the_machine() {
    let style = Style { depth: Depth::None, plain: true, lines: false };
    let seen = |name: &str, cols| {
        let snapshot = Snapshot { name: name.into(), ..house(true) };
        words(&view(&snapshot, &Ui::new(Place::Daemon), NOW, Size::new(cols, 24), style).0)
    };
    assert!(seen("Main hall", 100).contains("Main hall: simulated strip"));
    let narrow = seen("Main hall", 70);
    assert!(!narrow.contains("Main hall") && narrow.contains("simulated strip"), "{narrow}");
    let machine = talklight::os::network::host_name().unwrap();
    assert!(!seen(&machine, 100).contains(&format!("{machine}: simulated")));
}

#[test]
fn without_the_web_there_is_no_invitation() {
    let house = Instance::running("");
    for arguments in [&["remote"][..], &["remote", "--token"], &["remote", "--forget"]] {
        let told = house.refuses(arguments);
        assert!(told.contains(pairing::OFF), "{told}");
    }
    let output = house.run(&["remote", "--token", "--forget"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[cfg(feature = "web")]
#[test]
fn the_command_invites_creates_tokens_and_unpairs() {
    use std::os::unix::fs::MetadataExt;

    // The system has chosen a free port.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut house = Instance::new(&format!("[web]\nlisten = \"127.0.0.1:{port}\""));
    let state = house.folder.file("state");
    house.env("XDG_STATE_HOME", &state.display().to_string());
    house.env("TERM", "xterm");
    house.env("LC_ALL", "C.UTF-8");
    house.start();
    let told = house.does(&["remote"]);
    assert!(told.contains(&format!("http://127.0.0.1:{port}/remote   code ")), "{told}");
    assert!(told.contains("only this machine can open it"), "{told}");
    assert!(!told.contains('█'), "no camera could use a QR code: {told}");

    // A proxy on this machine.
    house.signal(nix::sys::signal::Signal::SIGTERM);
    let proxy = format!("[web]\nlisten = \"127.0.0.1:{port}\"\naddress = \"https://timer.example.org/\"");
    std::fs::write(house.folder.file("config.toml"), proxy).unwrap();
    house.start();
    // The port was taken for a moment by the daemon before.
    house.wait_log("stage view: https://timer.example.org;");
    let told = house.does(&["remote"]);
    assert!(told.contains("https://timer.example.org/remote   code "), "{told}");
    assert!(told.contains("█▀"), "not in a terminal it is drawn in glyphs alone: {told}");

    house.env("LC_ALL", "C");
    let told = house.does(&["remote"]);
    assert!(told.is_ascii() && told.contains("####"), "{told}");

    let output = house.run(&["remote", "--token"]);
    let token = text(&output.stdout);
    assert_eq!(token.trim_end().len(), 64, "nothing but the token: {token}");
    assert!(text(&output.stderr).contains("Authorization: Bearer"));
    let kept = state.join("talklight/paired");
    assert_eq!(std::fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&kept).unwrap().contains(token.trim_end()), "what is kept opens nothing");

    assert_eq!(house.does(&["remote", "--forget"]).trim_end(), "unpaired all devices and programs (1)");
    assert!(!kept.exists());
    house.wait_log("a token for a program was created");
}

#[test]
fn an_expired_invitation_consumes_no_key() {
    let late = NOW + Duration::from_secs(61);
    for (key, act) in [(KeyCode::Char('p'), Action::Invite), (KeyCode::Char('q'), Action::Leave)] {
        let mut ui = Ui::new(Place::Console);
        ui.invited = Some(card("0.0.0.0:1", &["10.0.0.1"]));
        assert_eq!(ui.press(key.into(), &house(true), late), act, "{key:?}");
    }
}

/// As on the Linux console, whose fonts have no half blocks: two blanks for each module.
#[test]
fn a_plain_screen_shows_the_modules() {
    let mut ui = Ui::new(Place::Console);
    let invited = card("0.0.0.0:8080", &["192.168.1.7"]);
    let modules = invited.modules();
    ui.invited = Some(invited);
    for depth in [Depth::Console, Depth::Sixteen] {
        let style = Style { depth, plain: true, lines: false };
        let size = Size::new(128, 48);
        let (grid, _) = view(&house(true), &ui, NOW, size, style);
        let white = Rgb::new(255, 255, 255);
        let is_light = |row: usize, col: usize| grid.row(row)[col].ink.bg == white;
        let top = (0..48).find(|&row| (0..128).any(|col| is_light(row, col)));
        let top = top.expect("a code");
        let left = (0..128).find(|&col| is_light(top, col)).expect("a corner");
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                for col in [left + 2 * x, left + 2 * x + 1] {
                    assert_eq!(is_light(top + y, col), !dark, "{x} {y}");
                    let bg = grid.row(top + y)[col].ink.bg;
                    assert!(bg == white || bg == Rgb::BLACK);
                }
            }
        }
        assert!(words(&grid).contains("012 345"));
    }
}
