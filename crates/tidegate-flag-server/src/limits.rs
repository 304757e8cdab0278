//! How much clients may ask for at a time.

use std::time::Duration;

/// How much clients may ask for at a time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body, which is a context.
    pub body: usize,
    /// The same of who asks by a key for clients, which everybody can read.
    pub body_of_clients: usize,
    /// Bytes of a request's head that are read at a time: one of twice as many is refused.
    pub head: usize,
    /// Header fields of a request.
    pub fields: usize,
    /// Connections to one listener; one more is closed. Those of one address on which nobody who may ask has asked are at most
    /// a quarter of them.
    pub connections: usize,
    /// Calls at a time on one connection over gRPC.
    pub calls: u32,
    /// Event streams of one listener; one more is told to come back later. One environment's clients, or its servers, get four
    /// times what is free.
    pub streams: usize,
    /// Bytes of long requests and answers that one listener holds at a time; shared like streams.
    pub held: usize,
    /// How long a connection may be silent before a request, and within its head.
    pub idle: Duration,
    /// How long a request's body may take.
    pub body_within: Duration,
    /// How long it may take until a long answer is read. A connection whose client does not read is closed.
    pub answer_within: Duration,
}

impl Limits {
    /// Bytes of a body.
    pub(crate) fn body_of(&self, server: bool) -> usize {
        if server { self.body } else { self.body.min(self.body_of_clients) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 1 << 20,
            body_of_clients: 32 << 10,
            head: 32 << 10,
            fields: 100,
            connections: 20_000,
            calls: 100,
            streams: 10_000,
            held: 256 << 20,
            idle: Duration::from_secs(75),
            body_within: Duration::from_secs(30),
            answer_within: Duration::from_secs(60),
        }
    }
}
