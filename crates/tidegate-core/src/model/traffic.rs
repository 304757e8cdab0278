//! What the gateway counts, as it reports it each second. Cumulative since the process began. Both ends of the control
//! socket may be of different versions: what one does not know is left out or empty.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ArmRole, FlagCounts, Histogram, InstanceId, OutcomeCounts, RevisionNo};

/// The counts of a gateway process since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsReport {
    /// Which gateway process: counts of another start from zero again.
    pub incarnation: String,
    /// Milliseconds since it began; 0 where an older gateway does not say.
    #[serde(default)]
    pub at_ms: u64,
    /// A row per upstream, arm, revision and instance.
    pub rows: Vec<ArmCounts>,
    /// Requests that no route matched (404 by the gateway).
    pub unrouted: u64,
    /// A row per route of the table in use.
    #[serde(default)]
    pub routes: Vec<RouteCounts>,
    /// What belongs to no route.
    #[serde(default)]
    pub front: FrontCounts,
    /// Instances that are left out for a while because they fail, sorted.
    #[serde(default)]
    pub ejected: Vec<InstanceId>,
    /// What goes on in arms of the table in use, now; those where nothing does left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<ArmLevels>,
    /// What users did on each side of an A/B.
    #[serde(default)]
    pub outcomes: Vec<OutcomeCounts>,
    /// What came of requests by the variant of a watched flag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<FlagCounts>,
}

/// What goes on in an arm now: a level, no count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmLevels {
    /// The upstream (service key printed).
    pub upstream: String,
    /// The arm.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// Whether its circuit is open, so that its requests are refused; `None`: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit_open: Option<bool>,
    /// Its instances; those without a request that are not left out either are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<InstanceLevel>,
}

/// What goes on at an instance now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceLevel {
    /// Which.
    pub instance: InstanceId,
    /// Requests in flight.
    pub inflight: u32,
    /// Whether it is left out for a while because it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ejected: bool,
}

/// Counts of one instance in one arm, cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmCounts {
    /// The upstream (service key printed).
    pub upstream: String,
    /// The arm.
    pub role: ArmRole,
    /// The revision.
    pub revision: RevisionNo,
    /// The instance; `None`: the arm had no endpoint to give.
    pub instance: Option<InstanceId>,
    /// Requests by outcome of the first attempt.
    pub outcomes: Outcomes,
    /// Requests by latency, from the pick of the endpoint to the head of its answer.
    #[serde(default)]
    pub latencies: Histogram,
    /// Bytes of bodies, every attempt.
    #[serde(default)]
    pub bytes: BodyBytes,
    /// The newest of its bad answers, a few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<BadRequest>,
}

/// A request whose first attempt was answered badly, as it is found in logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BadRequest {
    /// What went upstream in `x-request-id`.
    pub id: String,
    /// Its path without the query, shortened.
    pub path: String,
    /// What was answered; 0: nothing was.
    pub status: u16,
    /// The instance that did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.id, self.path)?;
        match self.status {
            0 => f.write_str("no answer")?,
            status => write!(f, "{status}")?,
        }
        self.instance.as_ref().map_or(Ok(()), |instance| write!(f, " by {instance}"))
    }
}

/// Counts of one route, cumulative. Whatever was answered counts, by an instance or by the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteCounts {
    /// Its host, as the table has it.
    pub host: String,
    /// Its path prefix, as the table has it.
    pub path: String,
    /// The upstream it leads to.
    pub upstream: String,
    /// Requests by what was answered.
    pub answers: Answers,
    /// Of these, the ones of each arm that was assigned any. Those that the gateway answered before that are of none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmAnswers>,
    /// Bytes of bodies.
    pub bytes: BodyBytes,
}

/// What was answered to requests of a route that were assigned to one arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmAnswers {
    /// The arm.
    pub role: ArmRole,
    /// Its requests.
    pub answers: Answers,
}

/// Bytes of bodies, without heads and framing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BodyBytes {
    /// From clients.
    pub received: u64,
    /// To clients.
    pub sent: u64,
}

/// Requests by the class of their answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// 101: the connection became something else.
    pub informational: u64,
    /// 2xx.
    pub success: u64,
    /// 3xx.
    pub redirect: u64,
    /// 4xx.
    pub client_error: u64,
    /// 5xx.
    pub server_error: u64,
    /// None: the client went away first.
    pub unanswered: u64,
}

impl Answers {
    /// These and others.
    pub fn with(&self, others: &Answers) -> Answers {
        Answers {
            informational: self.informational + others.informational,
            success: self.success + others.success,
            redirect: self.redirect + others.redirect,
            client_error: self.client_error + others.client_error,
            server_error: self.server_error + others.server_error,
            unanswered: self.unanswered + others.unanswered,
        }
    }

    /// Those that are not among `some` of them.
    pub fn without(&self, some: &Answers) -> Answers {
        Answers {
            informational: self.informational.saturating_sub(some.informational),
            success: self.success.saturating_sub(some.success),
            redirect: self.redirect.saturating_sub(some.redirect),
            client_error: self.client_error.saturating_sub(some.client_error),
            server_error: self.server_error.saturating_sub(some.server_error),
            unanswered: self.unanswered.saturating_sub(some.unanswered),
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let answered =
            self.informational + self.success + self.redirect + self.client_error + self.server_error;
        answered + self.unanswered
    }
}

/// What a gateway counts of connections and of requests whatever their route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FrontCounts {
    /// Connections taken.
    pub connections: u64,
    /// Of these, the ones open now.
    pub connections_open: u64,
    /// Connections closed at once because the process held as many as it can.
    pub connections_refused: u64,
    /// TLS handshakes that came to their end.
    pub handshakes: u64,
    /// TLS handshakes that did not.
    pub handshakes_failed: u64,
    /// Requests by protocol: `http/1`, `http/2`, `grpc`, `websocket`.
    pub requests: BTreeMap<String, u64>,
    /// Messages refused before they were requests, by what was wrong with them.
    pub refusals: BTreeMap<String, u64>,
    /// Answers of the gateway's own, by their mark.
    pub pages: BTreeMap<String, u64>,
    /// Lines written to the access log.
    pub log_lines: u64,
    /// Lines lost because the log could not take them.
    pub log_lines_lost: u64,
}

/// Requests by outcome of the first attempt on the assigned arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// 1xx, 2xx and 3xx.
    pub good: u64,
    /// 4xx: the client's mistake.
    pub client_error: u64,
    /// 5xx from the instance.
    pub server_error: u64,
    /// The connection failed or broke before the answer was complete.
    pub reset: u64,
    /// No answer in time.
    pub timeout: u64,
    /// The client went away first; neither good nor bad.
    pub cancelled: u64,
}

impl Outcomes {
    /// Requests that count against the instance.
    pub fn bad(&self) -> u64 {
        self.server_error + self.reset + self.timeout
    }

    /// Requests that count at all.
    pub fn total(&self) -> u64 {
        self.good + self.client_error + self.bad()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_an_older_gateway_is_read() {
        let text = r#"{"incarnation":"1-a","unrouted":3,"rows":[{"upstream":"a/b/c","role":"stable","revision":"r1",
            "instance":"web-1","latency":[1,0],"outcomes":
            {"good":1,"client_error":0,"server_error":0,"reset":0,"timeout":0,"cancelled":0}}]}"#;
        let report: CountsReport = serde_json::from_str(text).unwrap();
        assert_eq!((report.unrouted, report.rows[0].outcomes.good), (3, 1));
        assert_eq!(report.rows[0].latencies, Histogram::default());
    }
}
