//! A verdict with all it takes to compute it again: the proof that anyone can check without the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Count, Decision, Judge, Policy, PolicyError, Window};

/// The format of a bundle.
pub const BUNDLE_VERSION: u32 = 1;

/// What a verdict was made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JudgeBundle")]
pub struct Bundle {
    /// [`BUNDLE_VERSION`].
    pub bundle_version: u32,
    /// What was judged, in words for people.
    #[serde(default)]
    pub about: String,
    /// By what.
    pub policy: Policy,
    /// What was counted.
    pub windows: Vec<Window>,
    /// The evidence against the candidate after each window.
    #[serde(default)]
    pub path: Vec<Point>,
    /// What was said.
    pub decision: Decision,
    /// Some of the candidate's bad requests, to be found in logs.
    #[serde(default)]
    pub sample_requests: Vec<String>,
}

/// The evidence at one second: logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "JudgePoint")]
pub struct Point {
    /// When.
    pub second: u64,
    /// For bad answers.
    pub log_e: f64,
    /// For latency.
    pub log_e_latency: f64,
}

/// Why a bundle proves nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// Of another format.
    #[error("the bundle is of format {0}, this version reads {BUNDLE_VERSION}")]
    Version(u32),
    /// The policy cannot be.
    #[error("the bundle's policy cannot be: {0}")]
    Policy(#[from] PolicyError),
    /// Impossible counts.
    #[error(
        "window {0} of the bundle cannot be: more bad or slow requests than requests, or a second before the last one"
    )]
    Window(usize),
    /// The counts say something else.
    #[error("the bundle says {said} at {said_at}, its counts say {found} at {found_at}")]
    Differs {
        /// The bundle's verdict.
        said: &'static str,
        /// And second.
        said_at: String,
        /// That of its counts.
        found: &'static str,
        /// And second.
        found_at: String,
    },
}

impl Bundle {
    /// Judges the windows and keeps everything.
    pub fn of(about: String, policy: Policy, windows: Vec<Window>, sample_requests: Vec<String>) -> Self {
        let mut judge = Judge::new(policy.clone());
        let path = windows.iter().map(|window| step(&mut judge, window)).collect();
        let decision = judge.decided();
        Bundle { bundle_version: BUNDLE_VERSION, about, policy, windows, path, decision, sample_requests }
    }

    /// Judges the windows again: the decision, where it is the one that was made.
    pub fn check(&self) -> Result<Decision, BundleError> {
        if self.bundle_version != BUNDLE_VERSION {
            return Err(BundleError::Version(self.bundle_version));
        }
        self.policy.validate()?;
        if let Some(bad) = self.first_impossible() {
            return Err(BundleError::Window(bad));
        }
        let mut judge = Judge::new(self.policy.clone());
        self.windows.iter().for_each(|window| judge.take(window));
        let (said, found) = (&self.decision, judge.decided());
        if (said.verdict, said.at_second) != (found.verdict, found.at_second) {
            return Err(differs(said, &found));
        }
        Ok(found)
    }

    fn first_impossible(&self) -> Option<usize> {
        let mut last = 0;
        self.windows.iter().position(|window| {
            let arms = [&window.stable, &window.candidate];
            let too_many = |arm: &&super::Tally| arm.bad > arm.n || arm.slow.iter().any(|slow| *slow > arm.n);
            let back = std::mem::replace(&mut last, window.second) > window.second;
            back || arms.iter().any(too_many)
        })
    }
}

fn step(judge: &mut Judge, window: &Window) -> Point {
    judge.take(window);
    let [log_e, log_e_latency] = [Count::ErrorRate, Count::Latency].map(|count| judge.evidence(count).0);
    Point { second: window.second, log_e, log_e_latency }
}

fn differs(said: &Decision, found: &Decision) -> BundleError {
    let at =
        |decision: &Decision| decision.at_second.map_or("no second".to_owned(), |at| format!("second {at}"));
    BundleError::Differs {
        said: said.verdict.as_str(),
        said_at: at(said),
        found: found.verdict.as_str(),
        found_at: at(found),
    }
}
