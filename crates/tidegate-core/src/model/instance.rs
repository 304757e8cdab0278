//! An instance: one running copy of a revision, as the store keeps it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exit, ProbeAnswer, RevisionNo};
use crate::time::Moment;

/// The name of an instance or a job, unique in a data directory: `web-17`, `migrate-18`. Safe in a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An instance: what is wanted of it and what was last seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub id: InstanceId,
    /// The revision it runs.
    pub revision: RevisionNo,
    /// Which start of it this is: raised by one at each restart. The backend refuses an older one.
    pub generation: u64,
    /// What is wanted.
    pub intent: Intent,
    /// What was last seen of this generation.
    pub seen: Seen,
    /// When it was created (its first start was asked for).
    pub created_at: Moment,
    /// When this generation's start was asked for.
    pub started_at: Moment,
    /// Since when it has been ready without a break.
    pub ready_since: Option<Moment>,
    /// Since when it has been running but not ready, after having been ready.
    pub unready_since: Option<Moment>,
    /// Since when the backend has not known of it although it should.
    pub missing_since: Option<Moment>,
    /// Whether it writes output without end.
    #[serde(default)]
    pub flooding: bool,
    /// Once out of rotation it is kept until then before it is stopped: its revision was taken back, and people may look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<Moment>,
    /// Whether it is a folder of files, served by the gateway itself: no process and no port.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub files: bool,
    /// Whether it answers badly where its siblings do not: another one takes its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outcast: bool,
    /// Whether any generation of it was ever ready.
    pub ever_ready: bool,
    /// How many times it was started again.
    pub restarts: u32,
    /// How many times in a row it ended by itself; forgotten after a minute of being ready.
    pub crashes: u32,
    /// How many times in a row it was ready and then not; forgotten after a minute of being ready.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flaps: u32,
    /// When the next start is due, while it waits for one.
    pub next_start: Option<Moment>,
    /// When this generation was last told to stop so that it can be started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_told_at: Option<Moment>,
    /// The port it was given.
    pub port: Option<u16>,
    /// Its main process.
    pub pid: Option<u32>,
    /// How the last generation that ended did so.
    pub last_exit: Option<Exit>,
    /// The last answer to a probe, or why there was none.
    pub last_probe: Option<ProbeAnswer>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What is wanted of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// It runs, and is started again when it ends.
    Run,
    /// It gets no new requests; it is stopped once it has none, or when the drain time since then is over.
    Drain {
        /// Since when the gateway is known to send it nothing; `None` until then.
        since: Option<Moment>,
    },
    /// It was told to stop.
    Stop {
        /// When.
        since: Moment,
    },
}

/// What was last seen of an instance's current generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Its start was asked for; nothing seen yet.
    Asked,
    /// Its process runs; it has not been ready yet.
    Starting,
    /// It takes requests.
    Ready,
    /// It runs, was ready, and is not now.
    Unready,
    /// It failed its liveness probe and was told to stop so that it can be started again.
    Failing,
    /// It ended.
    Ended,
}

impl Instance {
    /// A new instance whose first start is asked for at `now`.
    pub fn new(id: InstanceId, revision: RevisionNo, now: Moment) -> Self {
        Instance {
            id,
            revision,
            generation: 1,
            intent: Intent::Run,
            seen: Seen::Asked,
            created_at: now,
            started_at: now,
            ready_since: None,
            unready_since: None,
            missing_since: None,
            flooding: false,
            keep_until: None,
            files: false,
            outcast: false,
            ever_ready: false,
            restarts: 0,
            crashes: 0,
            flaps: 0,
            next_start: None,
            stop_told_at: None,
            port: None,
            pid: None,
            last_exit: None,
            last_probe: None,
        }
    }

    /// Whether it takes requests now.
    pub fn is_ready(&self) -> bool {
        self.seen == Seen::Ready && self.intent == Intent::Run
    }

    /// Whether the gateway has a way to it.
    pub fn is_reachable(&self) -> bool {
        self.port.is_some() || self.files
    }

    /// Whether it is meant to keep running.
    pub fn is_wanted(&self) -> bool {
        self.intent == Intent::Run
    }

    /// Whether it is meant to keep running, and is one of those that are counted on.
    pub fn is_counted_on(&self) -> bool {
        self.is_wanted() && !self.outcast
    }
}
