//! Experiments on flags: users are dealt out to variants, what they did is measured, and the difference is told with an interval
//! that holds however often anyone looks.
//!
//! The control plane reads a [`Design`] from a flag's definition and what is served of it, hands each user to
//! [`Experiment`] once their time is over, and shows what [`Experiment::findings`] says. Nothing here knows who a user
//! is, or where events come from.
//!
//! - [`moments`](Moments): what is kept of a variant's values.
//! - [`split`](log_evidence): the alarm where users were not dealt out as meant.
//! - [`findings`](Finding): intervals, and what follows from them.
//! - [`Visits`]: what the gateway saw of a user's requests; [`Intake`]: which of its reports were counted.
//! - [`Experiment::holds_split`]: whether what is served may be changed meanwhile.

mod batch;
mod design;
mod draw;
mod findings;
mod intake;
mod meaning;
mod metric;
mod moments;
mod running;
mod said;
mod split;
mod user;
mod visits;

pub use batch::{At, EventBatch, EventsTaken, Exposure, MOST_EVENTS, Measurement};
pub use design::{Design, ExperimentKey, MOST_USERS, MOST_VARIANTS};
pub use findings::{Finding, Verdict};
pub use intake::Intake;
pub use meaning::{Meaning, written_out};
pub use metric::{MOST_METRICS, Metric, Source};
pub use moments::Moments;
pub use running::{Arm, Decision, End, Experiment, LeftOut};
pub use said::{told_users, wrong_with};
pub use split::{ALARM, Drawn, is_alarming, log_evidence};
pub use user::{Measure, User, UserDigest};
pub use visits::Visits;

#[cfg(test)]
mod simulation;
