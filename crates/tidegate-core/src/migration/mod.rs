//! What becomes of an environment's migrations: expand, deploy, contract.
//!
//! The expand step belongs to a deploy, which runs it before the candidate gets traffic; [`may_be_left_out`] says whether it
//! has run already and [`after_expand`] what is kept of it. The contract step belongs to the stable revision: [`plan`] has it
//! wait until the rollback window is closed, and run once. [`way_back`] says whether a rollback would pass a one-way step.

use crate::event::Event;
use crate::model::{
    Contract, ContractPhase, ContractSpec, Door, Exit, Expanded, InstanceId, JobPhase, MigrateSpec,
    MigrationState, RevisionNo,
};
use crate::time::Moment;

/// Steps remembered, so that none of them is run again.
const REMEMBERED: usize = 50;

/// The stable revision of an environment, as far as migrations go.
#[derive(Clone, Copy, Debug)]
pub struct Stable<'a> {
    /// Its number.
    pub revision: RevisionNo,
    /// Its migration.
    pub migrate: Option<&'a MigrateSpec>,
    /// SHA-256 of its build, its contract step and the environment of that.
    pub digest: &'a str,
}

/// What the plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// As it is kept.
    pub state: &'a MigrationState,
    /// The revision all services have, where no rollout is in progress; `None` while one is.
    pub stable: Option<Stable<'a>>,
    /// The process of the contract step that runs, where it is known.
    pub process: Option<&'a JobPhase>,
    /// The number the next process gets.
    pub next_id: u64,
}

/// What is from now on, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// As it is to be kept.
    pub state: MigrationState,
    /// The process of the contract step to start.
    pub start: Option<InstanceId>,
    /// What happened.
    pub events: Vec<Event>,
    /// When to look again.
    pub wake: Option<Moment>,
}

/// Whether an expand step has run already.
pub fn may_be_left_out(state: &MigrationState, digest: &str) -> Option<RevisionNo> {
    state.expanded.iter().rev().find(|expanded| expanded.digest == digest).map(|expanded| expanded.revision)
}

/// What is kept of an expand step that ended. One that failed counts as passed where it was one-way: how far it got is not
/// known.
pub fn after_expand(
    state: &MigrationState,
    spec: &MigrateSpec,
    revision: RevisionNo,
    digest: String,
    well: bool,
) -> MigrationState {
    let mut state = state.clone();
    if well {
        state.expanded.push(Expanded { digest, revision, told_it_stays: false });
        forget_oldest(&mut state.expanded);
    }
    if spec.one_way {
        state.door = Some(Door { revision, contract: false });
    }
    state
}

/// Why a rollback to a revision is refused, in words; `None`: it is not.
pub fn way_back(state: &MigrationState, to: RevisionNo) -> Option<String> {
    if let Some(Contract { revision, phase: ContractPhase::Running(job), .. }) = &state.contract {
        return Some(format!("the contract step of {revision} runs right now as {job}"));
    }
    let door = state.door.as_ref().filter(|door| to < door.revision)?;
    let of = door.revision;
    Some(match (&state.contract, door.contract) {
        (Some(Contract { revision, phase: ContractPhase::Failed { .. }, .. }), true) if *revision == of => {
            format!("the contract step of {of} was begun and failed; {to} may not work with what it changed")
        }
        (_, true) => format!("the contract step of {of} has run; {to} does not work without what it removed"),
        (_, false) => format!("the migration of {of} is one-way; {to} does not work with what it changed"),
    })
}

/// Decides what becomes of the contract step.
pub fn plan(input: &Input<'_>, now: Moment) -> Plan {
    let mut work = Work {
        plan: Plan { state: input.state.clone(), start: None, events: Vec::new(), wake: None },
        input,
        now,
    };
    work.take_end();
    if let Some(stable) = input.stable {
        work.tell_what_stays(stable.revision);
        work.follow(stable);
        work.begin(stable);
    }
    work.plan
}

struct Work<'a> {
    plan: Plan,
    input: &'a Input<'a>,
    now: Moment,
}

impl Work<'_> {
    /// A contract step that ended. One nobody knows of any more was interrupted, and is not run again.
    fn take_end(&mut self) {
        let Some(contract) = &mut self.plan.state.contract else { return };
        let ContractPhase::Running(job) = &contract.phase else { return };
        let exit = match self.input.process {
            Some(JobPhase::Running | JobPhase::Stopping { .. }) => return,
            Some(JobPhase::Ended(exit)) => exit.clone(),
            None => Exit::trouble("it was interrupted, how far it got is not known"),
        };
        let (of, job) = (contract.revision, job.clone());
        if exit.success() {
            contract.phase = ContractPhase::Done;
            self.tell("migration.contracted", of, format!("the contract step of {of} is done"), Some(&job));
        } else {
            contract.phase = ContractPhase::Failed { job: job.clone(), why: exit.to_string() };
            let message = format!(
                "the contract step of {of} failed and is not run again by itself: {exit} (`tidegate logs --unit {job}`)"
            );
            self.tell("migration.contract_failed", of, message, Some(&job));
        }
    }

    /// The expand step of a revision that was taken back is not undone.
    fn tell_what_stays(&mut self, stable: RevisionNo) {
        let Some(newest) = self.plan.state.expanded.last_mut() else { return };
        if newest.revision <= stable || newest.told_it_stays {
            return;
        }
        newest.told_it_stays = true;
        let of = newest.revision;
        let message = format!(
            "{stable} is stable; what the migration of {of} added stays and is not run again for the same build"
        );
        self.tell("migration.stays", of, message, None);
    }

    /// The contract step is that of the stable revision. Another one's that has not begun is dropped.
    fn follow(&mut self, stable: Stable<'_>) {
        let known = self.plan.state.contract.as_ref();
        if known.is_some_and(|contract| {
            contract.revision == stable.revision || matches!(contract.phase, ContractPhase::Running(_))
        }) {
            return;
        }
        if let Some(Contract { revision, phase: ContractPhase::Waiting { .. }, .. }) = known {
            let (of, now) = (*revision, stable.revision);
            let message =
                format!("the contract step of {of} will not be run: {now} is stable before its time came");
            self.tell("migration.contract_dropped", of, message, None);
        }
        let spec = stable.migrate.and_then(|migrate| migrate.contract.as_ref());
        let fresh = spec.filter(|_| !self.plan.state.contracted.iter().any(|done| done == stable.digest));
        self.plan.state.contract = fresh.map(|spec| self.wait(stable, spec));
    }

    fn wait(&mut self, stable: Stable<'_>, spec: &ContractSpec) -> Contract {
        let of = stable.revision;
        let message =
            format!("the contract step of {of} is run in {}; until then a rollback is possible", spec.after);
        self.tell("migration.contract_waits", of, message, None);
        let phase = ContractPhase::Waiting { since: self.now };
        Contract { revision: of, digest: stable.digest.to_owned(), phase }
    }

    /// Begins once the rollback window is closed. From then on it counts as passed, however it ends.
    fn begin(&mut self, stable: Stable<'_>) {
        let Some(contract) = &mut self.plan.state.contract else { return };
        let ContractPhase::Waiting { since } = contract.phase else { return };
        let spec = stable.migrate.and_then(|migrate| migrate.contract.as_ref());
        let Some(spec) = spec.filter(|_| contract.revision == stable.revision) else { return };
        let due = since + spec.after;
        if self.now < due {
            self.plan.wake = Some(due);
            return;
        }
        let (of, job) = (contract.revision, InstanceId(format!("contract-{}", self.input.next_id)));
        contract.phase = ContractPhase::Running(job.clone());
        self.plan.state.contracted.push(contract.digest.clone());
        forget_oldest(&mut self.plan.state.contracted);
        // What older builds added may be gone: their expand steps have to run again should they come back.
        self.plan.state.expanded.retain(|expanded| expanded.revision == of);
        if spec.one_way {
            self.plan.state.door = Some(Door { revision: of, contract: true });
        }
        self.plan.start = Some(job.clone());
        let message = format!("the rollback window is closed: the contract step of {of} runs as {job}");
        self.tell("migration.contract_started", of, message, Some(&job));
    }

    fn tell(&mut self, kind: &str, revision: RevisionNo, message: String, job: Option<&InstanceId>) {
        let state = &self.plan.state;
        let event = Event::about(state.app.as_str(), state.environment.as_str(), kind, message);
        self.plan.events.push(Event { revision: Some(revision), instance: job.cloned(), ..event });
    }
}

fn forget_oldest<T>(list: &mut Vec<T>) {
    list.drain(..list.len().saturating_sub(REMEMBERED));
}

#[cfg(test)]
mod tests;
