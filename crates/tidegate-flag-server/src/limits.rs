//! How much clients may ask for at a time.

use std::time::Duration;

/// How much clients may ask for at a time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body, which is a context.
    pub body: usize,
    /// Bytes of a request's head that are read at a time: one of twice as many is refused.
    pub head: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Connections to one listener; one more is closed.
    pub connections: usize,
    /// Event streams over OFREP; one more is told to come back later.
    pub streams: usize,
    /// How long a connection may be silent before a request, and within its head.
    pub idle: Duration,
    /// How long a request's body may take.
    pub body_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 1 << 20,
            head: 32 << 10,
            fields: 100,
            connections: 20_000,
            streams: 10_000,
            idle: Duration::from_secs(75),
            body_within: Duration::from_secs(30),
        }
    }
}
