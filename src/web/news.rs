//! What pages are told: the status when it has changed, and a heartbeat.

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

/// A page that hears nothing for two and a half of these has lost the daemon, and says so within three seconds.
const BEAT: Duration = Duration::from_secs(1);

/// The latest of each, as server-sent events. Encoded once, however many listen.
#[derive(Clone)]
pub struct News {
    status: watch::Receiver<Bytes>,
    beat: watch::Receiver<Bytes>,
}

impl News {
    /// Follows the board from now on.
    pub fn follow(board: Arc<Board>) -> std::io::Result<Self> {
        let subscription = UnixStream::from_std(board.subscribe()?.into())?;
        let mut last = Status::new(&board.latest(), clock::now());
        let (tell, status) = watch::channel(event("status", &protocol::encode(&last)));
        tokio::spawn(async move {
            while subscription.readable().await.is_ok() {
                // Hushed before the board is read, lest a snapshot goes unseen.
                let mut rung = [0; 64];
                while subscription.try_read(&mut rung).is_ok_and(|length| length > 0) {}
                let now = Status::new(&board.latest(), clock::now());
                if !now.is_same_but_for_time(&last) {
                    last = now;
                    tell.send_replace(event("status", &protocol::encode(&last)));
                }
            }
        });
        let (tell, beat) = watch::channel(Bytes::new());
        tokio::spawn(async move {
            let mut ticks = interval(BEAT);
            // Late beats are not made up for.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                tell.send_replace(event("beat", &clock::now().as_ns().to_string()));
            }
        });
        Ok(Self { status, beat })
    }

    /// The status that was told last, to begin with.
    pub fn first(&mut self) -> Bytes {
        self.beat.mark_unchanged();
        self.status.borrow_and_update().clone()
    }

    /// What is told next; none once nothing ever will be.
    pub async fn next(&mut self) -> Option<Bytes> {
        let is_status = {
            let (status, beat) = (pin!(self.status.changed()), pin!(self.beat.changed()));
            match select(status, beat).await {
                Either::Left((changed, _)) => changed.map(|()| true),
                Either::Right((changed, _)) => changed.map(|()| false),
            }
        };
        let told = match is_status.ok()? {
            true => &mut self.status,
            false => &mut self.beat,
        };
        Some(told.borrow_and_update().clone())
    }
}

fn event(name: &str, data: &str) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", data.trim_end()).into()
}
