//! Processes: starting them apart from us or confined, telling them to end, and seeing which there are.

mod capability;
mod confine;
mod detach;
mod files;
mod inherited;
mod mapped;
mod mounts;
mod network;
mod role;
mod signal;
mod table;

pub use capability::{Capability, keep_capabilities};
pub use confine::{Confinement, User, is_root, own_user};
pub use detach::Detached;
pub use files::{allow_many_files, file_limit};
pub use inherited::Inherited;
pub use mapped::are_mapped;
pub use mounts::{Bind, MountPlan, can_hide_processes};
pub use network::can_be_offline;
pub use role::{NoChildren, Reaped, Signals, become_reaper, quit_stdio, reap};
pub use signal::{kill, kill_group};
pub use table::{Entry, all, descendants, entry, environ_has, start_time};
