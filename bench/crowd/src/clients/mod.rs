//! Those who hold connections open, and come again when they are told to: many of ours in one thread, and some by
//! clients that others wrote.

mod curl;
mod events;
mod head;
mod python;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::ledger::Ledger;

pub use curl::{Arrived, Transfer, download, upload};
pub use python::Python;

/// Between two that begin, so that the beginning is no flood.
const APART: Duration = Duration::from_millis(3);
/// Who is sent away comes again after a part of this, each after another one.
const AGAIN_WITHIN: Duration = Duration::from_millis(1_000);

/// What all clients of one app share.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// The gateway.
    pub gateway: SocketAddr,
    /// The app's host.
    pub host: String,
    /// The app's name in the ledger.
    pub app: &'static str,
    /// Where ends are written down.
    pub ledger: Arc<Ledger>,
    /// Whether it is over: ends from then on are the clients' own.
    pub over: watch::Receiver<bool>,
}

impl Crowd {
    /// Has so many WebSockets and event streams opened, one after another, and kept open.
    pub fn gather(&self, sockets: usize, streams: usize) {
        for number in 0..sockets.max(streams) {
            if number < sockets {
                tokio::spawn(websocket::stay(self.clone(), number));
            }
            if number < streams {
                tokio::spawn(events::stay(self.clone(), number));
            }
        }
    }

    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    async fn wait_over(&self) {
        let mut over = self.over.clone();
        // The other end outlives the run.
        let _ = over.wait_for(|over| *over).await.map(drop);
    }
}

/// When the one of this number begins, and how long it waits before it comes again.
fn turn(number: usize) -> (Duration, Duration) {
    let many = u32::try_from(number).unwrap_or(u32::MAX);
    (APART * many, AGAIN_WITHIN * (many.wrapping_mul(37) % 100) / 100)
}
