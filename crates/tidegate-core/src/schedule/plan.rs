//! What becomes of one job now.
//!
//! It looks at what is: the runs that are not over, the processes that ended, the slots since the last look. What it says
//! is written down in one transaction before anything is started, so that a slot is decided about exactly once whenever the
//! control plane is killed.

use std::collections::BTreeMap;

use super::{Schedule, lines, overlap};
use crate::event::Event;
use crate::health::backoff;
use crate::model::{Exit, InstanceId, JobPhase, JobRun, JobSpec, JobState, Overlap, RunCause, RunPhase};
use crate::time::{Millis, Moment};

/// A clock that is behind the last slot by less is waited for; by more, it was wrong before.
const SET_BACK: Millis = Millis::seconds(86_400);
/// From a failed attempt to the second one; doubled each time.
const FIRST_WAIT: Millis = Millis::seconds(5);
/// The longest wait between two attempts.
const LONGEST_WAIT: Millis = Millis::seconds(600);

/// What the plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The job as it is kept.
    pub state: &'a JobState,
    /// What its revision says of it; `None` where that has no such job.
    pub spec: Option<&'a JobSpec>,
    /// Its schedule, read; `None` where this program cannot read it.
    pub schedule: Option<&'a Schedule>,
    /// Its runs that are not over, oldest first.
    pub runs: &'a [JobRun],
    /// The processes of its attempts, as far as they are known.
    pub processes: &'a BTreeMap<InstanceId, JobPhase>,
    /// The number the next process gets.
    pub next_id: u64,
}

/// Now, on both clocks: slots are of the wall clock, everything else is of Tidegate's own time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// On Tidegate's own time line.
    pub moment: Moment,
    /// Milliseconds since the Unix epoch.
    pub unix_ms: u64,
}

/// A process to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its name.
    pub process: InstanceId,
    /// The run it is for.
    pub run: u64,
    /// Which attempt of it this is, from 1.
    pub attempt: usize,
    /// The slot the run is for.
    pub slot_unix_ms: u64,
}

/// What a job is from now on, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The job.
    pub state: JobState,
    /// Its runs, those included that are over now.
    pub runs: Vec<JobRun>,
    /// Processes to start.
    pub attempts: Vec<Attempt>,
    /// Processes that ended and whose end is in their run now.
    pub ended: Vec<InstanceId>,
    /// Whether the job is gone and nothing of it is left to wait for.
    pub gone: bool,
    /// What happened.
    pub events: Vec<Event>,
    /// When to look again.
    pub wake: Option<Moment>,
    /// The number the next process gets.
    pub next_id: u64,
}

/// Decides what becomes of a job.
pub fn plan(input: &Input<'_>, now: Now) -> Plan {
    let mut work = Work::new(input, now);
    work.take_ends();
    match input.spec {
        Some(spec) => {
            work.take_slots(spec);
            work.begin_attempts(spec);
        }
        None => work.let_go(),
    }
    work.look_again();
    work.plan
}

/// The plan being made.
struct Work<'a> {
    input: &'a Input<'a>,
    now: Now,
    plan: Plan,
}

impl<'a> Work<'a> {
    fn new(input: &'a Input<'a>, now: Now) -> Self {
        let plan = Plan {
            state: input.state.clone(),
            runs: input.runs.to_vec(),
            attempts: Vec::new(),
            ended: Vec::new(),
            gone: false,
            events: Vec::new(),
            wake: None,
            next_id: input.next_id,
        };
        Work { input, now, plan }
    }

    /// Attempts whose process ended. One nobody knows of any more was interrupted.
    fn take_ends(&mut self) {
        for n in 0..self.plan.runs.len() {
            let run = &self.plan.runs[n];
            let Some(process) = run.attempts.last().filter(|_| run.phase == RunPhase::Running) else {
                continue;
            };
            let exit = match self.input.processes.get(process) {
                Some(JobPhase::Running | JobPhase::Stopping { .. }) => continue,
                Some(JobPhase::Ended(exit)) => exit.clone(),
                None => Exit::trouble("it was interrupted, how far it got is not known"),
            };
            self.plan.ended.push(process.clone());
            self.end_attempt(n, exit);
        }
        self.sum_up_skipped();
    }

    fn end_attempt(&mut self, n: usize, exit: Exit) {
        let retries = self.input.spec.map_or(0, |spec| spec.retries as usize);
        let (now, run) = (self.now, &mut self.plan.runs[n]);
        run.exit = Some(exit.clone());
        let event = if exit.success() {
            run.phase = RunPhase::Succeeded;
            lines::succeeded(run, &exit)
        } else if run.attempts.len() <= retries && exit.was_seen() {
            let wait = wait_after(run);
            run.phase = RunPhase::Waiting { until: now.moment + wait };
            lines::tried_again(run, &exit, wait)
        } else {
            run.phase = RunPhase::Failed;
            lines::failed(run, &exit)
        };
        run.ended_unix_ms = run.phase.is_over().then_some(now.unix_ms);
        self.plan.events.push(event);
    }

    /// One line for all slots that were left out: the first of them had its own.
    fn sum_up_skipped(&mut self) {
        if self.plan.runs.iter().any(|run| !run.phase.is_over()) {
            return;
        }
        if self.plan.state.skipped > 1 {
            self.plan.events.push(lines::skipped_in_all(&self.plan.state));
        }
        self.plan.state.skipped = 0;
    }

    fn take_slots(&mut self, spec: &JobSpec) {
        let Some(schedule) = self.input.schedule else { return };
        let now = self.now.unix_ms;
        if self.plan.state.decided_unix_ms > now + SET_BACK.0 {
            self.plan.events.push(lines::clock_set_back(&self.plan.state));
            self.plan.state.decided_unix_ms = now;
        }
        let due = overlap::due(schedule, self.plan.state.decided_unix_ms, now, spec.catch_up);
        if due.missed > 0 {
            let state = &self.plan.state;
            let event = lines::missed(state, due.missed, due.many, due.last_missed, due.run.is_some());
            self.plan.events.push(event);
        }
        if let Some(slot) = due.run {
            self.take_slot(spec, slot);
        }
        self.plan.state.decided_unix_ms = due.decided.unwrap_or(self.plan.state.decided_unix_ms);
    }

    fn take_slot(&mut self, spec: &JobSpec, slot: u64) {
        if let Some(why) = overlap::in_the_way(spec, &self.plan.runs) {
            self.plan.state.skipped += 1;
            if self.plan.state.skipped == 1 {
                self.plan.events.push(lines::skipped(&self.plan.state, slot, &why));
            }
            return;
        }
        let late = self.now.unix_ms.saturating_sub(slot) > overlap::ON_TIME.0;
        let cause = if late { RunCause::CaughtUp } else { RunCause::Due };
        self.plan.state.runs += 1;
        let run = JobRun::new(self.plan.state.key.clone(), self.plan.state.runs, cause, slot);
        if spec.overlap == Overlap::Queue && self.in_progress() > 0 {
            self.plan.events.push(lines::queued(&self.plan.state, &run));
        }
        self.plan.runs.push(run);
    }

    fn in_progress(&self) -> usize {
        self.plan.runs.iter().filter(|run| run.phase.is_in_progress()).count()
    }

    fn begin_attempts(&mut self, spec: &JobSpec) {
        for n in 0..self.plan.runs.len() {
            let room = match spec.overlap {
                Overlap::Allow => overlap::MOST_AT_ONCE,
                Overlap::Forbid | Overlap::Queue => 1,
            };
            let begins = match self.plan.runs[n].phase {
                RunPhase::Queued => self.in_progress() < room,
                RunPhase::Waiting { until } => until <= self.now.moment,
                RunPhase::Running | RunPhase::Succeeded | RunPhase::Failed => false,
            };
            if begins {
                self.begin_attempt(n);
            }
        }
    }

    fn begin_attempt(&mut self, n: usize) {
        let state = &self.plan.state;
        let run = &mut self.plan.runs[n];
        let process = InstanceId(format!("{}-{}", state.key.service, self.plan.next_id));
        self.plan.next_id += 1;
        run.attempts.push(process.clone());
        run.phase = RunPhase::Running;
        run.revision = Some(state.revision);
        run.started_unix_ms.get_or_insert(self.now.unix_ms);
        self.plan.events.push(lines::started(state, run));
        let attempt = run.attempts.len();
        let (run, slot_unix_ms) = (run.number, run.slot_unix_ms);
        self.plan.attempts.push(Attempt { process, run, attempt, slot_unix_ms });
    }

    /// The revision has no such job: what runs may end, nothing begins.
    fn let_go(&mut self) {
        let exit = Exit::trouble(format!("{} has no such job any more", self.plan.state.revision));
        for run in &mut self.plan.runs {
            if matches!(run.phase, RunPhase::Queued | RunPhase::Waiting { .. }) {
                run.phase = RunPhase::Failed;
                run.ended_unix_ms = Some(self.now.unix_ms);
                self.plan.events.push(lines::failed(run, &exit));
                run.exit = Some(exit.clone());
            }
        }
        self.plan.gone = self.plan.runs.iter().all(|run| run.phase.is_over());
    }

    fn look_again(&mut self) {
        let (schedule, now) = (self.input.schedule.filter(|_| self.input.spec.is_some()), self.now);
        let slot = schedule.and_then(|schedule| schedule.next_after(self.plan.state.decided_unix_ms));
        let slot = slot.map(|slot| now.moment + Millis(slot.saturating_sub(now.unix_ms)));
        let waits = self.plan.runs.iter().filter_map(|run| match run.phase {
            RunPhase::Waiting { until } => Some(until),
            RunPhase::Queued | RunPhase::Running | RunPhase::Succeeded | RunPhase::Failed => None,
        });
        self.plan.wake = waits.chain(slot).min();
    }
}

/// Doubled with every attempt, with up to a quarter added so that jobs that failed together come back apart.
fn wait_after(run: &JobRun) -> Millis {
    let doublings = run.attempts.len().saturating_sub(1).min(16);
    let wait = (FIRST_WAIT.0 << doublings).min(LONGEST_WAIT.0);
    let seed = backoff::seed_of(run.attempts.last().map_or("", |process| &process.0));
    Millis(wait + seed % (wait / 4 + 1))
}
