//! What users are told, made from what is stored: one file per question. Nothing here changes anything.

mod checks;
mod debt;
mod deploy;
mod doctor;
mod edge_needs;
mod experiment;
mod explain;
mod flag_key;
mod flags;
mod foresight;
mod guard;
mod jobs;
mod judgement;
mod logs;
mod migration;
mod named;
mod pipeline;
mod plan;
mod planned_checks;
mod planned_experiments;
mod planned_flags;
mod planned_jobs;
mod planned_settings;
mod planned_steps;
mod planned_trains;
mod planned_way;
mod previews;
mod rollout;
mod run;
mod scope;
mod settings;
mod status;
mod timeline;
mod traffic_now;

use std::collections::BTreeMap;

use tidegate_backend::Logs;
use tidegate_core::model::ServiceKey;
use tidegate_store::{Reader, StoreError};

use crate::plane::{Refusal, RefusalKind};
use crate::run::State;

pub use debt::flag_debt;
pub use deploy::deploy;
pub use doctor::{LEAST_FREE, doctor};
pub use edge_needs::edge_findings;
pub use experiment::{experiment, experiments};
pub use explain::explain;
pub use flag_key::{flag_key_view, flag_keys};
pub use flags::{flag, flag_history, flag_set, flags, reaches_nobody};
pub(crate) use jobs::spec_of;
pub use jobs::{job, job_history, job_of, job_run, jobs};
pub use judgement::{proof, traffic};
pub use logs::{logs, units_of};
pub use pipeline::{pipeline_logs, pipeline_run, pipeline_runs, run_of};
pub(crate) use plan::plan;
pub use previews::previews;
pub use rollout::rollout;
pub use run::run;
pub(crate) use scope::place_among;
pub use scope::{place_of, service_of};
pub use status::{service_status, status};
pub use timeline::events;
pub(crate) use timeline::rfc3339;

/// What answers are made from.
pub struct Answers<'a> {
    /// The store, one consistent view of it.
    pub store: &'a Reader,
    /// What the loop says of itself.
    pub state: &'a State,
    /// Why nothing more happens to each service.
    pub reports: &'a BTreeMap<ServiceKey, Vec<String>>,
    /// Why so many instances of each service are wanted.
    pub scalings: &'a BTreeMap<ServiceKey, Vec<String>>,
    /// Output of instances and jobs.
    pub logs: &'a dyn Logs,
}

/// A store that cannot be read or written, as a refusal.
pub fn store_trouble(error: StoreError) -> Refusal {
    match error {
        StoreError::DiskFull => Refusal::new(
            RefusalKind::Environment,
            "store::disk-full",
            "no space is left on the disk of the data directory",
        )
        .help("free some space and try again; what runs goes on meanwhile"),
        error if error.is_transient() => {
            Refusal::new(RefusalKind::Environment, "store::unavailable", error.to_string())
                .help("see `tidegate doctor`")
        }
        error => {
            Refusal::new(RefusalKind::Bug, "store::refused", error.to_string()).help("see `tidegate doctor`")
        }
    }
}
