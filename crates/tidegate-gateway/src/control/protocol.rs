//! What is said on the control socket: one JSON object a line, either way. Both ends come from the same binary most of
//! the time, but an upgrade may have an older one on either side: unknown keys are ignored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate_core::model::{
    ArmCounts, CountsReport, InstanceId, MirrorReport, RouteChange, RouteCounts, RouteTable,
};

/// From the control plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Use this table.
    Apply(RouteTable),
    /// Use what this makes of the table in use. Only for a gateway that says in its hello that it takes changes.
    Change(RouteChange),
    /// Counts may come before the report that they are of, and what stays as it was may be left out of one. Only for a gateway that says in its hello that it gives pieces.
    TakesPieces,
    /// Finish what is in flight and end.
    Shutdown {
        /// At most this long.
        drain_ms: u64,
    },
}

/// [`Command::Apply`] and [`Command::Change`] with what is only lent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told<'t> {
    Apply(&'t RouteTable),
    Change(&'t RouteChange),
}

/// From the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "few are made, and each is written out at once")]
pub enum Message {
    /// The first line of every connection.
    Hello {
        /// Of the gateway's binary.
        version: String,
        /// Of its process.
        pid: u32,
        /// Where it listens.
        listen: String,
        /// Where it listens for TLS.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        https: Option<String>,
        /// Where what else serves in its process listens, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        guests: BTreeMap<String, String>,
        /// Which start of it.
        incarnation: String,
        /// The epoch every worker uses.
        epoch: u64,
        /// Requests in flight, seen at that epoch.
        inflight: BTreeMap<InstanceId, u32>,
        /// Whether it takes changes of a table.
        #[serde(default)]
        takes_changes: bool,
        /// Whether it takes, in those, routes by their places.
        #[serde(default)]
        takes_places: bool,
        /// Whether it gives a large report in pieces to who takes it so.
        #[serde(default)]
        gives_pieces: bool,
    },
    /// Every worker uses the table.
    Ack {
        /// Its epoch.
        epoch: u64,
        /// Requests in flight, seen after that.
        inflight: BTreeMap<InstanceId, u32>,
    },
    /// The table is not applied; the one in use stays.
    Refused {
        /// The epoch of the refused table.
        epoch: u64,
        /// The epoch in use.
        current: u64,
        /// Why.
        why: String,
    },
    /// A change is of another table than the one in use: the whole table is wanted.
    Whole {
        /// The epoch of the change.
        epoch: u64,
    },
    /// A part of the counts of the next report: who waits for an acknowledgement is not to wait for all of a large one.
    Piece {
        /// Of [`CountsReport::rows`], after those of the pieces before.
        rows: Vec<ArmCounts>,
        /// Of [`CountsReport::routes`], after those of the pieces before.
        routes: Vec<RouteCounts>,
    },
    /// Once a second, and at once when an endpoint that left the table ends its last request.
    Report {
        /// The epoch every worker uses.
        epoch: u64,
        /// Requests in flight, seen at that epoch.
        inflight: BTreeMap<InstanceId, u32>,
        /// Cumulative counts.
        counts: CountsReport,
        /// Whether what the pieces since the last report said belongs to these; otherwise it belongs to none.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        in_pieces: bool,
        /// What came of copies of requests.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mirrors: Vec<MirrorReport>,
        /// Those of the gateways before it, which drain or are gone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        earlier: Vec<CountsReport>,
        /// Whether those are as the report before said, and left out. Only for who takes pieces.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        same_earlier: bool,
        /// Requests that are held because nothing of their upstream runs. The first one is told at once.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        waiting: BTreeMap<String, u32>,
    },
}
