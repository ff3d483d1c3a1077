//! The server-sent events for pages: the status after each change, and a heartbeat.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::future::{Either, select};
use tokio::net::UnixStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::control::protocol::{self, Status};
use crate::core::clock;
use crate::engine::board::Board;

/// A page that receives nothing for two and a half beats shows a lost connection.
const BEAT: Duration = Duration::from_secs(1);

/// The latest status and the latest beat. Each is encoded once for all listeners.
#[derive(Clone)]
pub struct Feed {
    status: watch::Receiver<Bytes>,
    beat: watch::Receiver<Bytes>,
}

impl Feed {
    /// Follows `board` in tasks of the current runtime.
    ///
    /// # Errors
    /// If the system has no file descriptor left.
    pub fn new(board: Arc<Board>) -> std::io::Result<Self> {
        let subscription = UnixStream::from_std(board.subscribe()?.into())?;
        let mut last = Status::new(&board.latest(), clock::now());
        let (sender, status) = watch::channel(event("status", &protocol::encode(&last)));
        tokio::spawn(async move {
            while subscription.readable().await.is_ok() {
                // Drain it before reading the board; the other way round a snapshot could be missed.
                let mut bytes = [0; 64];
                while subscription.try_read(&mut bytes).is_ok_and(|length| length > 0) {}
                let now = Status::new(&board.latest(), clock::now());
                if !now.is_same_but_for_time(&last) {
                    last = now;
                    sender.send_replace(event("status", &protocol::encode(&last)));
                }
            }
        });
        let (sender, beat) = watch::channel(Bytes::new());
        tokio::spawn(async move {
            let mut ticks = interval(BEAT);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                sender.send_replace(event("beat", &clock::now().as_ns().to_string()));
            }
        });
        Ok(Self { status, beat })
    }

    /// The current status, with which each stream begins.
    pub fn first(&mut self) -> Bytes {
        self.beat.mark_unchanged();
        self.status.borrow_and_update().clone()
    }

    /// The next event. `None` when the runtime is shutting down.
    pub async fn next(&mut self) -> Option<Bytes> {
        let is_status = {
            let (status, beat) = (pin!(self.status.changed()), pin!(self.beat.changed()));
            match select(status, beat).await {
                Either::Left((changed, _)) => changed.map(|()| true),
                Either::Right((changed, _)) => changed.map(|()| false),
            }
        };
        let changed = if is_status.ok()? { &mut self.status } else { &mut self.beat };
        Some(changed.borrow_and_update().clone())
    }
}

fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", data.trim_end()).into()
}
