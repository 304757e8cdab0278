//! What the gateway tells of the requests it served: the access log and traces. Counts are in [`crate::count`].
//!
//! Both paths do the same three things: ask [`Observer::wish`] once a request has its id (one branch where there is no
//! log), keep what the log needs if it is wanted, and hand a [`Record`] to [`Observer::observe`] when the request is over.
//! In the general path [`Trail`] does all three.
//!
//! Nothing here may keep a worker waiting: lines go to a thread of their own, and are lost where it cannot keep up.

mod config;
#[cfg(test)]
mod cost;
mod file;
mod json;
mod line;
mod log;
pub(crate) mod metrics;
mod observer;
mod record;
mod sample;
mod stamp;
mod trace;
mod trail;
mod writer;

pub use config::{AccessLog, LogTarget, Observe, ObserveError, TraceMode};
pub(crate) use observer::{Observer, open};
pub(crate) use record::{Record, Served, Timing};
pub use sample::Sample;
pub(crate) use sample::Wish;
pub(crate) use trace::participate;
pub(crate) use trail::Trail;
pub(crate) use writer::{LogCounts, Writer};

/// No line is longer, whatever a client sends.
#[cfg(test)]
const LONGEST_LINE: usize = 128 * 1024;
