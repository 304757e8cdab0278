//! Which revision the jobs of an environment run, and how they move to another one.

use super::lines;
use crate::event::Event;
use crate::model::{JobSpec, JobState, Name, Revision, RevisionNo, ServiceKey, ServiceState};

/// The jobs of an environment after they moved to a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The states that are to be written.
    pub states: Vec<JobState>,
    /// What happened.
    pub events: Vec<Event>,
}

/// The revision every service of an environment has as its stable one, where no rollout is in progress: the last one that
/// succeeded as a whole. Until there is another, jobs stay with the one they have.
pub fn agreed(services: &[ServiceState]) -> Option<RevisionNo> {
    if services.iter().any(|service| service.rollout.is_some()) {
        return None;
    }
    let mut stable = services.iter().filter_map(|service| service.stable);
    let first = stable.next()?;
    stable.all(|number| number == first).then_some(first)
}

/// Moves jobs to a revision. Nothing changes where one of its services has not become stable, or where they have moved
/// already.
pub fn adopt(
    revision: &Revision,
    services: &[ServiceState],
    states: &[JobState],
    now_unix_ms: u64,
) -> Adopted {
    let serves = |name: &Name| {
        services.iter().any(|state| state.key.service == *name && state.stable == Some(revision.number))
    };
    let mut adopted = Adopted::default();
    if !revision.spec.services.keys().all(serves) {
        return adopted;
    }
    for (name, spec) in &revision.spec.jobs {
        let key = ServiceKey {
            app: revision.app.clone(),
            environment: revision.environment.clone(),
            service: name.clone(),
        };
        let known = states.iter().find(|state| state.key == key);
        adopted.take_on(key, known, revision.number, spec, now_unix_ms);
    }
    let has = |state: &&JobState| revision.spec.jobs.contains_key(&state.key.service);
    let gone = states.iter().filter(|state| !has(state) && state.revision != revision.number);
    for state in gone {
        adopted.events.push(lines::removed(&state.key, revision.number));
        adopted.states.push(JobState { revision: revision.number, ..state.clone() });
    }
    adopted
}

impl Adopted {
    fn take_on(
        &mut self,
        key: ServiceKey,
        known: Option<&JobState>,
        number: RevisionNo,
        spec: &JobSpec,
        now: u64,
    ) {
        let Some(known) = known else {
            self.events.push(lines::scheduled(&key, number, spec));
            self.states.push(JobState::new(key, number, spec, now));
            return;
        };
        if known.revision == number {
            return;
        }
        let mut state = JobState { revision: number, ..known.clone() };
        if (&known.schedule, &known.timezone) != (&spec.schedule, &spec.timezone) {
            // The slots of the new schedule that lie behind were never promised to anyone.
            state.decided_unix_ms = state.decided_unix_ms.max(now);
            (state.schedule, state.timezone) = (spec.schedule.clone(), spec.timezone.clone());
            self.events.push(lines::scheduled(&key, number, spec));
        }
        self.states.push(state);
    }
}
