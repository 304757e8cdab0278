//! Where an environment stands with its migrations, in `tidegate status --json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::RevisionNo;

/// Expand, deploy, contract: what has run and what is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationView {
    /// The revision whose expand step ran last.
    pub expanded: Option<RevisionNo>,
    /// The revision whose contract step this is about.
    pub contract_of: Option<RevisionNo>,
    /// `none`, `waiting`, `running`, `done`, `failed`.
    pub contract: String,
    /// Seconds until the rollback window is closed, while the contract step waits.
    pub contract_in_seconds: Option<u64>,
    /// The job whose output tells more: the contract step that runs or failed.
    pub job: Option<String>,
    /// No rollback goes to a revision before this one.
    pub no_rollback_before: Option<RevisionNo>,
    /// The same in a sentence.
    pub summary: String,
}
