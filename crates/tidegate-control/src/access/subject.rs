//! What a request is about, and where that really is: a run leads to its own environment, whatever a query claims.

use tidegate_config::Source;
use tidegate_core::access::Place;
use tidegate_core::model::{InstanceId, Job, Name, RevisionNo, RolloutId, RunNo};
use tidegate_store::Reader;

use crate::answer::{place_among, store_trouble};
use crate::intake::{read_manifest, resolve};
use crate::plane::{PlanRequest, Refusal, RefusalKind, Scope};
use crate::provenance::build_meant;

/// What a request is about, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A place that is named: nothing is filled in.
    Place(Place),
    /// An environment, as commands name it: what is left out is filled in where there is one choice.
    Scope(Scope),
    /// An environment that is to be taken down.
    Removal(Scope),
    /// The environment a build is carried into, of the app of a scope.
    Promotion(Scope, Name),
    /// An environment that a manifest names.
    Plan(Box<PlanRequest>),
    /// A run of a pipeline.
    Run(RunNo),
    /// A deploy.
    Deploy(u64),
    /// A rollout.
    Rollout(RolloutId),
    /// A one-off command, an instance, or a job: what has output of its own.
    Unit(InstanceId),
    /// A build: a revision in a scope, the number of a run, or the beginning of its own name.
    Build(String, Scope),
}

/// Where a subject was found.
pub(super) enum Found {
    /// Here, and the caller knows: they named it, or it is among what they may read.
    Named(Place),
    /// Here, which only a number leads to.
    Numbered(Place),
    /// Nowhere. What they named leads to this place at the narrowest; the refusal is for whoever may read that.
    Nowhere(Place, Refusal),
}

/// Where a subject is. `readable`: of all environments those that the caller may read.
pub(super) fn find(
    store: &Reader,
    subject: &Subject,
    readable: impl FnOnce(Vec<(Name, Name)>) -> Result<Vec<(Name, Name)>, Refusal>,
) -> Result<Found, Refusal> {
    match subject {
        Subject::Place(place) => Ok(Found::Named(place.clone())),
        Subject::Scope(scope) | Subject::Removal(scope) => in_scope(store, scope, readable),
        Subject::Promotion(scope, to) => promotion(store, (scope, to), readable),
        Subject::Plan(request) => planned(request).map(Found::Named),
        Subject::Run(number) => {
            let run = store.pipeline_run(*number).map_err(store_trouble)?;
            Ok(numbered(run.map(|run| Place::Environment(run.app, run.environment))))
        }
        Subject::Deploy(id) => {
            let deploy = store.deploy(*id).map_err(store_trouble)?;
            Ok(numbered(deploy.map(|deploy| Place::Environment(deploy.app, deploy.environment))))
        }
        Subject::Rollout(id) => {
            let rollout = store.rollout(*id).map_err(store_trouble)?;
            Ok(numbered(rollout.map(|rollout| Place::Environment(rollout.key.app, rollout.key.environment))))
        }
        Subject::Unit(id) => unit(store, id).map(numbered),
        Subject::Build(what, scope) => built(store, (what, scope), readable),
    }
}

/// What is not there is of the whole installation: who may do it everywhere is told so by the call itself.
fn numbered(place: Option<Place>) -> Found {
    Found::Numbered(place.unwrap_or(Place::Everywhere))
}

fn in_scope(
    store: &Reader,
    scope: &Scope,
    readable: impl FnOnce(Vec<(Name, Name)>) -> Result<Vec<(Name, Name)>, Refusal>,
) -> Result<Found, Refusal> {
    if let (Some(app), Some(environment)) = (&scope.app, &scope.environment) {
        return Ok(Found::Named(Place::Environment(app.clone(), environment.clone())));
    }
    let places = readable(store.apps().map_err(store_trouble)?)?;
    match place_among(store, places, scope) {
        Ok((app, environment)) => Ok(Found::Named(Place::Environment(app, environment))),
        Err(refusal) if refusal.kind == RefusalKind::NotFound => {
            let widest = scope.app.clone().map_or(Place::Everywhere, Place::App);
            Ok(Found::Nowhere(widest, refusal))
        }
        Err(refusal) => Err(refusal),
    }
}

fn promotion(
    store: &Reader,
    (scope, to): (&Scope, &Name),
    readable: impl FnOnce(Vec<(Name, Name)>) -> Result<Vec<(Name, Name)>, Refusal>,
) -> Result<Found, Refusal> {
    if let Some(app) = &scope.app {
        return Ok(Found::Named(Place::Environment(app.clone(), to.clone())));
    }
    let places = readable(store.apps().map_err(store_trouble)?)?;
    let mut apps: Vec<Name> = places.into_iter().map(|(app, _)| app).collect();
    apps.dedup();
    match apps.as_slice() {
        [only] => Ok(Found::Named(Place::Environment(only.clone(), to.clone()))),
        [] => {
            let refusal =
                Refusal::new(RefusalKind::NotFound, "scope::nothing", "nothing has been deployed yet")
                    .help("deploy something: `tidegate deploy`");
            Ok(Found::Nowhere(Place::Everywhere, refusal))
        }
        [..] => Err(Refusal::new(RefusalKind::Invalid, "scope::ambiguous", "say which app: `--app NAME`")),
    }
}

/// By the functions that the plan itself is made by.
fn planned(request: &PlanRequest) -> Result<Place, Refusal> {
    let source = Source::new(request.manifest_file.clone(), request.manifest_text.clone());
    let manifest = read_manifest(&source, &request.deploy)?;
    let resolved = resolve(&manifest, &request.deploy)?;
    Ok(Place::Environment(resolved.app, resolved.environment))
}

/// By the function that finds the build itself. What is no revision in a place is the app's.
fn built(
    store: &Reader,
    (what, scope): (&str, &Scope),
    readable: impl FnOnce(Vec<(Name, Name)>) -> Result<Vec<(Name, Name)>, Refusal>,
) -> Result<Found, Refusal> {
    if what.parse::<RevisionNo>().is_ok() {
        return in_scope(store, scope, readable);
    }
    match build_meant(store, what, scope) {
        Ok(build) => Ok(numbered(Some(Place::App(build.app)))),
        Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(numbered(None)),
        Err(refusal) => Err(refusal),
    }
}

fn unit(store: &Reader, id: &InstanceId) -> Result<Option<Place>, Refusal> {
    if let Some((key, _)) = store.instance(id).map_err(store_trouble)? {
        return Ok(Some(Place::Environment(key.app, key.environment)));
    }
    match store.job(id).map_err(store_trouble)? {
        Some(job) => job_place(store, job),
        None => Ok(None),
    }
}

fn job_place(store: &Reader, job: Job) -> Result<Option<Place>, Refusal> {
    if let Some((key, _)) = job.of {
        return Ok(Some(Place::Environment(key.app, key.environment)));
    }
    let build = store.build(&job.build).map_err(store_trouble)?;
    let Some(app) = build.map(|build| build.app) else { return Ok(None) };
    // A build is the app's: of which environments it will be nobody knows.
    Ok(Some(match job.step {
        Some(step) => Place::Environment(app, step.environment),
        None => Place::App(app),
    }))
}
