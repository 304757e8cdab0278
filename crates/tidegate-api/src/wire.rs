//! What server and client agree on beyond the types of `tidegate_core::view`: queries, small bodies, the upload format.

mod access;
mod audit;
mod git;
mod identity;
mod pipeline;
mod provenance;
mod setting;
mod source;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_control::{BreakGlass, EventQuery, LogQuery, Refusal, Scope};
use tidegate_core::model::{FlagAccessKind, InstanceId, Name, RevisionNo, RolloutId};

pub use access::{AccessParams, PoliciesBody, PolicyParams, RoleBody};
pub use audit::{AuditLinkParams, AuditParams};
pub use git::{GitUrlParams, GitUrls, PushBody, PushLine, RefUpdate, RefVerdict};
pub use identity::{
    DeviceBody, DevicePoll, LinkBody, LoginBody, OpenIdParams, TokenAsked, TokenParams, UserBody,
};
pub use pipeline::{ApproveBody, ByParams, PromoteBody, RUN_TYPE, RunListParams, RunLogParams};
pub use provenance::{AdmitBody, BuildParams, DependenciesBody};
pub use setting::{ConfigDiffParams, HistoryParams, UnderParams};
pub use source::SourceParams;

/// The media type of a deploy's body: four bytes with the length of the JSON that follows (unsigned, big-endian), a
/// `DeployRequest` as JSON, then the snapshot as a tar until the body ends.
pub const DEPLOY_TYPE: &str = "application/vnd.tidegate.deploy";
/// The media type of a stream of JSON values, one a line.
pub const LINES_TYPE: &str = "application/x-ndjson";
/// The media type of a [`Problem`].
pub const PROBLEM_TYPE: &str = "application/problem+json";
/// The longest JSON part of a deploy's body.
pub const MOST_METADATA: usize = 1 << 20;
/// The code of a refusal for want of disk: its HTTP status is 507.
pub const DISK_FULL: &str = "deploy::disk-full";

/// What `/v1/health` answers: that this is Tidegate, and which. The one answer that commands of other versions read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// Always `tidegate`.
    pub service: String,
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it began to serve, in milliseconds since 1970: tells one start from another where the process stays the same.
    #[serde(default)]
    pub started_ms: u64,
}

/// Every answer that is not a success: a refusal as problem details (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:tidegate:error:` and the code.
    #[serde(rename = "type")]
    pub type_: String,
    /// The refusal's message.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The refusal itself: `kind`, `code`, `message`, `help`, `diagnostics`.
    #[serde(flatten)]
    pub refusal: Refusal,
}

/// Which app and environment, in a query string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
}

/// The query string of what is asked by somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// Who asks, as they call themselves: for the timeline.
    pub by: String,
}

/// The query string of what is asked of a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SteerParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// Who asks, as they call themselves: for the timeline.
    pub by: String,
    /// Why a protected environment is changed by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}

/// The body of the removal of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoveBody {
    /// Who asks, as they call themselves.
    pub by: String,
    /// Who takes a protected one down by hand, and why.
    pub break_glass: Option<BreakGlass>,
}

/// The query string of `/v1/flag-debt`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DebtParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// After how many days the same for everybody counts as left over; left out: 30.
    pub days: Option<u64>,
}

/// The query string of `/v1/explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExplainParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// The rollout; left out: the newest that did not succeed, or the last deploy.
    pub rollout: Option<RolloutId>,
}

/// The query string of `/v1/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// Only of this service.
    pub service: Option<Name>,
    /// Only later ones than this number.
    pub after: u64,
    /// At most this many before following; 0: 1,000.
    pub most: usize,
    /// Whether the answer goes on with events as they happen.
    pub follow: bool,
}

/// The query string of `/v1/logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogParams {
    /// The app; left out where there is just one.
    pub app: Option<Name>,
    /// The environment; left out where there is just one.
    pub environment: Option<Name>,
    /// Of this service.
    pub service: Option<Name>,
    /// Of this instance or job instead.
    pub unit: Option<InstanceId>,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
    /// At most this many lines a page; 0: 200.
    pub most: usize,
    /// Whether the answer goes on with pages as lines are written.
    pub follow: bool,
}

/// The body of a rollback.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RollbackBody {
    /// The revision to go back to; left out: the stable one before.
    pub to: Option<RevisionNo>,
    /// Whoever changes a protected environment by hand, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
}

/// The body of a scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleBody {
    /// How many instances; `null`: as the manifest and the load have it.
    pub instances: Option<u32>,
    /// Whoever changes a protected environment by hand, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
}

/// The body of the end of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StopExperimentBody {
    /// Who asks, as they call themselves: for the timeline.
    pub by: String,
    /// Why, in their words.
    pub why: Option<String>,
}

/// The body of a one-off command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBody {
    /// The revision; left out: the stable one.
    #[serde(default)]
    pub revision: Option<RevisionNo>,
    /// The command, run by `/bin/sh -c`.
    pub command: String,
    /// Who does so by hand in a protected environment, and why.
    #[serde(default)]
    pub break_glass: Option<BreakGlass>,
}

/// The body of a new key to flags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagKeyBody {
    /// What the key is for.
    pub name: String,
    /// What it may see.
    pub kind: FlagAccessKind,
}

/// What can be asked of a rollout in progress: the last part of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RolloutAction {
    /// Stop before the next step.
    Pause,
    /// Go on.
    Resume,
    /// Go on and leave out the rest of the bake time.
    Promote,
    /// Go back to stable.
    Abort,
    /// Begin the last rollout that was taken back once more.
    Retry,
}

impl RolloutAction {
    /// The word in the path.
    pub fn as_str(self) -> &'static str {
        match self {
            RolloutAction::Pause => "pause",
            RolloutAction::Resume => "resume",
            RolloutAction::Promote => "promote",
            RolloutAction::Abort => "abort",
            RolloutAction::Retry => "retry",
        }
    }
}

impl ActParams {
    /// Where it is asked.
    pub fn scope(&self) -> Scope {
        Scope { app: self.app.clone(), environment: self.environment.clone() }
    }
}

impl From<Scope> for ScopeParams {
    fn from(scope: Scope) -> Self {
        ScopeParams { app: scope.app, environment: scope.environment }
    }
}

impl From<ScopeParams> for Scope {
    fn from(params: ScopeParams) -> Self {
        Scope { app: params.app, environment: params.environment }
    }
}

impl EventParams {
    /// As the control plane takes it.
    pub fn into_query(self) -> EventQuery {
        let scope = Scope { app: self.app, environment: self.environment };
        EventQuery { after: self.after, scope, service: self.service, most: self.most }
    }

    /// As it goes into a query string.
    pub fn of(query: EventQuery, follow: bool) -> Self {
        let EventQuery { after, scope, service, most } = query;
        EventParams { app: scope.app, environment: scope.environment, service, after, most, follow }
    }
}

impl LogParams {
    /// As the control plane takes it.
    pub fn into_query(self) -> LogQuery {
        let scope = Scope { app: self.app, environment: self.environment };
        LogQuery { scope, service: self.service, unit: self.unit, cursor: self.cursor, most: self.most }
    }

    /// As it goes into a query string.
    pub fn of(query: LogQuery, follow: bool) -> Self {
        let LogQuery { scope, service, unit, cursor, most } = query;
        LogParams { app: scope.app, environment: scope.environment, service, unit, cursor, most, follow }
    }
}
