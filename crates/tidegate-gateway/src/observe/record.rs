//! One request as the access log has it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::badge::Badge;
use crate::count::Protocol;
use crate::endpoint::Endpoint;

/// A request that is over. Everything is borrowed: whoever served it has it still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// What went upstream in `x-request-id`.
    pub(crate) id: &'a [u8],
    /// What went upstream in `traceparent`.
    pub(crate) traceparent: Option<&'a [u8]>,
    pub(crate) client: SocketAddr,
    pub(crate) protocol: Protocol,
    /// The version of TLS the client came with, here or to the load balancer that says so.
    pub(crate) tls: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    /// Without its `?`.
    pub(crate) query: Option<&'a str>,
    pub(crate) agent: Option<&'a [u8]>,
    /// What the client was told; 0: it went away first.
    pub(crate) status: u16,
    /// How it ended: `complete`, `cancelled`, `reset`, `timeout`, or the mark of a page of the gateway's own.
    pub(crate) ended: &'a str,
    /// Bytes of its body.
    pub(crate) received: u64,
    /// Bytes of the answer's body.
    pub(crate) sent: u64,
    /// The path prefix of its route.
    pub(crate) route: Option<&'a str>,
    /// The upstream its route leads to.
    pub(crate) upstream: Option<&'a str>,
    pub(crate) served: Option<Served<'a>>,
    /// How many endpoints were tried.
    pub(crate) attempts: u32,
    pub(crate) timing: Timing,
}

/// Who answered a request, or was to: the arm it was assigned, or the one whose instance was tried last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served<'a> {
    pub(crate) arm: &'a [u8],
    pub(crate) revision: &'a [u8],
    /// `None`: none had room for it, or the arm is files.
    pub(crate) instance: Option<&'a str>,
}

impl<'a> Served<'a> {
    pub(crate) fn by(badge: &'a Badge, endpoint: Option<&'a Endpoint>) -> Self {
        let instance = endpoint.map(|endpoint| &*endpoint.id.0);
        Served { arm: badge.arm.as_bytes(), revision: badge.revision.as_bytes(), instance }
    }
}

/// Where a request's time went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timing {
    /// From its head to its (last) place on an endpoint: the queue and earlier attempts.
    pub(crate) wait: Option<Duration>,
    /// From its head to the head of the answer.
    pub(crate) first_byte: Option<Duration>,
    /// From its head to its end.
    pub(crate) total: Duration,
}
