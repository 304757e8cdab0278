//! How a run begins: a commit's files are laid out and its manifest is read by the API's thread, then the run is entered by the control
//! loop in one transaction. Until then nothing has changed, and nothing is left behind where it is refused.

use std::path::Path;

use tidegate_config::PreviewOf;
use tidegate_core::model::{
    Build, BuildPhase, BuildSource, EnvironmentPolicy, PipelineRun, PipelineSpec, RunEnding, RunInput, RunNo,
    RunOrigin, RunPreview, RunState,
};
use tidegate_core::pipeline::{NewRun, begin, supersedes};
use tidegate_store::Counter;

use super::put;
use super::way::may_come;
use crate::answer::store_trouble;
use crate::engine::{Time, World};
use crate::environment;
use crate::intake::{self, Accepted, disk_trouble, keep_snapshot};
use crate::plane::{BeginRun, DeployRequest, Refusal, RefusalKind};

/// Runs that may be open at the same time.
const MOST_OPEN: usize = 1_000;
/// The largest run as it begins, in bytes: it grows on its way, and its row has room for 4 MiB.
const LARGEST: usize = 3 << 20;

/// A commit whose manifest is good, laid out.
#[derive(Debug)]
pub struct Taken {
    accepted: Accepted,
    manifest: (String, String),
    spec: PipelineSpec,
    policy: EnvironmentPolicy,
    preview: Option<RunPreview>,
}

/// Lays a commit's files out and reads its manifest.
pub fn read(data: &Path, request: &BeginRun, snapshot: &Path) -> Result<Taken, Refusal> {
    let staged = intake::stage(data, snapshot)?;
    let deploy = deploy_request(request);
    let manifest = intake::read_manifest(&staged.manifest, &deploy)?;
    if *manifest.app() != request.app {
        let message = format!("the manifest is of {}, not of {}", manifest.app(), request.app);
        return Err(Refusal::new(RefusalKind::Invalid, "pipeline::other-app", message)
            .help("every app has a repository of its own: `tidegate git url APP`"));
    }
    let source = staged.manifest.clone();
    let policy = manifest.policy(&request.environment);
    let preview = environment::preview_of(&manifest, &request.environment, request.source.branch.as_deref())?;
    let (resolved, spec) = match &preview {
        Some(of) => (intake::complete(manifest.resolve_preview(of))?, manifest.preview_pipeline(of)),
        None => (intake::resolve(&manifest, &deploy)?, manifest.pipeline(&request.environment)),
    };
    let accepted = intake::take(staged, &manifest, resolved)?;
    let preview = preview.map(|PreviewOf { base, slug, .. }| RunPreview { base, slug });
    Ok(Taken { accepted, manifest: (source.file, source.text), spec, policy, preview })
}

/// What intake asks for, from a run's request.
pub(super) fn deploy_request(request: &BeginRun) -> DeployRequest {
    DeployRequest {
        environment: Some(request.environment.clone()),
        folder: request.app.to_string(),
        source: BuildSource { commit: request.source.commit.clone(), dirty: false },
        env: Default::default(),
        by: request.source.by.clone(),
        break_glass: None,
    }
}

/// Enters a run; its number. Runs it overtakes are told to end in the same transaction.
pub fn enter(
    world: &mut World<'_>,
    time: Time,
    data: &Path,
    taken: Taken,
    request: BeginRun,
) -> Result<RunNo, Refusal> {
    let open = world.store.open_pipeline_runs().map_err(store_trouble)?;
    if open.len() >= MOST_OPEN {
        let message = format!("{MOST_OPEN} runs are open already");
        return Err(Refusal::new(RefusalKind::Conflict, "pipeline::too-many", message)
            .help("wait for them, or end some: `tidegate pipeline cancel RUN`"));
    }
    let Taken { mut accepted, manifest, spec, policy, preview } = taken;
    let rules = match &preview {
        Some(_) => None,
        None => {
            let uploaded = request.source.origin == RunOrigin::Upload;
            let place = (&request.app, &accepted.environment);
            may_come(world.store, place, (&request.source, uploaded), &policy)?
        }
    };
    if let Some(staged) = &mut accepted.staged {
        keep_snapshot(data, staged).map_err(|error| disk_trouble(&error))?;
    }
    let number = RunNo(world.store.peek_id(Counter::Run).map_err(store_trouble)?);
    let new = NewRun {
        number,
        environment: accepted.environment.clone(),
        source: request.source,
        push: request.push,
        now: time.now,
        unix_ms: time.unix_ms,
    };
    let source = BuildSource { commit: new.source.commit.clone(), dirty: false };
    let run = begin(request.app, new, input_of(accepted, manifest, source), spec, policy);
    let run = rules.into_iter().fold(PipelineRun { preview, ..run }, PipelineRun::under);
    keep_commit(world, &run);
    put_new(world, time, run, &open)?;
    Ok(number)
}

fn input_of(accepted: Accepted, manifest: (String, String), source: BuildSource) -> RunInput {
    let flags = accepted.flags;
    RunInput {
        snapshot: accepted.snapshot,
        build: accepted.build,
        build_run: accepted.build_run,
        build_within_ms: accepted.build_within_ms,
        revision: accepted.spec,
        mentioned: flags.as_ref().map(|flags| flags.mentioned.clone()).unwrap_or_default(),
        flags: flags.map(|flags| flags.document),
        source,
        manifest,
    }
}

/// Its commit stays, whatever becomes of its branch. Where that cannot be done the run goes on all the same: it has its files.
fn keep_commit(world: &World<'_>, run: &PipelineRun) {
    let (Some(repositories), Some(commit)) = (&world.repositories, &run.source.commit) else { return };
    if let Err(error) = repositories.keep(&run.app, run.number, commit) {
        tracing::warn!(run = run.number.0, %error, "its commit could not be kept");
    }
}

/// Writes a run that has just begun, with its build and the ends of those it overtakes.
pub(super) fn put_new(
    world: &mut World<'_>,
    time: Time,
    mut run: PipelineRun,
    open: &[PipelineRun],
) -> Result<(), Refusal> {
    let build = build_of(world, &run, time)?;
    let pushed = environment::pushed(world.store, &run, open, time)?;
    run.notes = pushed.notes;
    fits(&run)?;
    let overtaken: Vec<&PipelineRun> =
        open.iter().filter(|other| other.ending.is_none() && supersedes(&run, other)).collect();
    let written = world.store.transaction(|tx| {
        tx.changes(None, Some(&format!("run {}", run.number)));
        tx.use_ids_below(Counter::Run, run.number.0 + 1)?;
        build.iter().try_for_each(|build| tx.put_build(build))?;
        pushed.state.iter().try_for_each(|state| tx.put_environment(state))?;
        for before in overtaken {
            tx.put_pipeline_run(&overtaken_by(before, run.number))?;
        }
        put(tx, None, &run, time)
    });
    written.map_err(store_trouble)
}

/// Refuses a run that would outgrow its row: nothing could be kept of it any more, while it is on its way.
fn fits(run: &PipelineRun) -> Result<(), Refusal> {
    // One that cannot be written at all is refused by the store.
    let bytes = serde_json::to_vec(run).map_or(0, |body| body.len());
    if bytes <= LARGEST {
        return Ok(());
    }
    let message = format!("the run would have {bytes} bytes, more than {LARGEST}");
    Err(Refusal::new(RefusalKind::Invalid, "pipeline::too-large", message)
        .help("make the manifest smaller: its text, its stages and what they run are kept with each run"))
}

fn overtaken_by(before: &PipelineRun, number: RunNo) -> PipelineRun {
    let why = format!("run {number} of a newer commit took its place");
    let ending = RunEnding { state: RunState::Superseded, why };
    PipelineRun { ending: Some(ending), next: Some(number), ..before.clone() }
}

/// The build's row where there is none: processes of steps are known by it.
fn build_of(world: &World<'_>, run: &PipelineRun, time: Time) -> Result<Option<Build>, Refusal> {
    let known = world.store.build(&run.input.build).map_err(store_trouble)?;
    Ok(known.is_none().then(|| build_row(run, BuildPhase::Waiting, time)))
}

/// A run's build, in a phase.
pub(crate) fn build_row(run: &PipelineRun, phase: BuildPhase, time: Time) -> Build {
    Build {
        id: run.input.build.clone(),
        app: run.app.clone(),
        snapshot: run.input.snapshot.clone(),
        run: run.input.build_run.clone(),
        within_ms: run.input.build_within_ms,
        phase,
        content: None,
        size: 0,
        source: run.input.source.clone(),
        made_at_unix_ms: time.unix_ms,
    }
}
