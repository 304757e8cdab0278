//! What people ask of services and rollouts: checked, then written; the next pass acts on it.

use tidegate_core::event::Event;
use tidegate_core::migration::way_back;
use tidegate_core::model::{
    BuildPhase, InstanceId, Job, JobKind, JobPhase, Phase, Request, Revision, RevisionNo, Rollout, RolloutId,
    RolloutKind, ServiceState,
};
use tidegate_core::rollout::begin;
use tidegate_core::rollout::begin::NewRollout;
use tidegate_core::train::couple;
use tidegate_store::Counter;

use crate::answer::{service_of, store_trouble};
use crate::claim;
use crate::engine::{Effect, Time, World, effective_for, told};
use crate::fall_back::fall_back;
use crate::plane::{BreakGlass, Refusal, RefusalKind, ServiceRef};
use crate::protection::{self, Change};
use crate::succession;
use crate::together::{self, Seat, Trains};

/// The most instances a service may be scaled to.
const MOST_INSTANCES: u32 = 100;
/// The longest one-off command in bytes.
const LONGEST_COMMAND: usize = 64 << 10;
/// The longest name of who asks, in characters.
const LONGEST_NAME: usize = 64;
/// How long a one-off command may take.
const RUN_WITHIN_MS: u64 = 24 * 3_600_000;

/// Pause, resume, promote or abort the rollout in progress. A protected environment lets anybody hold or take back what its
/// pipeline began, and nobody without a reason pass over what is left of it.
pub fn request(
    world: &mut World<'_>,
    time: Time,
    (service, by): (&ServiceRef, &str),
    request: Request,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let state = service_of(world.store, service)?;
    if request == Request::Promote {
        protected(world, time, &state, "leave out what is left of a rollout", glass)?;
    }
    let Some(rollout) = active(world, &state)? else { return Err(no_rollout(&state)) };
    let all = together::in_progress(world, rollout)?;
    let mut asked = together::concerned(all, request, possible)?;
    asked.iter_mut().for_each(|rollout| rollout.request = Some(request));
    let what = match request {
        Request::Pause => "pause",
        Request::Resume => "resume",
        Request::Promote => "promote",
        Request::Abort => "abort",
    };
    let event = |rollout: &Rollout| {
        let message = format!("{what} was asked of {}{}", together::called(rollout), by_whom(by));
        Event::of(&rollout.key, "rollout.asked", Some(rollout.to), message)
    };
    write(world, |tx| {
        asks_of(tx, &asked, what);
        asked.iter().try_for_each(|rollout| {
            tx.put_rollout(rollout)?;
            tx.event(&event(rollout), time.unix_ms).map(drop)
        })
    })
}

/// For the audit log: where rollouts were, and what is asked of them.
fn asks_of(tx: &tidegate_store::Tx<'_>, asked: &[Rollout], what: &str) {
    let each = |said: &dyn Fn(&Rollout) -> String| asked.iter().map(said).collect::<Vec<_>>().join(", ");
    let before = each(&|rollout| format!("rollout {} to {}: {}", rollout.id, rollout.to, rollout.phase));
    let after = each(&|rollout| format!("rollout {}: {what} asked", rollout.id));
    tx.changes(Some(&before), Some(&after));
}

/// ` by ann`: as they call themselves, on one short line.
fn by_whom(by: &str) -> String {
    let name: String = by.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    if name.is_empty() { name } else { format!(" by {name}") }
}

fn possible(rollout: &Rollout, request: Request) -> Result<(), Refusal> {
    let refused = |message: String, help: &str| {
        Err(Refusal::new(RefusalKind::Conflict, "rollout::not-now", message).help(help))
    };
    match (request, rollout.phase) {
        (_, Phase::Aborting) => refused(
            format!("rollout {} is being taken back already", rollout.id),
            "`tidegate rollout show` says how far it is",
        ),
        (Request::Resume, phase) if phase != Phase::Paused && rollout.request != Some(Request::Pause) => {
            refused(
                format!("rollout {} is {phase}, not paused", rollout.id),
                "`tidegate rollout pause` pauses it",
            )
        }
        (Request::Pause, Phase::Paused) => {
            refused(format!("rollout {} is paused already", rollout.id), "`tidegate rollout resume` goes on")
        }
        _ => Ok(()),
    }
}

/// Begins the last rollout that was taken back once more.
pub fn retry(
    world: &mut World<'_>,
    time: Time,
    service: &ServiceRef,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let state = service_of(world.store, service)?;
    protected(world, time, &state, "begin a rollout that was taken back once more", glass)?;
    if let Some(active) = active(world, &state)? {
        let message = format!("rollout {} is in progress ({})", active.id, active.phase);
        return Err(Refusal::new(RefusalKind::Conflict, "rollout::in-progress", message)
            .help(format!("wait for it, or `tidegate rollout abort {}`", state.key.service)));
    }
    let last = world.store.rollouts_of(&state.key, 1).map_err(store_trouble)?.into_iter().next();
    let Some(last) = last.filter(|last| matches!(last.phase, Phase::Aborted | Phase::Failed)) else {
        let message = format!(
            "the last rollout of {} was not taken back: there is nothing to retry",
            state.key.service
        );
        return Err(Refusal::new(RefusalKind::Conflict, "rollout::nothing-to-retry", message)
            .help("`tidegate rollback SERVICE rN` goes to another revision"));
    };
    if last.cause.as_ref().is_some_and(|cause| cause.code == "migration-failed") {
        return retry_migration(world, time, &state, &last);
    }
    let (seats, trains) = together::again(world, &state, &last)?;
    start(world, time, (seats, trains), last.to, RolloutKind::Retry)
}

/// A rollout whose migration failed is retried by the deploy it was part of, which runs the migration once more.
fn retry_migration(
    world: &mut World<'_>,
    time: Time,
    state: &ServiceState,
    last: &Rollout,
) -> Result<(), Refusal> {
    use tidegate_core::model::{Deploy, DeployPhase};
    let deploy = last.deploy.map(|id| world.store.deploy(id)).transpose().map_err(store_trouble)?.flatten();
    let Some(deploy) = deploy else {
        let message = "the deploy this rollout was part of is forgotten";
        return Err(
            Refusal::new(RefusalKind::NotFound, "rollout::deploy-gone", message).help("`tidegate deploy`")
        );
    };
    let event = Event::of(
        &state.key,
        "deploy.started",
        Some(last.to),
        format!("deploy {} is tried once more", deploy.id),
    );
    write(world, |tx| {
        let id = tx.next_id(Counter::Deploy)?;
        tx.changes(Some(&format!("deploy {}", deploy.id)), Some(&format!("deploy {id}")));
        tx.put_deploy(&Deploy {
            id,
            phase: DeployPhase::Building,
            rollouts: Vec::new(),
            error: None,
            migration: None,
            created_at: time.now,
            made_at_unix_ms: time.unix_ms,
            ..deploy.clone()
        })?;
        tx.event(&event, time.unix_ms).map(drop)
    })
}

/// Goes back: to `to`; without one, out of the rollout in progress, or to the stable revision before this one. A protected
/// environment lets anybody out of a rollout, and nobody without a reason to another revision.
pub fn rollback(
    world: &mut World<'_>,
    time: Time,
    service: &ServiceRef,
    to: Option<RevisionNo>,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let state = service_of(world.store, service)?;
    let active = active(world, &state)?;
    if let Some(rollout) = &active
        && state.stable.is_some()
        && to.is_none_or(|to| state.stable == Some(to))
    {
        if rollout.phase == Phase::Aborting {
            return Ok(());
        }
        return abort_for_rollback(world, time, rollout);
    }
    let to = target(&state, to)?;
    if let Some(rollout) = active.as_ref().filter(|rollout| rollout.to == to) {
        let message = format!("rollout {} to {to} is in progress already", rollout.id);
        return Err(Refusal::new(RefusalKind::Conflict, "rollback::in-progress", message));
    }
    protected(world, time, &state, &format!("go back to {to}"), glass)?;
    let (seats, trains) = together::back(world, state, active, to)?;
    start(world, time, (seats, trains), to, RolloutKind::Rollback)
}

fn protected(
    world: &mut World<'_>,
    time: Time,
    state: &ServiceState,
    what: &str,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let place = (&state.key.app, &state.key.environment);
    let what = format!("{what} with {}", state.key.service);
    protection::guard(world.store, time, &Change { place, what: &what, brings: None }, glass)
}

fn abort_for_rollback(world: &mut World<'_>, time: Time, rollout: &Rollout) -> Result<(), Refusal> {
    let all = together::in_progress(world, rollout.clone())?;
    let mut asked = together::concerned(all, Request::Abort, possible)?;
    asked.iter_mut().for_each(|rollout| rollout.request = Some(Request::Abort));
    let event = |rollout: &Rollout| {
        let message = format!("{} is to be taken back", together::called(rollout));
        Event::of(&rollout.key, "rollback.asked", rollout.from, message)
    };
    write(world, |tx| {
        asks_of(tx, &asked, "abort");
        asked.iter().try_for_each(|rollout| {
            tx.put_rollout(rollout)?;
            tx.event(&event(rollout), time.unix_ms).map(drop)
        })
    })
}

fn target(state: &ServiceState, to: Option<RevisionNo>) -> Result<RevisionNo, Refusal> {
    let Some(to) = to.or(state.previous) else {
        let message =
            format!("{} has had one stable revision only: there is nothing to go back to", state.key.service);
        return Err(Refusal::new(RefusalKind::Conflict, "rollback::nothing", message)
            .help("`tidegate status` shows it"));
    };
    if state.stable == Some(to) && state.rollout.is_none() {
        let message = format!("{to} is the stable revision of {} already", state.key.service);
        return Err(Refusal::new(RefusalKind::Conflict, "rollback::already", message));
    }
    Ok(to)
}

fn revision(world: &World<'_>, state: &ServiceState, number: RevisionNo) -> Result<Revision, Refusal> {
    let found =
        world.store.revision(&state.key.app, &state.key.environment, number).map_err(store_trouble)?;
    found.ok_or_else(|| {
        let message = format!("{} in {} has no revision {number}", state.key.app, state.key.environment);
        Refusal::new(RefusalKind::NotFound, "revision::unknown", message).help("`tidegate events` lists them")
    })
}

fn still_built(world: &World<'_>, revision: &Revision) -> Result<(), Refusal> {
    let build = world.store.build(&revision.spec.build).map_err(store_trouble)?;
    if build.is_some_and(|build| build.phase == BuildPhase::Ready) {
        return Ok(());
    }
    let message = format!("the build of {} is gone: it was removed to make room", revision.number);
    Err(Refusal::new(RefusalKind::Conflict, "revision::build-gone", message)
        .help("check its commit out and `tidegate deploy` it"))
}

fn its_routes_are_free(world: &World<'_>, revision: &Revision) -> Result<(), Refusal> {
    let Revision { app, environment, number, spec, .. } = revision;
    match claim::taken(world.store, app, environment, &spec.routes).map_err(store_trouble)? {
        None => Ok(()),
        Some(taken) => {
            let message = format!("{number} cannot come back: {taken}");
            Err(Refusal::new(RefusalKind::Conflict, "rollout::route-taken", message)
                .help("take the route from the other app first, or deploy with another"))
        }
    }
}

/// A rollback cannot pass a step of a migration that its revision does not work after.
fn not_past_a_door(world: &World<'_>, revision: &Revision) -> Result<(), Refusal> {
    let Revision { app, environment, number, .. } = revision;
    let state = world.store.migration_state(app, environment).map_err(store_trouble)?;
    match state.and_then(|state| way_back(&state, *number)) {
        None => Ok(()),
        Some(why) => {
            let message = format!("{number} cannot come back: {why}");
            Err(Refusal::new(RefusalKind::Conflict, "rollback::one-way", message).help(
                "roll forward: mend it and `tidegate deploy`; a deploy of the older code, made to work with the schema as it \
                 is, is a new revision",
            ))
        }
    }
}

fn start(
    world: &mut World<'_>,
    time: Time,
    (seats, trains): (Vec<Seat>, Trains),
    to: RevisionNo,
    kind: RolloutKind,
) -> Result<(), Refusal> {
    let Some(first) = seats.first() else { return Ok(()) };
    let revision = revision(world, &first.state, to)?;
    still_built(world, &revision)?;
    its_routes_are_free(world, &revision)?;
    if kind == RolloutKind::Rollback {
        not_past_a_door(world, &revision)?;
    }
    let mut next = world.store.peek_id(Counter::Rollout).map_err(store_trouble)?;
    let mut begun = Vec::with_capacity(seats.len());
    for Seat { state, active } in &seats {
        let effective = effective_for(state, active.as_ref(), &revision, kind);
        let new =
            NewRollout { id: RolloutId(next), kind, deploy: None, to, effective, unix_ms: time.unix_ms };
        begun.push(begin(state, active.as_ref(), new, time.now));
        next += 1;
    }
    let coupled = couple(&mut begun, &trains);
    let events: Vec<Event> = begun.iter().flat_map(told).chain(coupled).collect();
    let (app, environment) = (&revision.app, &revision.environment);
    let fallen = match kind {
        RolloutKind::Rollback => fall_back(world.store, &revision, time).map_err(store_trouble)?,
        // A way back that was taken back itself is a way back all the same.
        RolloutKind::Retry
            if seats.iter().any(|seat| seat.state.stable.is_some_and(|stable| to < stable)) =>
        {
            fall_back(world.store, &revision, time).map_err(store_trouble)?
        }
        RolloutKind::Deploy | RolloutKind::Retry => Vec::new(),
    };
    let moved = seats.iter().map(|seat| (seat.state.key.clone(), Some(to))).collect();
    let goals = succession::goals(world.store, (app, environment), &moved).map_err(store_trouble)?;
    let succession =
        succession::follow(world.store, (app, environment), &goals, fallen, time).map_err(store_trouble)?;
    let before = revisions_of(&seats);
    let after: Vec<String> = begun.iter().map(|one| format!("{} {to}", one.state.key.service)).collect();
    write(world, |tx| {
        tx.changes(Some(&before), Some(&after.join(", ")));
        succession.write(tx, time)?;
        for one in &begun {
            tx.put_service(&one.state)?;
            one.superseded.iter().try_for_each(|ended| tx.put_rollout(ended))?;
            tx.put_rollout(&one.rollout)?;
        }
        tx.use_ids_below(Counter::Rollout, next)?;
        events.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))
    })
}

/// For the audit log: the revision each service is on, or goes to.
fn revisions_of(seats: &[Seat]) -> String {
    let of = |Seat { state, active }: &Seat| {
        let revision = active.as_ref().map(|active| active.to).or(state.stable);
        format!("{} {}", state.key.service, revision.map_or_else(|| "none".to_owned(), |r| r.to_string()))
    };
    seats.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// Sets the number of instances, or leaves it to the manifest and the load again.
pub fn scale(
    world: &mut World<'_>,
    time: Time,
    service: &ServiceRef,
    instances: Option<u32>,
    glass: Option<&BreakGlass>,
) -> Result<(), Refusal> {
    let mut state = service_of(world.store, service)?;
    let message = match instances {
        Some(instances) => {
            check_number(world, &state, instances)?;
            format!("scaled to {instances}")
        }
        None => "scaled by the manifest and the load again".to_owned(),
    };
    protected(world, time, &state, "set a number of instances", glass)?;
    let number = |scale: Option<u32>| scale.map_or_else(|| "auto".to_owned(), |number| number.to_string());
    let (before, after) = (number(state.scale), number(instances));
    state.scale = instances;
    let event = Event::of(&state.key, "service.scaled", state.stable, message);
    write(world, |tx| {
        tx.changes(Some(&before), Some(&after));
        tx.put_service(&state)?;
        tx.event(&event, time.unix_ms).map(drop)
    })
}

fn check_number(world: &World<'_>, state: &ServiceState, instances: u32) -> Result<(), Refusal> {
    if instances > MOST_INSTANCES {
        let message = format!("{instances} instances are more than the {MOST_INSTANCES} a service may have");
        return Err(Refusal::new(RefusalKind::Invalid, "scale::too-many", message));
    }
    let serving = state.stable.map(|number| revision(world, state, number)).transpose()?;
    let fixed = serving.and_then(|r| r.spec.services.get(&state.key.service).map(|spec| spec.exclusive()));
    if instances > 1 && fixed == Some(true) {
        let message = format!("{} has a fixed port: only one instance can run", state.key.service);
        return Err(Refusal::new(RefusalKind::Conflict, "scale::fixed-port", message)
            .help("use `port: auto` and `$PORT` in the manifest"));
    }
    Ok(())
}

/// Starts a one-off command in a revision's build and environment; its name.
pub fn run(
    world: &mut World<'_>,
    time: Time,
    (service, number): (&ServiceRef, Option<RevisionNo>),
    command: String,
    glass: Option<&BreakGlass>,
) -> Result<InstanceId, Refusal> {
    let state = service_of(world.store, service)?;
    if command.trim().is_empty() || command.len() > LONGEST_COMMAND || command.contains('\0') {
        let message = format!("a command has 1 to {LONGEST_COMMAND} bytes and no NUL");
        return Err(
            Refusal::new(RefusalKind::Invalid, "run::command", message).help("`tidegate run SERVICE -- CMD`")
        );
    }
    let Some(number) = number.or(state.stable) else {
        let message = format!("{} has no stable revision to run in", state.key.service);
        return Err(
            Refusal::new(RefusalKind::Conflict, "run::no-revision", message).help("say one: `--revision rN`")
        );
    };
    let revision = revision(world, &state, number)?;
    let Some(spec) = revision.spec.services.get(&state.key.service) else {
        let message = format!("{number} has no service {}", state.key.service);
        return Err(Refusal::new(RefusalKind::NotFound, "run::no-service", message));
    };
    let env = spec.env.clone();
    // The command sees what the environment has of secrets, and can do whatever the app can.
    protected(world, time, &state, "run a one-off command", glass)?;
    let id = world.store.peek_id(Counter::Instance).map_err(store_trouble)?;
    let job = Job {
        id: InstanceId(format!("run-{id}")),
        kind: JobKind::Run,
        command,
        build: revision.spec.build.clone(),
        of: Some((state.key.clone(), number)),
        env,
        phase: JobPhase::Running,
        created_at: time.now,
        within_ms: RUN_WITHIN_MS,
        step: None,
    };
    // The command itself may hold a secret: the timeline does not quote it.
    let event =
        Event::of(&state.key, "run.started", Some(number), format!("one-off command {} runs", job.id))
            .on(&job.id);
    write(world, |tx| {
        tx.changes(None, Some(&format!("{} in {number}", job.id)));
        tx.put_job(&job)?;
        tx.push_action(&Effect::StartJob(job.id.clone()))?;
        tx.use_ids_below(Counter::Instance, id + 1)?;
        tx.event(&event, time.unix_ms).map(drop)
    })?;
    Ok(job.id)
}

/// Stops a one-off command.
pub fn run_stop(world: &mut World<'_>, id: &InstanceId) -> Result<(), Refusal> {
    let job = world.store.job(id).map_err(store_trouble)?.filter(|job| job.kind == JobKind::Run);
    let Some(mut job) = job else {
        return Err(Refusal::new(
            RefusalKind::NotFound,
            "run::unknown",
            format!("there is no one-off command `{id}`"),
        ));
    };
    if job.phase != JobPhase::Running {
        return Ok(());
    }
    job.phase = JobPhase::Stopping { why: "it was stopped".to_owned() };
    write(world, |tx| {
        tx.changes(Some("running"), Some("stopping"));
        tx.put_job(&job)?;
        tx.push_action(&Effect::StopJob(job.id.clone())).map(drop)
    })
}

fn active(world: &World<'_>, state: &ServiceState) -> Result<Option<Rollout>, Refusal> {
    Ok(state.rollout.map(|id| world.store.rollout(id)).transpose().map_err(store_trouble)?.flatten())
}

fn no_rollout(state: &ServiceState) -> Refusal {
    let message = format!("no rollout of {} is in progress", state.key.service);
    Refusal::new(RefusalKind::Conflict, "rollout::none-active", message)
        .help(format!("`tidegate rollout show {}` shows the last one", state.key.service))
}

fn write(
    world: &mut World<'_>,
    work: impl FnOnce(&tidegate_store::Tx<'_>) -> Result<(), tidegate_store::StoreError>,
) -> Result<(), Refusal> {
    world.store.transaction(work).map_err(store_trouble)
}
