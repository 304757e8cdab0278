//! What users are shown: the JSON of the API, of every `--json`, and later of the dashboard. One set of types, so that
//! all of them show the same. Field names are a contract.

mod access;
mod audit;
mod check;
mod deploy;
mod doctor;
mod experiment;
mod flag;
mod flag_key;
mod git_source;
mod guard;
mod identity;
mod job;
mod judgement;
mod migration;
mod pipeline;
mod plan;
mod preview;
mod provenance;
mod rollout;
mod setting;
mod status;
mod timeline;
mod train;

pub use access::{AccessExplanation, AccessList, BindingChanged, BindingView, PolicySetView};
pub use audit::{AuditPage, AuditRow, AuditStanding, AuditVerdict};
pub use check::CheckView;
pub use deploy::{DeployView, DeployedService, RunView};
pub use doctor::{DoctorFinding, DoctorReport, Severity};
pub use experiment::{ArmFigures, ExperimentList, ExperimentView, MetricFigures};
pub use flag::{
    FlagAtRunTime, FlagDebtView, FlagHistory, FlagInCode, FlagInGit, FlagList, FlagSetView, FlagView,
    ReleaseView, ReleasedView, WaitingView,
};
pub use flag_key::{FlagKeyList, FlagKeyMade, FlagKeyView};
pub use git_source::{GitConnected, GitSourceList, GitSourceView, HookAnswer, HookView};
pub use guard::{BlameCellView, BlameView, GuardView, GuardedVariantView};
pub use identity::{
    DeviceLogin, DeviceState, InviteMade, LoginView, LoginWays, OpenIdView, RoleView, TokenList, TokenMade,
    TokenView, ToldOnce, UserList, UserView, WhoView,
};
pub use job::{JobHistory, JobList, JobRunView, JobView};
pub use judgement::{ArmView, ComparisonView, EvidenceView, JudgementView, OutcomeView, SampleView};
pub use migration::MigrationView;
pub use pipeline::{PipelineList, PipelineRunView, StageView, StepView};
pub use plan::{
    PlanReport, PlannedCode, PlannedExperiment, PlannedFlag, PlannedJob, PlannedRoute, PlannedService,
    PlannedStage, PlannedTraffic, PlannedWay,
};
pub use preview::{LeavingView, PreviewList, PreviewView};
pub use provenance::{
    AdmittedView, AttestationView, DependencyReport, KeyList, KeyView, SbomView, VerifyView,
};
pub use rollout::{Explanation, RolloutView};
pub use setting::{
    ConfigDiff, ConfigHistory, ConfigVariable, ConfigView, KeyRotated, ParameterList, ParameterView,
    SecretList, SecretView, SettingChanged, SettingRollout,
};
pub use status::{
    GatewayStatus, InstanceStatus, MirrorStatus, OpenCircuit, RevisionStatus, ServiceStatus, Status,
};
pub use timeline::{LogLine, TimelineEvent};
pub use train::{PlannedTrain, TrainMember, TrainView};
