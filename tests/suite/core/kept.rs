//! A keeper in memory.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use talklight::core::clock::Moment;
use talklight::core::look::Rgb;
use talklight::core::timer::{Phase, Timer};
use talklight::engine::Keeper;

/// A keeper that records its calls. Clones share the record.
#[derive(Clone, Default)]
pub struct Kept(Rc<RefCell<Keeping>>);

#[derive(Default)]
pub struct Keeping {
    pub timers: Vec<Timer>,
    pub forgotten: u64,
    pub shown: Vec<(Moment, Phase, Vec<Rgb>)>,
    pub fault: Option<&'static str>,
}

impl Kept {
    pub fn with<T>(&self, look: impl FnOnce(&mut Keeping) -> T) -> T {
        look(&mut self.0.borrow_mut())
    }
}

impl Keeper for Kept {
    fn keep(&mut self, timer: &Timer) -> io::Result<()> {
        self.with(|keeping| match keeping.fault {
            Some(fault) => Err(io::Error::other(fault)),
            None => {
                keeping.timers.push(*timer);
                Ok(())
            }
        })
    }

    fn forget(&mut self) {
        self.with(|keeping| keeping.forgotten += 1);
    }

    fn shown(&mut self, at: Moment, phase: Phase, frame: &[Rgb]) {
        self.with(|keeping| keeping.shown.push((at, phase, frame.to_vec())));
    }
}
