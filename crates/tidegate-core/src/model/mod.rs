//! The nouns of the glossary, one file each. Values only: no behaviour that needs the world.

mod address;
mod app_user;
mod autoscale;
mod build_flags;
mod check;
mod command;
mod compare;
mod deploy;
mod environment_policy;
mod environment_state;
mod evidence;
mod exposure_report;
mod figure;
mod flag;
mod flag_bundle;
mod flag_counts;
mod git_source;
mod histogram;
mod instance;
mod job;
mod judge_options;
mod migration;
mod mirror_report;
mod name;
mod notify;
mod observation;
mod outcome_rule;
mod pipeline;
mod pipeline_run;
mod probe;
mod revision;
mod rollout;
mod route_change;
mod route_policy;
mod routing;
mod service;
mod setting;
mod smoke;
mod step;
mod strategy;
mod traffic;
mod traffic_policy;
mod train;
mod verdict;

pub use address::Address;
pub use app_user::{AppUser, UserRange, UserRangeError};
pub use autoscale::{Autoscale, QueueSource, QueueTarget, ScheduledBounds, is_timezone};
pub use build_flags::BuildFlags;
pub use check::{CheckSource, CheckSpec, Unreachable};
pub use command::{command_of, words_of};
pub use compare::{Compare, Copies};
pub use deploy::{Build, BuildPhase, BuildSource, Deploy, DeployPhase, Job, JobKind, JobPhase, StepJob};
pub use environment_policy::{EnvironmentPolicy, Freeze, FreezeTime, PreviewPolicy, Window};
pub use environment_state::{EnvironmentState, Leaving, Preview, Rules};
pub use evidence::Evidence;
pub use exposure_report::{EXPOSURES, ExposedUser, ExposedUsers, ExposureReport, MOST_EXPOSED, ReportName};
pub use figure::Figure;
pub use flag::{
    FlagKey, FlagKeyError, FlagState, FlagWatch, Guard, GuardStep, Release, ReleaseCause, Scheduled, Serving,
    Share, UserKey, Waiting,
};
pub use flag_bundle::{
    BundleExperiment, BundleExperiments, BundleKey, FlagAccess, FlagAccessKind, FlagBundle, FlagDefinitions,
};
pub use flag_counts::{FLAG_CELLS, FlagCounts};
pub use git_source::{GitSource, Hint, HookSeen, SourceAccess, SourceState};
pub use histogram::{Bucket, Histogram};
pub use instance::{Instance, InstanceId, Intent, Seen};
pub use job::{JobRun, JobSpec, JobState, Overlap, RunCause, RunPhase};
pub use judge_options::{JudgeOptions, Millionths};
pub use migration::{Contract, ContractPhase, ContractSpec, Door, Expanded, MigrateSpec, MigrationState};
pub use mirror_report::{Compared, MirrorAnswer, MirrorCounts, MirrorDifference, MirrorReport};
pub use name::{Name, NameError, ServiceKey};
pub use notify::{Notify, NotifyTo, Occasion, Place};
pub use observation::{Exit, GatewayObservation, Health, ProbeAnswer, UnitObservation, UnitState};
pub use outcome_rule::{CELLS, OutcomeCounts, OutcomeRule};
pub use pipeline::{BesideSpec, PipelineSpec, RunFilter, StageSpec, StageWork, StepSpec};
pub use pipeline_run::{
    Approval, PipelineRun, PushedRef, RunEnding, RunInput, RunNo, RunOrigin, RunPreview, RunSource, RunState,
    StageRun, StageState, StepPhase, StepRun, TestCounts,
};
pub use probe::{Check, Probe, Probes};
pub use revision::{BuildId, Revision, RevisionNo, RevisionSpec, RouteSpec};
pub use rollout::{Cause, Held, Phase, Position, Request, Rollout, RolloutId, RolloutKind};
pub use route_change::RouteChange;
pub use route_policy::{
    BasicAuth, ClientKey, Compress, Compression, Cors, HeaderEdit, HttpsPolicy, Maintenance, RateLimit,
    Redirect, Rewrite, RoutePolicy, SizeLimits,
};
pub use routing::{Arm, ArmRole, Endpoint, Hold, Route, RouteTable, Routing, RoutingArm, Site, Upstream};
pub use service::{Limits, PortSpec, Scale, ServiceSpec, ServiceState, SiteSpec, StopSpec};
pub use setting::{ParameterLabel, ParameterVersion, SecretVersion};
pub use smoke::{Smoke, SmokeEnd};
pub(crate) use step::share_of;
pub use step::{Audience, Candidates, Inconclusive, Step};
pub use strategy::{Effective, Strategy, StrategyKind};
pub use traffic::{
    Answers, ArmAnswers, ArmCounts, ArmLevels, BadRequest, BodyBytes, CountsReport, FrontCounts,
    InstanceLevel, Outcomes, RouteCounts,
};
pub use traffic_policy::{
    ArmRule, Assignment, Balance, Breaker, Concurrency, Match, Mirror, MirrorTo, Outliers, Protocol, Retries,
    Sticky, Timeouts, TrafficPolicy,
};
pub use train::{Carriage, Lane, Leg};
pub use verdict::{BAD_INSTANCE, Judged, Verdict};
