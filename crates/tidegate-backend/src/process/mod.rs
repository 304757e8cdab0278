//! The backend of one machine: every unit is a process under a shim.
//!
//! Three places share this module. The control plane holds a [`ProcessBackend`]: it starts shims, watches them over their
//! sockets and asks the probes. The shim ([`shim_main`]) holds one unit's output, limits and exit, and outlives the
//! control plane. What both agree on is on disk in the unit's directory ([`place`]); `tidegate down` reads it there too
//! ([`stop_all`]).

mod abilities;
mod backend;
mod cgroup;
mod config;
mod doctor;
mod environment;
mod evidence;
mod isolation;
mod launch;
mod log;
mod message;
mod names;
mod ownership;
mod place;
mod port;
mod shim;
mod spec;
mod sweep;
mod usage;
mod watch;

pub use backend::ProcessBackend;
pub use config::{ProcessConfig, RunAs, Waker};
pub use doctor::doctor;
pub use log::SegmentLogs;
pub use shim::shim_main;
pub use sweep::{Stopped, stop_all};
