//! What is kept of a check of a rollout.

use serde::{Deserialize, Serialize};

use super::Heard;
use crate::model::{CheckSpec, Figure};
use crate::time::{Millis, Moment};

/// A check as it stands; kept with its rollout, so that a restart changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckState {
    /// Since when it counts. What was asked before says nothing.
    pub since: Moment,
    /// The last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Answered>,
    /// Bad answers in a row. A question without an answer neither adds to them nor ends the row.
    #[serde(default)]
    pub failures: u32,
    /// When the first of the good answers in a row was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_since: Option<Moment>,
}

/// An answer as it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When it was asked for.
    pub asked_at: Moment,
    /// As what it counts.
    pub counted: Counted,
    /// Whether there was an answer at all.
    pub answers: bool,
    /// The number, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Figure>,
    /// In words: the value and its limit, or why there is none.
    pub message: String,
}

/// As what an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// It passes.
    Good,
    /// It does not.
    Bad,
    /// It says nothing either way.
    Nothing,
}

impl CheckState {
    /// A check that counts from now on.
    pub fn begin(now: Moment) -> CheckState {
        CheckState { since: now, last: None, failures: 0, good_since: None }
    }

    /// When the next question is due.
    pub fn next_ask(&self, spec: &CheckSpec) -> Moment {
        self.last.as_ref().map_or(self.since, |last| last.asked_at + spec.every)
    }

    /// Takes an answer in; whether that is news. One that was taken already, or was asked for before the check counted, is
    /// passed over.
    pub fn take(&mut self, spec: &CheckSpec, heard: &Heard) -> bool {
        let old = self.last.as_ref().is_some_and(|last| heard.asked_at <= last.asked_at);
        if old || heard.asked_at < self.since {
            return false;
        }
        let before = self.last.as_ref().map(|last| last.counted);
        let answered = heard.answered(spec);
        match answered.counted {
            Counted::Good => {
                self.failures = 0;
                self.good_since.get_or_insert(answered.asked_at);
            }
            Counted::Bad => {
                self.failures = self.failures.saturating_add(1);
                self.good_since = None;
            }
            Counted::Nothing => self.good_since = None,
        }
        let news = before != Some(answered.counted) || answered.counted == Counted::Bad;
        self.last = Some(answered);
        news
    }

    /// How long it has passed without a break, counted from `since` at the earliest. `None`: it does not pass, or was not
    /// asked since then.
    pub fn passed_for(&self, since: Moment) -> Option<Millis> {
        let last = self.last.as_ref().filter(|last| last.asked_at >= since)?;
        self.good_since.map(|good| last.asked_at.since(good.max(since)))
    }
}
