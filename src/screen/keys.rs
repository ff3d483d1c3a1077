//! What is pressed on the keyboard, and what that means for the screen that is up.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use vte::{Params, Parser, Perform};

use super::Place;
use crate::control::invite::InvitationCard;
use crate::core::clock::Moment;
use crate::core::timer::Command;
use crate::engine::board::Snapshot;
use crate::store::pairing;

/// The same key again within this time of its last arrival may be a key held down: X11 repeats one after 660 ms, Linux
/// after 250.
pub const HELD: Duration = Duration::from_millis(750);
/// One that is held down comes again within this time, at 10 times a second or more. One that does not was pressed twice.
pub const REPEAT: Duration = Duration::from_millis(150);
/// What comes this long after an escape alone is a key again: somebody pressed Esc.
const ESCAPE: Duration = Duration::from_millis(250);
/// What comes this long after the beginning of any other sequence is a key again, however many were pressed meanwhile: its
/// end is lost, or it was Alt with a key.
const SEQUENCE: Duration = Duration::from_secs(1);
/// How long a word about a key stays.
const WORD: Duration = Duration::from_secs(6);
/// How long a second `q` is waited for.
const QUIT: Duration = Duration::from_secs(5);

/// What stands for every key and every report that is not bound: an arrow, a function key, the mouse.
pub const UNBOUND: KeyCode = KeyCode::Null;

/// Makes key presses of bytes. Pastes are none, an escape sequence is [`UNBOUND`], a key held down is one press.
#[derive(Default)]
pub struct Keyboard {
    parser: Parser,
    decoder: Decoder,
    arrived: Moment,
    /// All that arrived was an escape.
    escaped: bool,
    /// Since when nothing was made of what arrived, as in the middle of a sequence.
    unfinished: Option<Moment>,
    last: Option<KeyEvent>,
    /// A key that came twice, and when it is known whether it is held down.
    doubtful: Option<(KeyEvent, Moment)>,
}

impl Keyboard {
    /// The keys among `bytes`, which arrived at `now`.
    pub fn take(&mut self, bytes: &[u8], now: Moment) -> Vec<KeyEvent> {
        let pause = now.since(self.arrived);
        // A slow line may deliver a sequence in two.
        let goes_on = self.escaped && matches!(bytes.first(), Some(b'[' | b'O'));
        let patience = if self.escaped { ESCAPE } else { SEQUENCE };
        let lost = self.unfinished.is_some_and(|since| now.since(since) > SEQUENCE);
        if (pause > patience || lost) && !goes_on {
            self.escaped = false;
            self.start_anew();
            self.decoder.pasting = false;
        }
        let mut pressed: Vec<KeyEvent> = self.settle(now).into_iter().collect();
        if pause >= HELD {
            self.last = None;
        }
        if bytes.is_empty() {
            return pressed;
        }
        self.arrived = now;
        let is_whole = match (self.escaped, bytes) {
            (true, &[c]) => is_whole(&[0x1b, c]),
            _ => is_whole(bytes),
        };
        self.escaped = bytes == b"\x1b";
        self.decoder.is_called = false;
        if is_whole {
            self.start_anew();
            self.decoder.esc_dispatch(&[], false, b'$');
        } else {
            self.parser.advance(&mut self.decoder, bytes);
        }
        self.unfinished = match self.decoder.is_called && self.decoder.tail == Tail::None {
            true => None,
            false => self.unfinished.or(Some(now)),
        };
        let mut keys = std::mem::take(&mut self.decoder.keys);
        if self.escaped {
            keys.push(KeyCode::Esc.into());
        }
        for (n, key) in keys.into_iter().enumerate() {
            let again = self.last.replace(key) == Some(key);
            // What comes in one piece with it comes at once after it.
            let held = again && (n > 0 || pause < REPEAT || self.doubtful.is_some());
            self.doubtful = (again && !held).then_some((key, now + REPEAT));
            pressed.extend((!again).then_some(key));
        }
        pressed
    }

    fn start_anew(&mut self) {
        self.unfinished = None;
        self.parser = Parser::new();
        self.decoder.tail = Tail::None;
    }

    /// When to [`settle`](Self::settle) what is doubtful.
    pub fn due(&self) -> Option<Moment> {
        self.doubtful.map(|(_, due)| due)
    }

    /// A key that was in doubt, and did not come again as one that is held down would have.
    pub fn settle(&mut self, now: Moment) -> Option<KeyEvent> {
        self.doubtful.take_if(|(_, due)| *due <= now).map(|(key, _)| key)
    }
}

/// Whether this is a key that is not bound, of which the parser would wait for more: Alt with a control character or with
/// space, and Shift with Home and others in rxvt (`ESC [ 7 $`).
fn is_whole(bytes: &[u8]) -> bool {
    match bytes {
        // Ctrl-C, Ctrl-L and Ctrl-Z are heard, and two escapes may be the beginning of more.
        [0x1b, 0x03 | 0x0c | 0x1a | 0x1b] => false,
        [0x1b, 0x00..=0x20 | 0x7f] => true,
        [0x1b, b'[', digits @ .., b'$'] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[derive(Default)]
struct Decoder {
    keys: Vec<KeyEvent>,
    pasting: bool,
    tail: Tail,
    /// The parser has made something of the bytes.
    is_called: bool,
}

/// What of a sequence is still to come that the parser hands over as text: without this, the F3 of an xterm, `ESC O R`,
/// would press `r` and reset a talk.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tail {
    #[default]
    None,
    /// As many characters: the coordinates of a mouse report (xterm's X10), the letter of a Linux console's F1 to F5.
    Text(u8),
    /// Digits and semicolons, and the character that ends them: after SS3, as function keys and keypads have it, and after
    /// an 8-bit CSI (ECMA-48, 8.3.16 and 8.3.142).
    Parameters,
    /// Everything up to a string terminator, after an 8-bit DCS, SOS, OSC, PM or APC.
    String,
}

impl Tail {
    /// What remains after `c`.
    fn after(self, c: char) -> Self {
        match self {
            Self::None | Self::Text(0 | 1) => Self::None,
            Self::Text(more) => Self::Text(more - 1),
            // Bytes 30 to 3F are parameters (ECMA-48, 5.4); whatever else comes is the last.
            Self::Parameters if !('0'..='?').contains(&c) => Self::None,
            Self::Parameters | Self::String => self,
        }
    }
}

/// The letter that the same key has on a Latin keyboard, where a bound key has another in the Russian, Ukrainian or
/// Greek layout. The shift lock changes nothing.
fn latin(c: char) -> char {
    match c {
        'к' | 'К' | 'ρ' | 'Ρ' => 'r',
        'г' | 'Г' | 'θ' | 'Θ' => 'u',
        'й' | 'Й' => 'q',
        'з' | 'З' | 'π' | 'Π' => 'p',
        c => c.to_ascii_lowercase(),
    }
}

impl Decoder {
    fn press(&mut self, code: KeyCode) {
        self.keys.push(code.into());
    }
}

impl Perform for Decoder {
    fn print(&mut self, c: char) {
        self.is_called = true;
        if matches!(c, '\u{80}'..='\u{9f}') {
            // The parser hands over a control character as text where it came in two reads.
            self.execute(c as u8);
        } else if self.tail != Tail::None {
            self.tail = self.tail.after(c);
        } else if !self.pasting {
            self.press(match c {
                '\x7f' | char::REPLACEMENT_CHARACTER => UNBOUND,
                c => KeyCode::Char(latin(c)),
            });
        }
    }

    fn execute(&mut self, byte: u8) {
        self.is_called = true;
        let tail = std::mem::take(&mut self.tail);
        match byte {
            // Ctrl-C, Ctrl-L and Ctrl-Z are heard in a paste as well, whose end may be lost.
            0x03 | 0x0c | 0x1a => {
                let letter = KeyCode::Char((b'a' - 1 + byte).into());
                self.keys.push(KeyEvent::new(letter, KeyModifiers::CONTROL));
            }
            _ if self.pasting => {}
            b'\r' | b'\n' if tail == Tail::None => self.press(KeyCode::Enter),
            _ => {
                self.tail = match byte {
                    // SS2, SS3 and CSI; then the strings.
                    0x8e | 0x8f | 0x9b => Tail::Parameters,
                    0x90 | 0x98 | 0x9d..=0x9f => Tail::String,
                    _ => Tail::None,
                };
                self.press(UNBOUND);
            }
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        self.is_called = true;
        let first = params.iter().next();
        self.tail = match (first, action) {
            (None | Some([0]), 'M') => Tail::Text(3),
            (None | Some([0]), '[') => Tail::Text(1),
            _ => Tail::None,
        };
        match (first, action) {
            (Some([200]), '~') => self.pasting = true,
            (Some([201]), '~') => self.pasting = false,
            _ => self.press(UNBOUND),
        }
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.is_called = true;
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.is_called = true;
        self.tail = if intermediates.is_empty() && matches!(byte, b'N' | b'O') { Tail::Parameters } else { Tail::None };
        self.press(UNBOUND);
    }
}

/// What the screen shows besides the snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Ui {
    pub place: Place,
    /// The page of explanations is open.
    pub help: bool,
    /// The invitation of a phone is up.
    pub invited: Option<InvitationCard>,
    pub notice: Option<Notice>,
    quit_asked: Option<Moment>,
}

/// A word from the screen itself, until it has been there long enough.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub text: String,
    pub urgent: bool,
    pub until: Moment,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Nothing,
    /// A command, and the generation it is meant for.
    Send(Command, Option<u64>),
    /// Invite a phone.
    Invite,
    Repaint,
    Suspend,
    Leave,
}

impl Ui {
    pub fn new(place: Place) -> Self {
        Self { place, help: false, invited: None, notice: None, quit_asked: None }
    }

    /// What `key` does to a screen that shows `snapshot`.
    pub fn press(&mut self, key: KeyEvent, snapshot: &Snapshot, now: Moment) -> Act {
        let meant_for = Some(snapshot.timer.generation);
        // An invitation that is over is not on the screen, and takes no key.
        self.invited.take_if(|invited| invited.until <= now);
        let code = match (key.code, key.modifiers) {
            (KeyCode::Char('l'), KeyModifiers::CONTROL) => return Act::Repaint,
            (KeyCode::Char('z'), KeyModifiers::CONTROL) => return Act::Suspend,
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => {
                // Quits from help as well, which `q` only closes.
                (self.help, self.invited) = (false, None);
                KeyCode::Char('q')
            }
            (code, KeyModifiers::NONE) => code,
            _ => UNBOUND,
        };
        match code {
            KeyCode::Char('?' | 'q') | KeyCode::Esc | UNBOUND if self.help => {
                self.help = false;
                return Act::Nothing;
            }
            KeyCode::Char('p' | 'q') | KeyCode::Esc | UNBOUND if self.invited.is_some() => {
                self.invited = None;
                return Act::Nothing;
            }
            _ => self.notice = None,
        }
        // It may be projected: any key takes it down.
        self.invited = None;
        // What it says of the other keys, they do.
        self.help = false;
        let quit_asked = self.quit_asked.take();
        match code {
            KeyCode::Char(' ') | KeyCode::Enter => Act::Send(Command::Start(None), None),
            KeyCode::Char('r') => Act::Send(Command::Reset, meant_for),
            KeyCode::Char('u') => Act::Send(Command::Undo, meant_for),
            KeyCode::Char(digit @ '1'..='9') => {
                let n = digit as usize - '0' as usize;
                if let Some(&plan) = snapshot.plans.get(n - 1) {
                    return Act::Send(Command::Choose(plan), meant_for);
                }
                let there_are = match snapshot.plans.len() {
                    1 => "there is only one".into(),
                    count => format!("plans are 1 to {count}"),
                };
                let text = format!("there is no plan {n}; {there_are}");
                self.say(&text, false, now + WORD);
                Act::Nothing
            }
            KeyCode::Char('p') if snapshot.web.is_some() => Act::Invite,
            KeyCode::Char('p') => {
                let text = match cfg!(feature = "web") {
                    true => "the web is off; `listen` under [web] in the config turns it on, or --web",
                    false => pairing::OFF,
                };
                self.say(text, false, now + WORD);
                Act::Nothing
            }
            KeyCode::Char('?') => {
                self.help = true;
                Act::Nothing
            }
            KeyCode::Char('q') => {
                let running = snapshot.timer.at(now).phase.is_running();
                let asked = quit_asked.is_some_and(|until| now < until);
                if asked || !running || self.place == Place::Console {
                    return Act::Leave;
                }
                self.say("a talk is running: press q again to quit", true, now + QUIT);
                self.quit_asked = Some(now + QUIT);
                Act::Nothing
            }
            KeyCode::Char(c) => {
                let plans = match snapshot.plans.len() {
                    1 => String::new(),
                    count => format!("1-{}, ", count.min(9)),
                };
                let phone = if snapshot.web.is_some() { "p, " } else { "" };
                let text = format!("{c} is no key here; there are space, r, u, {plans}{phone}? and q");
                self.say(&text, false, now + WORD);
                Act::Nothing
            }
            _ => Act::Nothing,
        }
    }

    /// Shows a word of the screen's own.
    pub fn say(&mut self, text: &str, urgent: bool, until: Moment) {
        self.notice = Some(Notice { text: text.into(), urgent, until });
    }
}
