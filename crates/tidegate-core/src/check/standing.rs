//! What a check means to its rollout now.

use super::{CheckState, Counted};
use crate::model::{Cause, CheckSpec};
use crate::time::{Millis, Moment};

/// An answer may come so much later than it was to, before what was last heard counts no more.
const PATIENCE: Millis = Millis::seconds(5);

/// What a check means to its rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It passes.
    Good,
    /// The rollout does not go on for now, for this reason.
    Held(String),
    /// The candidate is taken back.
    Failed(Cause),
}

impl CheckState {
    /// What the check of this name means now.
    pub fn standing(&self, name: &str, spec: &CheckSpec, now: Moment) -> Standing {
        let Some(last) = &self.last else { return Standing::Held("it has not answered yet".to_owned()) };
        if self.failures >= spec.failures.max(1) {
            return Standing::Failed(self.cause(name));
        }
        let silent = now.since(last.asked_at);
        if silent > Millis(2 * spec.every.0 + spec.timeout.0 + PATIENCE.0) {
            return Standing::Held(format!("it has not answered for {}", Millis(silent.0 / 1_000 * 1_000)));
        }
        match last.counted {
            Counted::Good => Standing::Good,
            Counted::Bad => Standing::Held(format!(
                "{}; {} of {} bad answers in a row that take the candidate back",
                last.message, self.failures, spec.failures
            )),
            Counted::Nothing => Standing::Held(last.message.clone()),
        }
    }

    fn cause(&self, name: &str) -> Cause {
        let times = match self.failures {
            1 => String::new(),
            times => format!(" {times} times in a row"),
        };
        let last = self.last.as_ref();
        let why = last.map(|last| last.message.as_str()).unwrap_or_default();
        let (code, what) = match last.is_none_or(|last| last.answers) {
            true => ("check-failed", "failed"),
            false => ("check-unreachable", "could not be answered"),
        };
        let message = format!("the check `{name}` {what}{times}: {why}");
        Cause { code: code.to_owned(), message, instance: None }
    }
}
