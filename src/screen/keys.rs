//! Keys: from the bytes of the terminal to key events, and from those to actions.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use vte::{Params, Parser, Perform};

use super::Place;
use super::footer::NEWS;
use crate::control::invite::InvitationCard;
use crate::core::clock::Moment;
use crate::core::timer::Command;
use crate::engine::board::Snapshot;
use crate::store::pairing;

/// The longest time before a key that is held down repeats: after 660 ms with X11, 250 ms on the console of Linux. A key that
/// comes again later is a new press.
pub const HELD: Duration = Duration::from_millis(750);
/// The longest time between two repeats, of which there are at least ten a second.
pub const REPEAT: Duration = Duration::from_millis(150);
/// What comes later than this after a lone escape character does not belong to it: that was the Esc key.
const ESCAPE: Duration = Duration::from_millis(250);
/// What comes later than this after the beginning of any other sequence does not belong to it: the end was lost, or it was Alt
/// with a key.
const SEQUENCE: Duration = Duration::from_secs(1);
/// What one `l` takes off a talk that was started too late.
pub const LATE: Duration = Duration::from_secs(10);
/// The time for the second `q` that confirms the first.
const QUIT: Duration = Duration::from_secs(5);

/// Stands for all keys and reports that cannot be bound: arrows, function keys, the mouse.
pub const UNBOUND: KeyCode = KeyCode::Null;

/// Turns bytes into key presses. A paste gives none, an escape sequence gives [`UNBOUND`], a key held down gives one.
#[derive(Default)]
pub struct Keyboard {
    parser: Parser,
    decoder: Decoder,
    /// When the last bytes arrived.
    arrived: Moment,
    /// The last bytes were a lone escape character.
    escaped: bool,
    /// When the sequence began that is not complete yet.
    unfinished: Option<Moment>,
    last: Option<KeyEvent>,
    /// A key that came twice, and until when a third would mean that it is held down. After that it was pressed twice.
    doubtful: Option<(KeyEvent, Moment)>,
}

impl Keyboard {
    /// The keys that were pressed, after `bytes` arrived at `now`.
    pub fn take(&mut self, bytes: &[u8], now: Moment) -> Vec<KeyEvent> {
        let pause = now.since(self.arrived);
        // A slow line may deliver a sequence in two parts.
        let continues = self.escaped && matches!(bytes.first(), Some(b'[' | b'O'));
        let patience = if self.escaped { ESCAPE } else { SEQUENCE };
        let lost = self.unfinished.is_some_and(|since| now.since(since) > SEQUENCE);
        if (pause > patience || lost) && !continues {
            self.escaped = false;
            self.abandon();
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
        let is_complete = match (self.escaped, bytes) {
            (true, &[c]) => is_complete(&[0x1b, c]),
            _ => is_complete(bytes),
        };
        self.escaped = bytes == b"\x1b";
        self.decoder.is_called = false;
        if is_complete {
            self.abandon();
            self.decoder.esc_dispatch(&[], false, b'$');
        } else {
            self.parser.advance(&mut self.decoder, bytes);
        }
        self.unfinished = match self.decoder.is_called && self.decoder.rest == Rest::None {
            true => None,
            false => self.unfinished.or(Some(now)),
        };
        let mut keys = std::mem::take(&mut self.decoder.keys);
        if self.escaped {
            keys.push(KeyCode::Esc.into());
        }
        for (n, key) in keys.into_iter().enumerate() {
            let again = self.last.replace(key) == Some(key);
            // Keys of one read came without a pause.
            let held = again && (n > 0 || pause < REPEAT || self.doubtful.is_some());
            self.doubtful = (again && !held).then_some((key, now + REPEAT));
            pressed.extend((!again).then_some(key));
        }
        pressed
    }

    /// Drops the beginning of a sequence.
    fn abandon(&mut self) {
        self.unfinished = None;
        self.parser = Parser::new();
        self.decoder.rest = Rest::None;
    }

    /// When to call [`settle`](Self::settle).
    pub fn due(&self) -> Option<Moment> {
        self.doubtful.map(|(_, due)| due)
    }

    /// The second press of a key that came twice, once it is clear that the key is not held down.
    pub fn settle(&mut self, now: Moment) -> Option<KeyEvent> {
        self.doubtful.take_if(|(_, due)| *due <= now).map(|(key, _)| key)
    }
}

/// Whether these bytes are one complete key for which the parser would wait for more bytes: Alt with a control character or
/// with space, and Shift with Home and others in rxvt (`ESC [ 7 $`). None of them is bound.
fn is_complete(bytes: &[u8]) -> bool {
    match bytes {
        // Ctrl-C, Ctrl-L and Ctrl-Z always work, and two escape characters may begin a longer sequence.
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
    rest: Rest,
    /// The parser has recognised something.
    is_called: bool,
}

/// The rest of a sequence, if the parser would take it for text. Without this, F3 in xterm (`ESC O R`) would press `r` and reset
/// a talk.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Rest {
    #[default]
    None,
    /// This many characters: the coordinates of a mouse report (X10), or the letter of F1 to F5 on the console of Linux.
    Text(u8),
    /// Digits and semicolons, and one more character: after SS3, which begins function keys and keypad keys, and after an 8-bit
    /// CSI (ECMA-48, 8.3.16 and 8.3.142).
    Parameters,
    /// Everything up to a string terminator: after an 8-bit DCS, SOS, OSC, PM or APC.
    String,
}

impl Rest {
    /// What remains after `c`.
    fn after(self, c: char) -> Self {
        match self {
            Self::None | Self::Text(0 | 1) => Self::None,
            Self::Text(more) => Self::Text(more - 1),
            // Bytes 0x30 to 0x3F are parameters (ECMA-48, 5.4); any other byte is the last.
            Self::Parameters if !('0'..='?').contains(&c) => Self::None,
            Self::Parameters | Self::String => self,
        }
    }
}

/// The lower-case Latin letter on the same key, for bound keys in the Russian, Ukrainian and Greek layouts.
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
            // If its two bytes come in two reads, the parser takes a C1 control character for text.
            self.execute(c as u8);
        } else if self.rest != Rest::None {
            self.rest = self.rest.after(c);
        } else if !self.pasting {
            self.press(match c {
                '\x7f' | char::REPLACEMENT_CHARACTER => UNBOUND,
                c => KeyCode::Char(latin(c)),
            });
        }
    }

    fn execute(&mut self, byte: u8) {
        self.is_called = true;
        let rest = std::mem::take(&mut self.rest);
        match byte {
            // Ctrl-C, Ctrl-L and Ctrl-Z work in a paste too, because its end may be lost.
            0x03 | 0x0c | 0x1a => {
                let letter = KeyCode::Char((b'a' - 1 + byte).into());
                self.keys.push(KeyEvent::new(letter, KeyModifiers::CONTROL));
            }
            _ if self.pasting => {}
            b'\r' | b'\n' if rest == Rest::None => self.press(KeyCode::Enter),
            _ => {
                self.rest = match byte {
                    // SS2, SS3 and CSI; then the beginnings of strings.
                    0x8e | 0x8f | 0x9b => Rest::Parameters,
                    0x90 | 0x98 | 0x9d..=0x9f => Rest::String,
                    _ => Rest::None,
                };
                self.press(UNBOUND);
            }
        }
    }

    fn csi_dispatch(&mut self, params: &Params, _: &[u8], _: bool, action: char) {
        self.is_called = true;
        let first = params.iter().next();
        self.rest = match (first, action) {
            (None | Some([0]), 'M') => Rest::Text(3),
            (None | Some([0]), '[') => Rest::Text(1),
            _ => Rest::None,
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
        self.rest = if intermediates.is_empty() && matches!(byte, b'N' | b'O') { Rest::Parameters } else { Rest::None };
        self.press(UNBOUND);
    }
}

/// The state of the screen itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Ui {
    pub place: Place,
    /// The help page is open.
    pub help: bool,
    /// The invitation that is shown.
    pub invited: Option<InvitationCard>,
    pub notice: Option<Notice>,
    /// Until when another `q` quits during a talk.
    quit_until: Option<Moment>,
}

/// A message of the screen itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub text: String,
    /// Shown as noticeably as a refusal.
    pub urgent: bool,
    /// When it disappears.
    pub until: Moment,
}

/// What to do about a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Nothing,
    /// Send a command for this generation of the timer; `None` is for any.
    Send(Command, Option<u64>),
    /// Show what the colours mean.
    Demo,
    /// Request an invitation for a phone.
    Invite,
    /// Draw the whole screen again.
    Repaint,
    /// Stop the process until it is continued by its shell.
    Suspend,
    /// End the screen, and a daemon with it.
    Leave,
}

impl Ui {
    pub fn new(place: Place) -> Self {
        Self { place, help: false, invited: None, notice: None, quit_until: None }
    }

    /// Handles a key that was pressed while the screen showed `snapshot`.
    pub fn press(&mut self, key: KeyEvent, snapshot: &Snapshot, now: Moment) -> Action {
        let meant_for = Some(snapshot.timer.generation);
        // An expired invitation is no longer shown, so no key closes it.
        self.invited.take_if(|invited| invited.until <= now);
        let code = match (key.code, key.modifiers) {
            (KeyCode::Char('l'), KeyModifiers::CONTROL) => return Action::Repaint,
            (KeyCode::Char('z'), KeyModifiers::CONTROL) => return Action::Suspend,
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => {
                // It also quits from the help page, which `q` only closes.
                (self.help, self.invited) = (false, None);
                KeyCode::Char('q')
            }
            (code, KeyModifiers::NONE) => code,
            _ => UNBOUND,
        };
        match code {
            KeyCode::Char('?' | 'q') | KeyCode::Esc | UNBOUND if self.help => {
                self.help = false;
                return Action::Nothing;
            }
            KeyCode::Char('p' | 'q') | KeyCode::Esc | UNBOUND if self.invited.is_some() => {
                self.invited = None;
                return Action::Nothing;
            }
            _ => self.notice = None,
        }
        // All other keys close these and do what they always do. An invitation may be projected, so any key hides it.
        (self.help, self.invited) = (false, None);
        let quit_until = self.quit_until.take();
        match code {
            KeyCode::Char(' ') | KeyCode::Enter => return Action::Send(Command::Start(None), None),
            // Pressed three times it takes off three times as much, so it cannot be meant for one generation.
            KeyCode::Char('l') => return Action::Send(Command::Late(LATE), None),
            KeyCode::Char('d') => return Action::Demo,
            KeyCode::Char('r') => return Action::Send(Command::Reset, meant_for),
            KeyCode::Char('u') => return Action::Send(Command::Undo, meant_for),
            KeyCode::Char(digit @ '1'..='9') => {
                let plans = &snapshot.plans;
                if let Some(&plan) = plans.get(digit as usize - '1' as usize) {
                    return Action::Send(Command::Choose(plan), meant_for);
                }
                self.say(&format!("there is no plan {digit}; the last is {}", plans.len()), false, now + NEWS);
            }
            KeyCode::Char('p') if snapshot.web.is_some() => return Action::Invite,
            KeyCode::Char('p') => {
                let text = match cfg!(feature = "web") {
                    true => "the web is off; set `listen` under [web] in the config, or start with --web",
                    false => pairing::OFF,
                };
                self.say(text, false, now + NEWS);
            }
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char('q') => {
                let running = snapshot.timer.at(now).phase.is_running();
                let is_confirmed = quit_until.is_some_and(|until| now < until);
                if is_confirmed || !running || self.place == Place::Console {
                    return Action::Leave;
                }
                self.say("a talk is running: press q again to quit", true, now + QUIT);
                self.quit_until = Some(now + QUIT);
            }
            KeyCode::Char(c) => self.say(&format!("`{c}` is not bound; ? lists the keys"), false, now + NEWS),
            _ => {}
        }
        Action::Nothing
    }

    /// Shows a message of the screen itself. An `urgent` one stands out.
    pub fn say(&mut self, text: &str, urgent: bool, until: Moment) {
        self.notice = Some(Notice { text: text.into(), urgent, until });
    }
}
