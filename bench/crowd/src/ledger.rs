//! What became of everything long-lived: each end is written down once, by whoever held the connection.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A WebSocket.
    Socket,
    /// An event stream.
    Stream,
    /// A gRPC call with streams both ways.
    Call,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Socket, Kind::Stream, Kind::Call];

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Socket => "WebSockets",
            Kind::Stream => "event streams",
            Kind::Call => "gRPC streams",
        }
    }

    /// How the gateway and an app that stops may end it.
    pub fn polite(self) -> &'static str {
        match self {
            Kind::Socket => "1012",
            Kind::Stream => "ended",
            Kind::Call => "UNAVAILABLE",
        }
    }
}

/// The end of one connection that its client did not want.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    /// What ended.
    pub kind: Kind,
    /// Seconds since 1970.
    pub at: f64,
    /// Whose: `crowd`, or `still` for the app that nobody deploys.
    pub app: String,
    /// The instance it led to; empty where it never came as far.
    pub instance: String,
    /// [`Kind::polite`], or what else it looked like.
    pub how: String,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    ends: Vec<End>,
    open: BTreeMap<(Kind, String), u64>,
    messages: BTreeMap<Kind, u64>,
}

impl Ledger {
    /// A connection works: something came through it.
    pub fn on_open(&self, kind: Kind, app: &str) {
        *self.lock().open.entry((kind, app.to_owned())).or_default() += 1;
    }

    /// It ended. `was_open`: it was told of by [`Ledger::on_open`].
    pub fn on_end(&self, end: End, was_open: bool) {
        let mut book = self.lock();
        if was_open && let Some(open) = book.open.get_mut(&(end.kind, end.app.clone())) {
            *open -= 1;
        }
        book.ends.push(end);
    }

    /// Something was said, or heard.
    pub fn on_messages(&self, kind: Kind, many: u64) {
        *self.lock().messages.entry(kind).or_default() += many;
    }

    /// How many work now.
    pub fn open(&self, kind: Kind, app: &str) -> u64 {
        self.lock().open.get(&(kind, app.to_owned())).copied().unwrap_or(0)
    }

    /// How much came through so far.
    pub fn messages(&self, kind: Kind) -> u64 {
        self.lock().messages.get(&kind).copied().unwrap_or(0)
    }

    /// Everything that ended so far.
    pub fn ends(&self) -> Vec<End> {
        self.lock().ends.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since 1970: clients in other processes have the same clock.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}
