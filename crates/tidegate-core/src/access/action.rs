//! What somebody wants to do, as policies name it: each endpoint of the API needs exactly one of these.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An action of a policy. Its name is what policies write: `Action::"deploy"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See state, plans, events, runs and flags; never a secret.
    Read,
    /// See what apps and steps wrote: it may hold what nobody meant to write.
    ReadLogs,
    /// Push commits, begin, cancel and retry runs of pipelines.
    Push,
    /// Bring a version into an environment: deploy, roll out, promote, retry, roll back.
    Deploy,
    /// Agree to a run that asks for consent.
    Approve,
    /// Change what flags serve.
    Release,
    /// Set numbers of instances, run jobs now, stop previews, end what is stuck.
    Operate,
    /// Start a command in an environment.
    Run,
    /// Change configuration and parameters.
    Configure,
    /// Set, rotate and remove secrets. Nobody reads them.
    Secrets,
    /// Send events and counts of users, as apps do.
    Report,
    /// Pass over the rules of a protected environment, with a reason.
    BreakGlass,
    /// Users, tokens, roles, policies, keys.
    ManageAccess,
    /// Read, export and verify the audit log.
    Audit,
    /// The installation itself: down, upgrade, backup, restore, connected repositories, removing environments.
    Administer,
}

impl Action {
    /// All of them.
    pub const ALL: [Action; 15] = [
        Action::Read,
        Action::ReadLogs,
        Action::Push,
        Action::Deploy,
        Action::Approve,
        Action::Release,
        Action::Operate,
        Action::Run,
        Action::Configure,
        Action::Secrets,
        Action::Report,
        Action::BreakGlass,
        Action::ManageAccess,
        Action::Audit,
        Action::Administer,
    ];

    /// Its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::ReadLogs => "read-logs",
            Action::Push => "push",
            Action::Deploy => "deploy",
            Action::Approve => "approve",
            Action::Release => "release",
            Action::Operate => "operate",
            Action::Run => "run",
            Action::Configure => "configure",
            Action::Secrets => "secrets",
            Action::Report => "report",
            Action::BreakGlass => "break-glass",
            Action::ManageAccess => "manage-access",
            Action::Audit => "audit",
            Action::Administer => "administer",
        }
    }
}

impl Action {
    /// The one of a name; `None`: it is no action's.
    pub fn named(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
