//! How long the gateway waits and how much it reads. Set once at start, the same for every worker.

use std::time::Duration;

/// Waits and sizes. [`Limits::default`] is what `tidegate gateway` runs with.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection to an endpoint.
    pub connect: Duration,
    /// From the last byte of the request to the first of the answer.
    pub first_byte: Duration,
    /// Between two reads of a body, and for a client to take what is written to it.
    pub stall: Duration,
    /// For a TLS handshake, and for the PROXY header before it.
    pub handshake: Duration,
    /// For a client to send a whole request head, and to begin with its first.
    pub head: Duration,
    /// For a client's connection to sit between requests.
    pub client_idle: Duration,
    /// For a connection to an endpoint to sit unused: below the keep-alive of common servers (gunicorn 2 s, Node 5 s),
    /// so that it is always the gateway that closes first.
    pub upstream_idle: Duration,
    /// How long a kept connection may have sat and still carry a request that must not be sent twice.
    pub unsafe_reuse: Duration,
    /// For the copy of a request: from its connection to the last byte of its answer that is read.
    pub mirror: Duration,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// Fields in a request head.
    pub head_fields: usize,
    /// Kept connections per endpoint and worker.
    pub kept: usize,
}

impl Limits {
    /// How long a client's connection may be silent before a request; `first`: before its first.
    pub(crate) fn before_request(&self, first: bool) -> Duration {
        if first { self.head } else { self.client_idle }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            client_idle: Duration::from_secs(75),
            upstream_idle: Duration::from_millis(1_500),
            unsafe_reuse: Duration::from_millis(300),
            mirror: Duration::from_secs(10),
            head_bytes: 32 * 1024,
            head_fields: 100,
            kept: 128,
        }
    }
}
