//! What is kept of an instance that made a rollout fail, so that `explain` can quote it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exit, InstanceId, ProbeAnswer};

/// The evidence, taken before the instance is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The instance or job.
    pub instance: Option<InstanceId>,
    /// How it ended, where it did.
    pub exit: Option<Exit>,
    /// The last answer to a probe.
    pub last_probe: Option<ProbeAnswer>,
    /// The port it was given.
    pub port: Option<u16>,
    /// The TCP ports its processes listened on; `None` where that could not be seen.
    pub listening: Option<Vec<u16>>,
    /// Its last lines of output, oldest first; at most 50 lines of at most 1,000 characters.
    pub last_output: Vec<String>,
}
