//! A job and its runs as the shell keeps them, in a time that tests move.

use std::collections::BTreeMap;

use crate::model::{
    Exit, InstanceId, JobPhase, JobRun, JobSpec, JobState, Limits, Overlap, RevisionNo, ServiceKey,
};
use crate::schedule::{Input, Now, Plan, Schedule, plan};
use crate::time::{Millis, Moment};

/// 2026-01-01 00:00:00 UTC.
pub const BEGIN: u64 = 1_767_225_600_000;

pub fn spec(schedule: &str) -> JobSpec {
    JobSpec {
        run: "true".to_owned(),
        schedule: schedule.to_owned(),
        timezone: JobSpec::TIMEZONE.to_owned(),
        overlap: Overlap::Forbid,
        timeout: JobSpec::TIMEOUT,
        retries: 0,
        history: JobSpec::HISTORY,
        catch_up: JobSpec::CATCH_UP,
        limits: Limits::default(),
        env: BTreeMap::new(),
    }
}

/// What the store and the backend would hold.
pub struct World {
    pub spec: Option<JobSpec>,
    pub state: JobState,
    pub runs: Vec<JobRun>,
    pub processes: BTreeMap<InstanceId, JobPhase>,
    pub next_id: u64,
    pub moment: Moment,
    pub unix_ms: u64,
    /// Every event's kind so far.
    pub told: Vec<String>,
    /// Every slot that got a process, once for each attempt.
    pub started: Vec<u64>,
}

impl World {
    pub fn new(spec: JobSpec) -> Self {
        let key = ServiceKey {
            app: "shop".parse().unwrap(),
            environment: "production".parse().unwrap(),
            service: "report".parse().unwrap(),
        };
        World {
            state: JobState::new(key, RevisionNo(1), &spec, BEGIN),
            spec: Some(spec),
            runs: Vec::new(),
            processes: BTreeMap::new(),
            next_id: 1,
            moment: Moment(1_000),
            unix_ms: BEGIN,
            told: Vec::new(),
            started: Vec::new(),
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, span: Millis) {
        self.moment = self.moment + span;
        self.unix_ms += span.0;
    }

    /// What would be decided now; nothing is kept: a kill before the commit.
    pub fn would_be(&self) -> Plan {
        let open: Vec<JobRun> = self.runs.iter().filter(|run| !run.phase.is_over()).cloned().collect();
        let spec = self.spec.as_ref();
        let schedule = spec.map(|spec| Schedule::parse(&spec.schedule, &spec.timezone).unwrap());
        let input = Input {
            state: &self.state,
            spec,
            schedule: schedule.as_ref(),
            runs: &open,
            processes: &self.processes,
            next_id: self.next_id,
        };
        plan(&input, Now { moment: self.moment, unix_ms: self.unix_ms })
    }

    /// Decides and keeps it.
    pub fn look(&mut self) -> Plan {
        let plan = self.would_be();
        self.state = plan.state.clone();
        for run in &plan.runs {
            self.runs.retain(|known| known.number != run.number);
            self.runs.push(run.clone());
        }
        for attempt in &plan.attempts {
            self.processes.insert(attempt.process.clone(), JobPhase::Running);
            self.started.push(attempt.slot_unix_ms);
        }
        plan.ended.iter().for_each(|process| drop(self.processes.remove(process)));
        self.next_id = plan.next_id;
        self.told.extend(plan.events.iter().map(|event| event.kind.clone()));
        plan
    }

    /// Lets time pass, then looks.
    pub fn after(&mut self, span: Millis) -> Plan {
        self.pass(span);
        self.look()
    }

    /// Every process that runs ends with this code.
    pub fn end_all(&mut self, code: i32) {
        for phase in self.processes.values_mut() {
            *phase = JobPhase::Ended(Exit { code: Some(code), ran_ms: 10, ..Exit::default() });
        }
    }

    pub fn running(&self) -> usize {
        self.processes.values().filter(|phase| **phase == JobPhase::Running).count()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.told.iter().filter(|told| *told == kind).count()
    }
}
