//! How many open pages have their sound on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::engine::event::{Event, Events, PhoneNews};

/// Changes are told at this pace at most. Anybody may open pages, and each news goes to all of them.
const PACE: Duration = Duration::from_millis(500);

/// Counts the pages. Clones share the count.
#[derive(Clone)]
pub struct Sounds(Arc<watch::Sender<usize>>);

/// A page whose sound is on, until it is dropped.
pub struct Sound(Sounds);

impl Sounds {
    /// Tells the engine of each change, in a task of the current runtime.
    pub fn new(events: Events) -> Self {
        let (sender, mut count) = watch::channel(0);
        tokio::spawn(async move {
            while count.changed().await.is_ok() {
                let now = *count.borrow_and_update();
                events.post(Event::Phones(PhoneNews::Sound(now)));
                sleep(PACE).await;
            }
        });
        Self(Arc::new(sender))
    }

    pub fn add(&self) -> Sound {
        self.0.send_modify(|count| *count += 1);
        Sound(self.clone())
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
