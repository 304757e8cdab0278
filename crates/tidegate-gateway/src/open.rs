//! What is open on a worker, by what it is at: the worker ends when nothing is, and says what it waits for.

use std::rc::Rc;

/// See the module. Whoever is counted holds a copy of its place.
#[derive(Debug, Default)]
pub(crate) struct Open {
    connections: Rc<()>,
    lively: Rc<()>,
    general: Rc<()>,
    http2: Rc<()>,
    tunnels: Rc<()>,
}

/// One that is open, for as long as it is held.
pub(crate) type Mark = Rc<()>;

impl Open {
    /// A client's connection, until it is closed or becomes a tunnel.
    pub(crate) fn connection(&self) -> Mark {
        self.connections.clone()
    }

    /// A connection that the fast path has all it needs at hand for: one that was not quiet for a while.
    pub(crate) fn lively(&self) -> Mark {
        self.lively.clone()
    }

    /// How many of these there are.
    pub(crate) fn count_lively(&self) -> usize {
        many(&self.lively)
    }

    /// A connection of HTTP/1.1 that the general path has.
    pub(crate) fn general(&self) -> Mark {
        self.general.clone()
    }

    /// A connection of HTTP/2.
    pub(crate) fn http2(&self) -> Mark {
        self.http2.clone()
    }

    /// Two connections that are joined.
    pub(crate) fn tunnel(&self) -> Mark {
        self.tunnels.clone()
    }

    /// Whether nothing is open.
    pub(crate) fn is_empty(&self) -> bool {
        many(&self.connections) + many(&self.tunnels) == 0
    }

    /// Says what is.
    pub(crate) fn tell(&self, worker: usize) {
        let (http2, general) = (many(&self.http2), many(&self.general));
        let (connections, tunnels) = (many(&self.connections), many(&self.tunnels));
        tracing::info!(worker, connections, general, http2, tunnels, "the drain waits for what is open");
    }
}

/// But for our own.
fn many(mark: &Mark) -> usize {
    Rc::strong_count(mark) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_becomes_a_tunnel_is_open_all_the_while() {
        let open = Open::default();
        let connection = open.connection();
        let general = open.general();
        let tunnel = open.tunnel();
        drop((connection, general));
        assert!(!open.is_empty());
        drop(tunnel);
        assert!(open.is_empty());
    }
}
