//! What is asked of an instance to learn whether it has started, takes requests and is alive.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// One way of asking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// `GET path` on the instance's port answers 200 to 399.
    Http(String),
    /// The instance's port accepts a connection.
    Tcp,
    /// The command, run in the instance's directory and environment, exits 0.
    Command(String),
}

/// A probe: a check and how often it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What is asked.
    pub check: Check,
    /// From one answer to the next question.
    pub every: Millis,
    /// How long an answer may take.
    pub timeout: Millis,
    /// This many bad answers in a row make the probe fail.
    pub fail_after: u32,
}

/// The three probes of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// Asked from the start, often, until it passes once; the others wait for it. `None`: the ready probe serves.
    pub startup: Option<Probe>,
    /// How long an instance may take until it is ready for the first time.
    pub start_within: Millis,
    /// Takes an instance in and out of rotation, never restarts it. `None` only for a service without a port: it is
    /// ready once it has run for a second.
    pub ready: Option<Probe>,
    /// Restarts an instance that fails it.
    pub live: Option<Probe>,
}

impl Probe {
    /// A probe with the default timing: every 2 s, an answer within 2 s, failing after 3 bad answers.
    pub fn new(check: Check) -> Self {
        Probe { check, every: Millis::seconds(2), timeout: Millis::seconds(2), fail_after: 3 }
    }
}

impl Probes {
    /// The default time until first ready.
    pub const START_WITHIN: Millis = Millis::seconds(60);
}
