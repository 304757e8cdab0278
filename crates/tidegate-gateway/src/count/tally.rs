//! What a worker counts besides instances: connections, protocols, refusals, pages, and the end of every request. The
//! worker owns it and alone calls `on_*`; the report reads it.

use std::collections::BTreeMap;

use tidegate_core::model::{ArmRole, FrontCounts};

use super::RouteLane;
use super::counter::Counter;
use super::named::Named;

/// What a client spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
    Grpc,
    WebSocket,
}

impl Protocol {
    const ALL: [Protocol; 4] = [Protocol::Http1, Protocol::Http2, Protocol::Grpc, Protocol::WebSocket];

    /// As reports and logs name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Protocol::Http1 => "http/1",
            Protocol::Http2 => "http/2",
            Protocol::Grpc => "grpc",
            Protocol::WebSocket => "websocket",
        }
    }
}

/// A request that is over, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Over<'a> {
    pub(crate) protocol: Protocol,
    /// Its route's; `None`: it had none.
    pub(crate) route: Option<&'a RouteLane>,
    /// The arm it was assigned to; `None`: it did not come to that.
    pub(crate) arm: Option<ArmRole>,
    /// What the client was told.
    pub(crate) status: u16,
    /// Bytes of its body.
    pub(crate) received: u64,
    /// Bytes of the answer's body.
    pub(crate) sent: u64,
}

/// See the module.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Tally {
    requests: [Counter; Protocol::ALL.len()],
    unrouted: Counter,
    connections: Counter,
    closed: Counter,
    full: Counter,
    handshakes: Counter,
    handshakes_failed: Counter,
    refusals: Named,
    pages: Named,
}

impl Tally {
    /// The end of a request, whatever came of it. Once for each.
    pub(crate) fn on_over(&self, over: &Over<'_>) {
        self.requests[over.protocol as usize].add(1);
        if let Some(route) = over.route {
            route.add(over.arm, over.status, over.received, over.sent);
        }
    }

    /// No route has the request's host and path.
    pub(crate) fn on_unrouted(&self) {
        self.unrouted.add(1);
    }

    /// A client's connection was taken. [`Tally::on_close`] must follow.
    pub(crate) fn on_connection(&self) {
        self.connections.add(1);
    }

    /// A client's connection is done with.
    pub(crate) fn on_close(&self) {
        self.closed.add(1);
    }

    /// A client's connection was closed at once: there are as many as the process can hold.
    pub(crate) fn on_full(&self) {
        self.full.add(1);
    }

    /// A TLS handshake came to its end, or did not.
    pub(crate) fn on_handshake(&self, done: bool) {
        if done { self.handshakes.add(1) } else { self.handshakes_failed.add(1) }
    }

    /// A message was refused before it was a request.
    pub(crate) fn on_refusal(&self, why: &'static str) {
        self.refusals.add(why);
    }

    /// An answer of the gateway's own.
    pub(crate) fn on_page(&self, mark: &'static str) {
        self.pages.add(mark);
    }

    pub(crate) fn unrouted(&self) -> u64 {
        self.unrouted.get()
    }

    /// Adds its counts to those of the other workers.
    pub(crate) fn add_to(&self, sums: &mut FrontCounts) {
        // In this order: a connection that closes in between must not make more closed than taken.
        let closed = self.closed.get();
        let taken = self.connections.get();
        sums.connections += taken;
        sums.connections_open += taken.saturating_sub(closed);
        sums.connections_refused += self.full.get();
        sums.handshakes += self.handshakes.get();
        sums.handshakes_failed += self.handshakes_failed.get();
        add_protocols(&self.requests, &mut sums.requests);
        self.refusals.add_to(&mut sums.refusals);
        self.pages.add_to(&mut sums.pages);
    }
}

fn add_protocols(requests: &[Counter; Protocol::ALL.len()], sums: &mut BTreeMap<String, u64>) {
    for protocol in Protocol::ALL {
        *sums.entry(protocol.as_str().to_owned()).or_default() += requests[protocol as usize].get();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::RouteRow;

    #[test]
    fn workers_add_up() {
        let (tallies, row) =
            ([Tally::default(), Tally::default()], RouteRow::new(("*", "/", "app/dev/web"), 2));
        for (worker, tally) in tallies.iter().enumerate() {
            tally.on_connection();
            tally.on_full();
            tally.on_refusal("a line ends without CR");
            tally.on_page("no-route");
            tally.on_handshake(worker == 0);
            let route = Some(row.lane(worker).as_ref());
            let over =
                Over { protocol: Protocol::Http1, route, arm: None, status: 200, received: 1, sent: 2 };
            tally.on_over(&over);
        }
        tallies[1].on_close();
        tallies[1].on_unrouted();
        let mut sums = FrontCounts::default();
        tallies.iter().for_each(|tally| tally.add_to(&mut sums));
        assert_eq!((sums.connections, sums.connections_open, sums.connections_refused), (2, 1, 2));
        assert_eq!((sums.handshakes, sums.handshakes_failed), (1, 1));
        assert_eq!((sums.requests["http/1"], sums.requests["grpc"]), (2, 0));
        assert_eq!((sums.refusals["a line ends without CR"], sums.pages["no-route"]), (2, 2));
        assert_eq!(row.counts().answers.success, 2);
        assert_eq!(tallies[1].unrouted(), 1);
    }
}
