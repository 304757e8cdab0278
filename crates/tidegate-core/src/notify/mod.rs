//! What is said to those whom an environment tells of events, and when it is tried again.
//!
//! Called by the courier of the control plane, which keeps [`Notice`]s until they are delivered. Nothing here sends anything.

mod letter;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::event::Event;
use crate::model::{NotifyTo, Occasion};
use crate::time::{Millis, Moment};
pub use letter::{letter, safe_header};

/// The wait before the second try.
const FIRST_WAIT: Millis = Millis::seconds(10);
/// The longest wait between two tries.
const LONGEST_WAIT: Millis = Millis::seconds(3_600);
/// Tries, at most: the last one about ten hours after the first.
pub const MOST_TRIES: u32 = 18;

/// One event on its way to one of those who are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The event's number: with [`Notice::place`] it tells a notice that comes twice from another.
    pub seq: u64,
    /// Which of the environment's, from 0.
    pub place: usize,
    /// Who is told.
    pub to: NotifyTo,
    /// What happened.
    pub event: Event,
    /// When it happened: RFC 3339.
    pub at: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is to be tried next.
    pub due: Moment,
}

/// How long after try number `tries` the next one follows; `None`: it is given up.
pub fn next_try(tries: u32) -> Option<Millis> {
    if tries >= MOST_TRIES {
        return None;
    }
    let doubled = FIRST_WAIT.0 << tries.saturating_sub(1).min(20);
    Some(Millis(doubled.min(LONGEST_WAIT.0)))
}

impl Notice {
    /// What it is about, in a few words: `shop/production`.
    pub fn about(&self) -> String {
        let Event { app, environment, service, .. } = &self.event;
        let parts: Vec<&str> =
            [app, environment, service].into_iter().flatten().map(String::as_str).collect();
        parts.join("/")
    }

    /// A unique name of it, the same at every try.
    pub fn id(&self) -> String {
        format!("{}-{}", self.seq, self.place)
    }

    /// As a CloudEvent 1.0 in its JSON format. `source` says which Tidegate it comes from.
    pub fn cloud_event(&self, source: &str) -> Value {
        json!({
            "specversion": "1.0",
            "id": self.id(),
            "source": source,
            "type": format!("tidegate.{}", self.event.kind),
            "subject": self.about(),
            "time": self.at,
            "datacontenttype": "application/json",
            "data": {
                "occasion": Occasion::of(&self.event.kind).map(Occasion::as_str),
                "app": self.event.app,
                "environment": self.event.environment,
                "service": self.event.service,
                "revision": self.event.revision,
                "message": self.event.message,
            },
        })
    }

    /// As a message in a chat. Characters that chats read as links or mentions are made harmless: a commit's subject is
    /// anybody's text.
    pub fn chat(&self) -> Value {
        let harmless = self.event.message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let unmentioned = harmless.replace('@', "@\u{200b}");
        json!({ "text": format!("{}: {unmentioned}", self.about()) })
    }
}
