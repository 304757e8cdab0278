//! What a run means for the preview it goes to: that there is one once the run deploys, that it stays a while longer, and which ones
//! make room for it.

use tidegate_config::{Manifest, PreviewOf};
use tidegate_core::event::Event;
use tidegate_core::model::{EnvironmentState, Name, PipelineRun, Preview, PreviewPolicy, RunPreview};
use tidegate_core::pipeline::takes_pushes;
use tidegate_core::preview::crowded_out;
use tidegate_store::{Reader, StoreError};

use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};
use crate::snapshot::digest_of;

/// What a run that begins writes besides itself.
#[derive(Debug, Default)]
pub(crate) struct Pushed {
    /// The preview that stays longer.
    pub(crate) state: Option<EnvironmentState>,
    /// What whoever pushes is told.
    pub(crate) notes: Vec<String>,
}

/// The environment that a commit of this branch goes to; `None`: the one that is named itself.
pub(crate) fn preview_of(
    manifest: &Manifest,
    base: &Name,
    branch: Option<&str>,
) -> Result<Option<PreviewOf>, Refusal> {
    let policy = manifest.policy(base);
    if policy.preview.is_none() {
        return Ok(None);
    }
    let refused = |message: String| {
        Refusal::new(RefusalKind::Invalid, "environment::of-branches", message)
            .help(format!("push one of its branches: {}", policy.branches.join(", ")))
    };
    let Some(branch) = branch.filter(|branch| takes_pushes(&policy, branch)) else {
        let of = branch.unwrap_or("no branch");
        return Err(refused(format!("{base} stands for environments of branches, and this is of {of}")));
    };
    let of = manifest.preview(base, branch, &digest_of(&[branch.as_bytes()]));
    of.map(Some).ok_or_else(|| refused(format!("{base} has no environment for {branch}")))
}

/// Looks whether a run may go where it is to go, and what that means for previews. Only what stays longer is written yet: a commit
/// that fails its tests changes nothing.
pub(crate) fn pushed(
    store: &Reader,
    run: &PipelineRun,
    open: &[PipelineRun],
    time: Time,
) -> Result<Pushed, Refusal> {
    let kept = store.environment(&run.app, &run.environment).map_err(store_trouble)?;
    let Some((of, policy)) = run.preview.as_ref().zip(run.own_policy().preview.as_ref()) else {
        stays(store, (&run.app, &run.environment))?;
        return match kept.and_then(|kept| kept.preview) {
            Some(preview) => Err(taken(run, &format!("the preview of {}", preview.branch))),
            None => Ok(Pushed::default()),
        };
    };
    let branch = branch_of(run);
    if let Some(what) = whose(store, run, open, kept.as_ref()).map_err(store_trouble)? {
        return Err(taken(run, &what));
    }
    let previews = store.previews().map_err(store_trouble)?;
    let out = crowded_out(&previews, (&run.app, &of.base, branch), policy.most);
    Ok(Pushed {
        state: kept.filter(|kept| kept.leaving.is_none()).map(|kept| pushed_again(kept, time)),
        notes: out.into_iter().map(|state| making_room(state, of, policy)).collect(),
    })
}

/// The preview from the moment on that a run deploys to it, and what is told of that. `None`: it goes to none.
pub(crate) fn entered(
    store: &Reader,
    run: &PipelineRun,
    time: Time,
) -> Result<Option<(EnvironmentState, Option<Event>)>, StoreError> {
    let Some((of, policy)) = run.preview.as_ref().zip(run.own_policy().preview.as_ref()) else {
        return Ok(None);
    };
    let branch = branch_of(run).to_owned();
    let known = store.environment(&run.app, &run.environment)?;
    let made = known.is_none().then(|| {
        let message =
            format!("{} is made for {branch}; it goes {} after the last push", run.environment, policy.stays);
        Event::about(run.app.as_str(), run.environment.as_str(), "environment.made", message)
    });
    let preview = Preview {
        base: of.base.clone(),
        branch,
        slug: of.slug.clone(),
        pushed_at: time.now,
        pushed_unix_ms: time.unix_ms,
        stays: policy.stays,
        most: policy.most,
    };
    let state = EnvironmentState::new(run.app.clone(), run.environment.clone());
    Ok(Some((EnvironmentState { preview: Some(preview), ..state }, made)))
}

/// Refuses what would come into an environment that is being taken down.
pub(crate) fn stays(store: &Reader, (app, environment): (&Name, &Name)) -> Result<(), Refusal> {
    let kept = store.environment(app, environment).map_err(store_trouble)?;
    if kept.is_none_or(|kept| kept.leaving.is_none() || kept.preview.is_some()) {
        return Ok(());
    }
    let message = format!("{environment} is being taken down");
    Err(Refusal::new(RefusalKind::Conflict, "environment::leaving", message)
        .help("wait until `tidegate events` says that it is gone, and try again"))
}

/// Why a preview's run may not deploy: meanwhile another environment has come to be where it goes. `None`: it may, or it goes to none.
pub(crate) fn barred(store: &Reader, run: &PipelineRun) -> Result<Option<String>, StoreError> {
    if run.preview.is_none() {
        return Ok(None);
    }
    let kept = store.environment(&run.app, &run.environment)?;
    let what = whose(store, run, &store.open_pipeline_runs()?, kept.as_ref())?;
    Ok(what.map(|what| taken(run, &what).message))
}

/// What a preview's environment is already, where it is not its own: a preview never takes the place of another environment,
/// whatever its branch is called.
fn whose(
    store: &Reader,
    run: &PipelineRun,
    open: &[PipelineRun],
    kept: Option<&EnvironmentState>,
) -> Result<Option<String>, StoreError> {
    if let Some(preview) = kept.and_then(|kept| kept.preview.as_ref()) {
        let other = preview.branch != branch_of(run);
        return Ok(other.then(|| format!("the preview of {}", preview.branch)));
    }
    let there = |other: &&PipelineRun| other.app == run.app && other.environment == run.environment;
    let others = |other: &PipelineRun| other.preview.is_none() || other.source.branch != run.source.branch;
    if let Some(other) = open.iter().filter(there).find(|other| others(other)) {
        return Ok(Some(format!("on the way as that of run {}", other.number)));
    }
    let free = kept.is_none() && store.services_of(&run.app, &run.environment)?.is_empty();
    Ok((!free).then(|| "an environment of its own".to_owned()))
}

fn taken(run: &PipelineRun, what: &str) -> Refusal {
    let message = format!("{} is {what} already", run.environment);
    Refusal::new(RefusalKind::Conflict, "environment::taken", message)
        .help("give the branch, or the environment in the manifest, another name")
}

fn pushed_again(kept: EnvironmentState, time: Time) -> EnvironmentState {
    let again = |preview| Preview { pushed_at: time.now, pushed_unix_ms: time.unix_ms, ..preview };
    EnvironmentState { preview: kept.preview.map(again), ..kept }
}

fn making_room(state: &EnvironmentState, of: &RunPreview, policy: &PreviewPolicy) -> String {
    let branch = state.preview.as_ref().map_or("", |preview| preview.branch.as_str());
    format!(
        "{} ({branch}) makes room as soon as this is deployed: there may be {} of {}",
        state.environment, policy.most, of.base
    )
}

fn branch_of(run: &PipelineRun) -> &str {
    run.source.branch.as_deref().unwrap_or_default()
}
