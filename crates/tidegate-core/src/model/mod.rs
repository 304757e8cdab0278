//! The nouns of the glossary, one file each. Values only: no behaviour that needs the world.

mod deploy;
mod evidence;
mod instance;
mod name;
mod observation;
mod probe;
mod revision;
mod rollout;
mod routing;
mod service;
mod strategy;
mod traffic;

pub use deploy::{Build, BuildPhase, BuildSource, Deploy, DeployPhase, Job, JobKind, JobPhase};
pub use evidence::Evidence;
pub use instance::{Instance, InstanceId, Intent, Seen};
pub use name::{Name, NameError, ServiceKey};
pub use observation::{Exit, GatewayObservation, Health, ProbeAnswer, UnitObservation, UnitState};
pub use probe::{Check, Probe, Probes};
pub use revision::{BuildId, MigrateSpec, Revision, RevisionNo, RevisionSpec, RouteSpec};
pub use rollout::{Cause, Phase, Request, Rollout, RolloutId, RolloutKind};
pub use routing::{Arm, ArmRole, Endpoint, Route, RouteTable, Routing, RoutingArm, Upstream};
pub use service::{Limits, PortSpec, Scale, ServiceSpec, ServiceState, StopSpec};
pub use strategy::{Effective, Strategy, StrategyKind};
pub use traffic::{ArmCounts, CountsReport, LATENCY_BOUNDS_MS, Outcomes};
