//! The processes of steps as the backend starts them.

use std::collections::BTreeMap;

use tidegate_backend::{Sealed, StepUnit, UnitSpec};
use tidegate_core::model::{Check, Job, JobKind, Limits, Name, PortSpec, Probe, Probes, StepJob};
use tidegate_core::time::Millis;

use super::super::World;
use super::super::effect::JOB_STOP;
use crate::setting::resolve::named;

/// How often the port of a process beside a step is tried.
const ASKED_EVERY: Millis = Millis(20);

/// The unit of a step or of a process beside one; why it cannot be started where a secret is missing.
pub(in crate::engine) fn step_unit(
    world: &World<'_>,
    (app, job, step): (Name, &Job, &StepJob),
    most: Limits,
) -> Result<UnitSpec, String> {
    let secrets = secrets_of(world, &app, step)?;
    let probes = step.ready_within_ms.map(|within| Probes {
        startup: None,
        start_within: Millis(within),
        ready: Some(Probe { every: ASKED_EVERY, ..Probe::new(Check::Tcp) }),
        live: None,
    });
    Ok(UnitSpec {
        id: job.id.clone(),
        generation: 1,
        app,
        environment: Some(step.environment.clone()),
        service: None,
        revision: None,
        command: job.command.clone(),
        dir: world.workspaces.dir(&step.workspace),
        writable: job.kind == JobKind::Step,
        env: job.env.clone(),
        port: if probes.is_some() { PortSpec::Auto } else { PortSpec::None },
        probes,
        stop: JOB_STOP,
        limits: within(step.limits, most),
        step: Some(StepUnit { said: step.said.clone(), offline: step.offline }),
        user: None,
        sealed: Sealed { env: secrets.clone(), secrets },
    })
}

/// The secrets a step names: the environment's or the app's, and those that are set nowhere else but in the machine owner's file.
pub(in crate::engine) fn secrets_of(
    world: &World<'_>,
    app: &Name,
    step: &StepJob,
) -> Result<BTreeMap<String, String>, String> {
    let mut found = named(world, (app, &step.environment), &step.secrets)?;
    let rest: Vec<String> = step.secrets.iter().filter(|name| !found.contains_key(*name)).cloned().collect();
    let Some(first) = rest.first() else { return Ok(found) };
    let set = format!("; `tidegate secret set {first} --app {app}` sets it");
    found.extend(world.workspaces.secrets(app, &rest).map_err(|why| why + &set)?);
    Ok(found)
}

/// A manifest can ask for less than the machine's owner allows, never for more.
fn within(asked: Limits, most: Limits) -> Limits {
    fn least<T: Ord>(asked: Option<T>, most: Option<T>) -> Option<T> {
        match (asked, most) {
            (Some(asked), Some(most)) => Some(asked.min(most)),
            (asked, most) => asked.or(most),
        }
    }
    Limits {
        memory: least(asked.memory, most.memory),
        cpu: least(asked.cpu, most.cpu),
        pids: least(asked.pids, most.pids),
        disk: least(asked.disk, most.disk),
    }
}
