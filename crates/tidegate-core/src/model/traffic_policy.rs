//! How the gateway shares a service's requests out among its arms and endpoints, and how long it waits for them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ArmRole, ClientKey, Compare, OutcomeRule};
use crate::time::Millis;

/// The traffic settings of a service. The default is least request over HTTP/1.1 with nothing else on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrafficPolicy {
    /// What its instances speak.
    pub protocol: Protocol,
    /// How an endpoint of the assigned arm is chosen.
    pub balance: Balance,
    /// Endpoints of the gateway's own zone are preferred while one is ready.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub zone_aware: bool,
    /// A new endpoint's share grows over this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_start: Option<Millis>,
    /// Endpoints that fail are left out for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Outliers>,
    /// Most requests at once, and where the others wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// What is sent again where that is safe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// How long things may take.
    #[serde(skip_serializing_if = "Timeouts::is_none")]
    pub timeouts: Timeouts,
    /// Refuses at once while nearly everything fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// Who gets which arm.
    #[serde(skip_serializing_if = "Assignment::is_none")]
    pub assign: Assignment,
    /// A copy of some requests for another arm or service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// What is counted of clients that keep to their arm.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRule>,
}

impl TrafficPolicy {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == TrafficPolicy::default()
    }
}

/// What instances speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without TLS, by prior knowledge: gRPC.
    H2c,
    /// HTTP/1.1 under TLS; the certificate is not checked on the loopback interface.
    Https1,
    /// HTTP/2 under TLS.
    H2,
}

/// How an endpoint is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// In turn, by weight.
    RoundRobin,
    /// The one with the fewest requests in flight for its weight.
    #[default]
    LeastRequest,
    /// The better of two picked at random, by peak-EWMA latency times requests in flight.
    PeakEwma,
    /// The same client meets the same endpoint while it is there (ketama-like ring).
    Hash(ClientKey),
    /// The endpoint whose region is nearest to the client's address.
    Geographic,
}

/// Outlier ejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outliers {
    /// So many bad outcomes one after another …
    pub consecutive: u32,
    /// … leave the endpoint out for this long, times the number of times it was left out before.
    pub eject: Millis,
    /// At most this share of an arm's endpoints, in percent.
    pub max_share: u32,
}

/// Most requests at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// In flight on one endpoint.
    pub per_instance: u32,
    /// Waiting, over all endpoints; one more is refused (503).
    pub queue: u32,
    /// Longest wait (503 after it).
    pub queue_timeout: Millis,
}

/// Repeats: only of idempotent requests of which no body was sent, before anything came back to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// At most this many besides the first attempt.
    pub attempts: u32,
    /// Most repeats, in percent of the requests of the last seconds.
    pub budget: u32,
    /// Whether answers 502, 503 and 504 of an instance are repeated too, not just broken connections.
    pub on_5xx: bool,
}

/// How long things may take. `None`: the gateway's own limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// For a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Millis>,
    /// From the request's last byte to the answer's first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Millis>,
    /// Between two bytes of a body or an upgraded connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Millis>,
    /// From the request's head to the answer's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Millis>,
}

impl Timeouts {
    /// Whether none is set.
    pub fn is_none(&self) -> bool {
        *self == Timeouts::default()
    }
}

/// Circuit breaking per arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Opens when this share of the last `window` failed, in percent …
    pub failures: u32,
    /// … and at least this many requests came.
    pub min_requests: u32,
    /// What is looked at.
    pub window: Millis,
    /// How long it stays open before one request may try.
    pub open: Millis,
}

/// Who gets which arm. Rules first, in order; then the sticky bucket; then the weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assignment {
    /// Requests that match go to the arm, whatever the weights are (while the arm is there).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ArmRule>,
    /// Keeps a client on its arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
    /// Whether answers carry `tidegate-arm` and `tidegate-revision`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub echo: bool,
}

impl Assignment {
    /// Whether requests are told apart by weight alone, and nothing is said about it.
    pub fn is_none(&self) -> bool {
        *self == Assignment::default()
    }
}

/// Requests that go to an arm by what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmRule {
    /// Where they go.
    pub arm: ArmRole,
    /// What they are; all of these.
    pub when: Vec<Match>,
}

/// One thing a request can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// A field has this value; without a value: is there.
    Header {
        /// Lower-case.
        name: String,
        /// The whole value.
        value: Option<String>,
    },
    /// A cookie has this value; without a value: is there.
    Cookie {
        /// Case matters.
        name: String,
        /// The whole value.
        value: Option<String>,
    },
    /// A query parameter has this value; without a value: is there.
    Query {
        /// Case matters.
        name: String,
        /// The whole value, decoded.
        value: Option<String>,
    },
    /// The path begins so, at a `/` boundary.
    Path(String),
    /// The client's key is one of these.
    Cohort {
        /// Where the key is.
        by: ClientKey,
        /// The keys.
        members: BTreeSet<String>,
    },
    /// The client's address is in one of these countries (ISO 3166-1 alpha-2, upper-case).
    Country(BTreeSet<String>),
    /// The client's address is in one of these regions (ISO 3166-2 without the country, or a continent's code).
    Region(BTreeSet<String>),
}

/// Keeps a client on its arm: bucket 0–9999, candidate where it is below the candidate's weight × 100. So raising the
/// weight never moves anybody from the candidate to stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// By a signed cookie of the gateway's own, given to those without.
    Cookie {
        /// How long it lasts.
        max_age: Millis,
    },
    /// By a hash of what tells the client apart; nothing is stored at the client.
    Key(ClientKey),
}

/// A copy of some requests. Their answers are compared and thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// Where the copies go.
    pub to: MirrorTo,
    /// Which share of the requests with safe methods, in percent.
    pub percent: u32,
    /// Whether requests with other methods are copied too.
    #[serde(default)]
    pub unsafe_methods: bool,
    /// Whether the arm that answers is asked a second time as well, with safe methods only: what differs by itself. Only for
    /// copies to the candidate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noise: bool,
    /// What of the answers is compared.
    #[serde(default, skip_serializing_if = "Compare::is_default")]
    pub compare: Compare,
}

impl Mirror {
    /// Copies of a share of the requests with safe methods, and nothing besides.
    pub fn plain(to: MirrorTo, percent: u32) -> Self {
        Mirror { to, percent, unsafe_methods: false, noise: false, compare: Compare::default() }
    }
}

/// Where copies go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MirrorTo {
    /// The candidate's arm, while there is one; requests that were assigned to it are not copied.
    Candidate,
    /// Another upstream of the table, by name.
    Upstream(String),
}
