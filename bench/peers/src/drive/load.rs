//! What is asked of a proxy, and what came of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_load::histogram::Histogram;

use super::{Pace, Trouble};

/// A load.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where the proxy listens.
    pub to: SocketAddr,
    /// The request, head and body.
    pub request: Vec<u8>,
    /// The length of the body of the answer.
    pub answer_length: usize,
    /// How many connections.
    pub connections: usize,
    /// Whether each request has a connection of its own, which the proxy closes after the answer.
    pub fresh: bool,
    /// TLS, where there is to be some.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// When requests start.
    pub pace: Pace,
    /// How long it runs before it counts.
    pub warm_up: Duration,
    /// How long it counts.
    pub last: Duration,
}

/// What came of a load.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Requests answered well in the time that counts.
    pub answered: u64,
    /// What went wrong, at any time of the run.
    pub troubles: Vec<(Trouble, u64)>,
    /// How long it counted.
    pub last: Duration,
    /// Processor time the proxy took.
    pub cpu: Duration,
    /// Latencies. At an open pace from the time in the timetable, else from the first byte sent (or the connect).
    pub latency: Histogram,
}
