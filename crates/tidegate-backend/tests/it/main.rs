//! The process backend with real shims and real processes.

mod adopt;
mod confine;
mod ending;
mod life;
mod output;
mod probes;
mod yard;
