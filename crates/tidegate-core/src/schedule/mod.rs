//! When jobs run: schedules and their slots, and what is done about them.
//!
//! [`Schedule`] says which instants a cron expression in a time zone means. [`plan()`] decides what becomes of one job: which
//! slots are due, which were missed, what overlaps, what is tried again. [`adopt()`] moves an environment's jobs to another
//! revision. All of it is plain data in and out; the time zones are those the program was built with, so that a machine
//! without any decides the same.

mod adopt;
mod expression;
mod lines;
mod overlap;
mod plan;
mod slots;
#[cfg(test)]
mod tests;
mod text;

pub use adopt::{Adopted, adopt, agreed};
pub use expression::{Schedule, ScheduleError};
pub use plan::{Attempt, Input, Now, Plan, plan};
pub use text::{Zoned, instant, is_civil, zones};
