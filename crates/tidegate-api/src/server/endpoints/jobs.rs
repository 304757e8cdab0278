//! Jobs on a schedule, and their runs.

use axum::extract::State;
use tidegate_core::access::Action;
use tidegate_core::model::Name;
use tidegate_core::view::{JobHistory, JobList, JobRunView, JobView};

use super::service_ref;
use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::{Answer, ask_json};
use crate::server::endpoint::Endpoint;
use crate::server::extract::{Params, PathOf};
use crate::wire::ScopeParams;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/jobs", "jobs", "The jobs of an environment", list)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<JobList>(),
        Endpoint::get("/v1/jobs/{job}", "job", "A job, its last run and when it is due next", view)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<JobView>(),
        Endpoint::get("/v1/jobs/{job}/runs", "job_history", "The runs of a job, the newest first", history)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<JobHistory>(),
        Endpoint::post("/v1/jobs/{job}/runs", "job_start", "Run a job now", start)
            .needs(Action::Operate, At::Scope)
            .query::<ScopeParams>()
            .gives::<JobRunView>(),
    ]
}

async fn list(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<JobList> {
    ask_json(&shared, move |plane| plane.jobs(&scope.into())).await
}

async fn view(
    State(shared): State<Shared>,
    PathOf(job): PathOf<Name>,
    Params(scope): Params<ScopeParams>,
) -> Answer<JobView> {
    ask_json(&shared, move |plane| plane.job(&service_ref(job, scope))).await
}

async fn history(
    State(shared): State<Shared>,
    PathOf(job): PathOf<Name>,
    Params(scope): Params<ScopeParams>,
) -> Answer<JobHistory> {
    ask_json(&shared, move |plane| plane.job_history(&service_ref(job, scope))).await
}

async fn start(
    State(shared): State<Shared>,
    PathOf(job): PathOf<Name>,
    Params(scope): Params<ScopeParams>,
) -> Answer<JobRunView> {
    ask_json(&shared, move |plane| plane.job_start(&service_ref(job, scope))).await
}
