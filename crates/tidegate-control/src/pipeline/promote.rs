//! `tidegate promote`, and what comes into the next environment by itself: the build of a run that succeeded, never another one.

use tidegate_config::{Manifest, Source};
use tidegate_core::model::{
    EnvironmentPolicy, Name, PipelineRun, RunInput, RunNo, RunOrigin, RunSource, RunState,
};
use tidegate_core::pipeline::{NewRun, carried_on, promotes_from};
use tidegate_store::{Counter, Reader};

use super::begin::put_new;
use super::way::not_from_git;
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::intake::{self, Accepted};
use crate::plane::{DeployRequest, Refusal, RefusalKind, Scope};
use crate::protection;

/// The way from a run into another environment.
pub(crate) struct Promotion {
    input: RunInput,
    /// The rules it goes by.
    rules: EnvironmentPolicy,
    /// What its own commit says of the way.
    own: EnvironmentPolicy,
}

/// Carries the build of the newest run that succeeded in an environment into another one; the number of its run.
pub fn promote(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    (to, by): (&Name, &str),
) -> Result<RunNo, Refusal> {
    let earlier = newest(world, scope, to)?;
    let promotion = way(world.store, &earlier, to)?;
    begin_promotion(world, time, &earlier, promotion, (to, by))
}

/// Begins a run of what a promotion brings.
pub(crate) fn begin_promotion(
    world: &mut World<'_>,
    time: Time,
    earlier: &PipelineRun,
    promotion: Promotion,
    (to, by): (&Name, &str),
) -> Result<RunNo, Refusal> {
    let open = world.store.open_pipeline_runs().map_err(store_trouble)?;
    let number = RunNo(world.store.peek_id(Counter::Run).map_err(store_trouble)?);
    let source = RunSource { by: by.to_owned(), origin: RunOrigin::Promotion, ..earlier.source.clone() };
    let new =
        NewRun { number, environment: to.clone(), source, push: None, now: time.now, unix_ms: time.unix_ms };
    let Promotion { input, rules, own } = promotion;
    let run = carried_on(earlier, new, input, earlier.spec.clone(), own).under(rules);
    put_new(world, time, run, &open)?;
    Ok(number)
}

/// The environments a build comes into by itself once a run succeeded: those whose rules say so.
pub(crate) fn promotions_after(store: &Reader, run: &PipelineRun) -> Vec<(Name, Promotion)> {
    let Ok(manifest) = manifest_of(run) else { return Vec::new() };
    let others = manifest.environments().into_iter().filter(|name| *name != run.environment);
    let ways = others.filter_map(|to| way(store, run, &to).ok().map(|promotion| (to, promotion)));
    ways.filter(|(_, promotion)| promotion.rules.automatic).collect()
}

/// The newest run that succeeded in the environment that is meant: the one that comes before `to`, where none is named.
fn newest(world: &World<'_>, scope: &Scope, to: &Name) -> Result<PipelineRun, Refusal> {
    let app = app_of(world, scope)?;
    let runs = world.store.pipeline_runs_of(&app, None, MOST_SEARCHED).map_err(store_trouble)?;
    let from = match &scope.environment {
        Some(from) => from.clone(),
        None => before(world.store, (&app, to), &runs)?,
    };
    let succeeded = |run: &PipelineRun| run.environment == from && run.state == RunState::Succeeded;
    runs.into_iter().find(succeeded).ok_or_else(|| {
        let message = format!("no run of {app} has succeeded in {from} yet");
        Refusal::new(RefusalKind::Conflict, "promote::nothing", message)
            .help("`tidegate pipeline list` shows what there is")
    })
}

/// Of an app's runs so many are looked at, the newest first.
const MOST_SEARCHED: usize = 500;

/// As the rules in force have it; where there are none, as the newest commit has it.
fn before(store: &Reader, (app, to): (&Name, &Name), runs: &[PipelineRun]) -> Result<Name, Refusal> {
    let rules = protection::in_force(store, app, to).map_err(store_trouble)?;
    let from = match rules {
        Some(rules) => rules.promote_from,
        None => {
            runs.first().map(manifest_of).transpose()?.and_then(|manifest| manifest.policy(to).promote_from)
        }
    };
    from.ok_or_else(|| {
        let message = format!("nothing says which environment comes before {to}");
        Refusal::new(RefusalKind::Invalid, "promote::from", message)
            .help(format!("say it: `tidegate promote -e FROM {to}`, or `promote_from: FROM` in the manifest"))
    })
}

fn app_of(world: &World<'_>, scope: &Scope) -> Result<Name, Refusal> {
    if let Some(app) = &scope.app {
        return Ok(app.clone());
    }
    let mut apps: Vec<Name> =
        world.store.apps().map_err(store_trouble)?.into_iter().map(|(app, _)| app).collect();
    apps.dedup();
    match apps.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(Refusal::new(RefusalKind::Invalid, "scope::ambiguous", "say which app: `--app NAME`")),
    }
}

/// What an environment's part of the same commit's manifest says of a run's build. Whether it may come there is for the rules in
/// force to say: a commit does not make its own way.
fn way(store: &Reader, earlier: &PipelineRun, to: &Name) -> Result<Promotion, Refusal> {
    let manifest = manifest_of(earlier)?;
    let own = manifest.policy(to);
    let in_force = protection::in_force(store, &earlier.app, to).map_err(store_trouble)?;
    let rules = in_force.unwrap_or_else(|| own.clone());
    allowed(&rules, earlier, to)?;
    if rules.protected {
        not_altered(store, earlier, to)?;
    }
    if rules.protected && earlier.uploaded {
        return Err(not_from_git(to, &format!("run {} is of files that were uploaded", earlier.number)));
    }
    let request = DeployRequest { environment: Some(to.clone()), ..DeployRequest::default() };
    let resolved = intake::resolve(&manifest, &request)?;
    let accepted = Accepted::new(resolved, earlier.input.snapshot.clone(), None);
    let input = RunInput { revision: accepted.spec, ..earlier.input.clone() };
    Ok(Promotion { input, rules, own })
}

/// A build that was seen not to be what was signed is refused at once; whether it still is what was signed is looked at before its
/// deploy.
fn not_altered(store: &Reader, earlier: &PipelineRun, to: &Name) -> Result<(), Refusal> {
    let build = &earlier.input.build;
    let Some(altered) = store.altered_build(build).map_err(store_trouble)? else { return Ok(()) };
    let admitted = store.admitted_build((&earlier.app, to), build).map_err(store_trouble)?;
    if admitted.is_some_and(|admitted| !altered.found.is_empty() && admitted.found == altered.found) {
        return Ok(());
    }
    let message = format!("build {build} of run {} does not come into {to}: {}", earlier.number, altered.why);
    Err(Refusal::new(RefusalKind::Conflict, "provenance::altered-build", message)
        .help(format!("`tidegate verify {build}` says more; build a new commit")))
}

fn allowed(policy: &EnvironmentPolicy, earlier: &PipelineRun, to: &Name) -> Result<(), Refusal> {
    match &policy.promote_from {
        Some(from) if *from == earlier.environment => of_its_branches(policy, earlier, to),
        Some(from) => {
            let message = format!("{to} takes what succeeded in {from}, not in {}", earlier.environment);
            Err(Refusal::new(RefusalKind::Conflict, "promote::not-from", message)
                .help(format!("`tidegate promote -e {from} {to}`")))
        }
        None => {
            let message = format!("{to} is not promoted to: its manifest names no environment before it");
            Err(Refusal::new(RefusalKind::Conflict, "promote::not-from", message)
                .help(format!("`promote_from: {}` in `environments: {to}:`", earlier.environment)))
        }
    }
}

fn of_its_branches(policy: &EnvironmentPolicy, earlier: &PipelineRun, to: &Name) -> Result<(), Refusal> {
    if promotes_from(policy, &earlier.environment, earlier.source.branch.as_deref()) {
        return Ok(());
    }
    let branch = earlier.source.branch.as_deref().unwrap_or("no branch");
    let message = format!(
        "{to} takes what is of {}; run {} is of {branch}",
        policy.branches.join(", "),
        earlier.number
    );
    Err(Refusal::new(RefusalKind::Conflict, "promote::branch", message))
}

fn manifest_of(run: &PipelineRun) -> Result<Manifest, Refusal> {
    let (file, text) = &run.input.manifest;
    let request = DeployRequest { folder: run.app.to_string(), ..DeployRequest::default() };
    intake::read_manifest(&Source::new(file.as_str(), text.as_str()), &request)
}
