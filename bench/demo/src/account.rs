//! What happened in each step, and whether it should have.

use serde_json::Value;

use crate::load::RATE;

/// How a step should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The version serves.
    Succeeds,
    /// It is taken back before it gets a request.
    TakenBackUnseen,
    /// It gets all requests, fails, and is taken back: those it was answering as it died may fail.
    TakenBackServing,
}

/// A step that is over.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was deployed.
    pub name: &'static str,
    /// How it should end.
    pub wanted: Ending,
    /// The phase its rollout ended in.
    pub phase: String,
    /// Its revision.
    pub revision: String,
    /// From the command to its end.
    pub seconds: f64,
    /// Requests given out meanwhile.
    pub requests: u64,
    /// Of them failed.
    pub failed: u64,
    /// Requests the version answered, in the whole run.
    pub answered: u64,
    /// Whether `explain` quoted what the app said last.
    pub quoted: bool,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The steps, in order.
    pub steps: Vec<Outcome>,
    /// Requests given out.
    pub requests: u64,
    /// Of them failed.
    pub failed: u64,
    /// Requests a second.
    pub rate: f64,
}

impl Outcome {
    /// Whether the step ended as it should.
    pub fn is_good(&self) -> bool {
        match self.wanted {
            Ending::Succeeds => self.phase == "succeeded",
            Ending::TakenBackUnseen => self.phase == "aborted" && self.answered == 0 && self.quoted,
            Ending::TakenBackServing => self.phase == "aborted" && self.quoted,
        }
    }

    /// Failures of requests a version was given as it died: its fault, not the deploy's. At most two seconds' worth.
    fn excused(&self) -> u64 {
        match self.wanted {
            Ending::TakenBackServing => self.failed.min(2 * u64::from(RATE)),
            Ending::Succeeds | Ending::TakenBackUnseen => 0,
        }
    }
}

impl Account {
    /// Adds a step.
    pub fn add(&mut self, step: Outcome) {
        self.steps.push(step);
    }

    /// Takes in the load's own account, which is exact where the steps' numbers are taken once a second.
    pub fn close(&mut self, report: &Value) {
        let count = |value: &Value| value.as_u64().unwrap_or(0);
        self.requests = count(&report["sent"]);
        self.failed = count(&report["failed"]) + count(&report["unsent"]) + count(&report["unfinished"]);
        self.rate = self.requests as f64 / report["seconds"].as_f64().unwrap_or(1.0).max(0.001);
        for step in &mut self.steps {
            let of = &report["revisions"][&step.revision];
            step.answered = count(&of["ok"]) + count(&of["failed"]);
        }
        let told: u64 = self.steps.iter().map(|step| step.failed).sum();
        if let Some(last) = self.steps.last_mut() {
            last.failed += self.failed.saturating_sub(told);
        }
    }

    /// Failures of requests that no version of the story excuses.
    pub fn lost(&self) -> u64 {
        self.failed - self.steps.iter().map(Outcome::excused).sum::<u64>().min(self.failed)
    }

    /// Whether the demo shows what it promises.
    pub fn is_good(&self) -> bool {
        self.requests > 0 && self.lost() == 0 && self.steps.iter().all(Outcome::is_good)
    }
}
