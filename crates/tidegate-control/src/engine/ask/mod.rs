//! Questions to others, asked in the background: a `GET`, or a command in a build. For the length of a queue and for checks.
//!
//! All of it can be lost: a control plane that starts anew asks again. A command that was left running is ended as an orphan.

pub(crate) mod http;
mod prometheus;
pub(crate) mod reply;
pub(crate) mod timed;
pub(crate) mod trust;

use std::sync::mpsc::{Receiver, TryRecvError, channel};

use tidegate_backend::{BackendError, UnitSpec};
use tidegate_core::model::{
    Exit, InstanceId, PortSpec, Revision, ServiceKey, ServiceSpec, StopSpec, UnitState,
};
use tidegate_core::time::{Millis, Moment};

use super::{Sight, World, app_user};
use crate::digest::digest_json;
use crate::setting::resolve::Resolver;

pub(super) use http::{Bearer, Get};
pub(super) use prometheus::{answer_of, query_url};
pub(super) use reply::Fetched;

/// A question without an answer yet.
#[derive(Debug)]
pub(super) enum Pending {
    /// A `GET` by a thread of its own.
    Http(Receiver<Result<Fetched, String>>),
    /// A command as a unit of the backend.
    Command {
        /// The unit.
        id: InstanceId,
        /// Which start of it.
        generation: u64,
        /// It is given up then.
        until: Moment,
        /// How long that is.
        within: Millis,
    },
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Reply {
    /// To a `GET`.
    Fetched(Fetched),
    /// Of a command.
    Ended {
        /// How it ended.
        exit: Exit,
        /// What it said last.
        last_line: Option<String>,
    },
}

/// Whose command it is, and what it runs in.
pub(super) struct Place<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) revision: &'a Revision,
    pub(super) spec: &'a ServiceSpec,
}

impl Pending {
    /// Begins a `GET`.
    pub(super) fn get(question: Get) -> Result<Pending, String> {
        let (say, hear) = channel();
        let asking = move || drop(say.send(http::get(&question, trust::system)));
        let thread = std::thread::Builder::new().name("question".to_owned()).spawn(asking);
        thread.map(|_| Pending::Http(hear)).map_err(|error| format!("no thread to ask by: {error}"))
    }

    /// Begins a command.
    pub(super) fn run(
        world: &mut World<'_>,
        unit: &UnitSpec,
        within: Millis,
        now: Moment,
    ) -> Result<Pending, String> {
        let told = |error: BackendError| format!("the command could not be started: {error}");
        // One that a control plane before this one began may still run.
        world.backend.remove(&unit.id).map_err(told)?;
        let started = app_user::start(world, unit.clone());
        started.map_err(|error| format!("the command could not be started: {error}"))?.map_err(told)?;
        let (id, generation) = (unit.id.clone(), unit.generation);
        Ok(Pending::Command { id, generation, until: now + within, within })
    }

    /// What came of it; `None`: nothing yet. After a reply it is over and to be [ended](Pending::end).
    pub(super) fn reply(&self, world: &mut World<'_>, sight: &Sight) -> Option<Result<Reply, String>> {
        match self {
            Pending::Http(answers) => match answers.try_recv() {
                Ok(answer) => Some(answer.map(Reply::Fetched)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err("the question was lost".to_owned())),
            },
            Pending::Command { id, generation, until, within } => {
                let seen = sight.seeing.get(id).filter(|seen| seen.generation == *generation);
                match seen.map(|seen| &seen.state) {
                    Some(UnitState::Exited(exit)) => {
                        let last_line = world.backend.evidence(id).last_output.pop();
                        Some(Ok(Reply::Ended { exit: exit.clone(), last_line }))
                    }
                    Some(UnitState::Running(_)) | None => {
                        (sight.time.now >= *until).then(|| Err(format!("no answer within {within}")))
                    }
                }
            }
        }
    }

    /// Leaves nothing behind but its output.
    pub(super) fn end(self, world: &mut World<'_>) {
        if let Pending::Command { id, .. } = self
            && let Err(error) = world.backend.remove(&id)
        {
            tracing::warn!(unit = %id, %error, "the command of a question could not be removed");
        }
    }

    /// Whether the unit is its command.
    pub(super) fn is_unit(&self, unit: &InstanceId) -> bool {
        matches!(self, Pending::Command { id, .. } if id == unit)
    }
}

/// A command as a unit: one and the same for the same question, so that its output is kept within bounds as that of an
/// instance is.
pub(super) fn unit_of(
    world: &World<'_>,
    place: &Place<'_>,
    (kind, name): (&str, &str),
    command: &str,
    now: Moment,
) -> Result<UnitSpec, String> {
    let (key, revision) = (place.key, place.revision);
    let resolver = Resolver::new(world, (&key.app, &key.environment), &revision.spec.settings);
    let (env, sealed) = resolver.environment(&place.spec.env, Some(&key.service))?;
    Ok(UnitSpec {
        id: unit_name(key, kind, name),
        // The time line only goes on, also over a restart.
        generation: now.0.max(1),
        app: key.app.clone(),
        environment: Some(key.environment.clone()),
        service: Some(key.service.clone()),
        revision: Some(revision.number),
        command: command.to_owned(),
        dir: world.workshop.dir(&revision.spec.build),
        writable: false,
        env,
        port: PortSpec::None,
        probes: None,
        stop: StopSpec { grace: Millis(0), ..StopSpec::default() },
        limits: place.spec.limits,
        step: None,
        user: None,
        sealed,
    })
}

/// What a question's command is known by.
pub(super) fn unit_name(key: &ServiceKey, kind: &str, name: &str) -> InstanceId {
    let digest: String = digest_json(&(key, kind, name)).chars().take(8).collect();
    InstanceId(format!("{kind}-{name}-{digest}"))
}
