//! What the shell sees of the world: instances and jobs at the backend, the gateway's acknowledgements.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CountsReport, InstanceId, MirrorReport};

/// One instance or job as the backend sees it now. A level, not an event: seeing it twice, late, or missing one in
/// between does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitObservation {
    /// Which.
    pub id: InstanceId,
    /// Which start of it.
    pub generation: u64,
    /// What it does.
    pub state: UnitState,
    /// Its main process, once there is one.
    pub pid: Option<u32>,
    /// The port it was given.
    pub port: Option<u16>,
    /// The last answer to a probe.
    pub last_probe: Option<ProbeAnswer>,
    /// Whether it writes output without end, far more than a log.
    #[serde(default)]
    pub flooding: bool,
}

/// What an instance or job does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// Its process runs; see the health. A job is never ready.
    Running(Health),
    /// It ended; the backend keeps its output until it is removed.
    Exited(Exit),
}

/// What the probes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether it takes requests.
    pub ready: bool,
    /// False once the liveness probe has failed.
    pub live: bool,
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// Its exit code, where it exited.
    pub code: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Whether it was ended for using more memory than its limit.
    pub out_of_memory: bool,
    /// Why it could not be started or its end is not known; `None` in the ordinary case.
    pub trouble: Option<String>,
    /// How long it ran, in milliseconds.
    pub ran_ms: u64,
}

impl Exit {
    /// An exit that could not be observed or a start that failed, with the reason.
    pub fn trouble(reason: impl Into<String>) -> Self {
        Exit { trouble: Some(reason.into()), ..Exit::default() }
    }

    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        self.code == Some(0) && self.trouble.is_none()
    }

    /// Its end was not seen, because what held it went away.
    pub const INTERRUPTED: &str = "it was interrupted, how far it got is not known";
    /// What held it was ended.
    pub const SHIM_KILLED: &str = "its shim was killed, so how it ended is not known";

    /// Whether it went away with what held it, by no fault of its own.
    pub fn was_lost(&self) -> bool {
        let reason = self.trouble.as_deref();
        !self.was_seen() && (reason == Some(Self::INTERRUPTED) || reason == Some(Self::SHIM_KILLED))
    }

    /// Whether somebody saw the process end. Where nobody did, how far it got is not known.
    pub fn was_seen(&self) -> bool {
        self.code.is_some() || self.signal.is_some()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(trouble) = &self.trouble {
            return f.write_str(trouble);
        }
        if self.out_of_memory {
            return f.write_str("ended by the kernel: over its memory limit");
        }
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "ended by signal {signal}{}", signal_name(signal)),
            (None, None) => f.write_str("ended, nobody saw how"),
        }
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}

/// The answer to one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeAnswer {
    /// Which probe: `startup`, `ready` or `live`.
    pub probe: String,
    /// Whether it was good.
    pub good: bool,
    /// What came back, in words: `HTTP 503`, `connection refused on port 41234`, `no answer in 2s`, `exit code 1`.
    pub answer: String,
}

/// What the gateway last said of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayObservation {
    /// Whether it is connected.
    pub alive: bool,
    /// Its process.
    pub pid: Option<u32>,
    /// Where it listens.
    pub listen: Option<String>,
    /// Where it listens for TLS.
    pub https: Option<String>,
    /// Where what else serves in its process listens, by name.
    #[serde(default)]
    pub guests: BTreeMap<String, String>,
    /// The newest routing table that every worker of it uses.
    pub acked: u64,
    /// Requests in flight per endpoint, seen at `acked` or later. An endpoint that is missing has none.
    pub inflight: BTreeMap<InstanceId, u32>,
    /// The newest counts, cumulative since that gateway process began.
    pub counts: Option<CountsReport>,
    /// The newest routing table that every worker of it used when it counted.
    #[serde(default)]
    pub counted_at: u64,
    /// What came of copies of requests, by upstream; those without any left out.
    #[serde(default)]
    pub mirrors: Vec<MirrorReport>,
    /// The newest counts of the gateway processes before it, which drain or are gone. Each counts from its own beginning.
    #[serde(default)]
    pub earlier_counts: Vec<CountsReport>,
    /// Requests that are held because nothing of their upstream runs; those without any left out.
    #[serde(default)]
    pub waiting: BTreeMap<String, u32>,
}
