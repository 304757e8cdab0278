//! Processes: starting them apart from us or confined, telling them to end, and seeing which there are.

mod confine;
mod detach;
mod files;
mod inherited;
mod mounts;
mod network;
mod role;
mod signal;
mod table;

pub use confine::{Confinement, User, is_root, own_user};
pub use detach::Detached;
pub use files::{allow_many_files, file_limit};
pub use inherited::Inherited;
pub use mounts::{Bind, MountPlan};
pub use network::can_be_offline;
pub use role::{NoChildren, Reaped, Signals, become_reaper, quit_stdio, reap};
pub use signal::{kill, kill_group};
pub use table::{Entry, all, descendants, entry, environ_has, start_time};
