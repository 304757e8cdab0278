//! What server and client agree on about runs of pipelines: queries, small bodies, the upload that begins one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_control::BreakGlass;
use tidegate_core::model::Name;

/// The media type of the body that begins a run: as that of a deploy (see [`super::DEPLOY_TYPE`]), with a `BeginRun` as its JSON
/// and the commit's tree as its tar.
pub const RUN_TYPE: &str = "application/vnd.tidegate.run";

/// The query string of `GET /v1/pipeline/runs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunListParams {
    /// Only of this app; left out: of all.
    pub app: Option<Name>,
    /// Only of this environment; left out: of all.
    pub environment: Option<Name>,
    /// At most this many; 0: 20.
    pub most: usize,
}

/// The query string of `/v1/pipeline/runs/{run}/logs`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunLogParams {
    /// Only of this stage.
    pub stage: Option<String>,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
    /// At most this many lines a page; 0: 200.
    pub most: usize,
    /// Whether the answer goes on with pages until the run is over.
    pub follow: bool,
}

/// The query string of what somebody asks of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ByParams {
    /// Who asks, as they call themselves.
    pub by: String,
}

/// The body of an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApproveBody {
    /// Who agrees, as they call themselves.
    pub by: String,
    /// What they say.
    pub why: Option<String>,
    /// Who has it go on whatever its rules ask for, and why.
    pub break_glass: Option<BreakGlass>,
}

/// The body of `POST /v1/promotions`. Its query string says the app and the environment the build comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteBody {
    /// The environment the build goes to.
    pub to: Name,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
}
