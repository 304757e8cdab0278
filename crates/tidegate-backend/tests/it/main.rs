//! The process backend with real shims and real processes.

#![allow(clippy::unwrap_used)] // also what tests share may panic

mod adopt;
mod bounds;
mod confine;
mod ending;
mod idle;
mod life;
mod output;
mod probes;
mod sealed;
mod yard;
