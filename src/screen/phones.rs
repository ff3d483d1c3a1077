//! What the screen says of phones while it holds: open pairing, refused codes, pages with sound.

use std::time::Duration;

use super::view::Painter;
use crate::core::clock::Moment;
use crate::core::plan::Clock;
use crate::core::timer::seconds_left;

impl Painter<'_> {
    /// One line for each, the most urgent first.
    pub fn phones(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(until) = self.snapshot.pairing_open_until(self.now) {
            lines.push(format!("pairing is open for {}: \"Pair this phone\" on the remote", self.count_down(until)));
        }
        if let Some(until) = self.snapshot.codes_closed_until(self.now) {
            lines.push(format!("ten wrong codes: refused for {}; p makes one that works", self.count_down(until)));
        }
        match self.snapshot.phones.pages_with_sound {
            0 => {}
            1 => lines.push("a page has its sound on".into()),
            count => lines.push(format!("{count} pages have their sound on")),
        }
        lines
    }

    fn count_down(&mut self, until: Moment) -> Clock {
        let left = seconds_left(until.since(self.now));
        self.changes_at(Some(until - (left - Duration::from_secs(1))));
        Clock(left)
    }
}
