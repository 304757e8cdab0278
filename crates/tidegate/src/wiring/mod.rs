//! Puts the parts together into the processes of `tidegate up`. Nothing here decides anything about apps.

pub mod backups;
pub mod certificates;
pub mod data_dir;
mod exposures;
pub mod flags;
pub mod gateway;
pub mod git;
mod identity;
#[cfg(debug_assertions)]
mod killed;
pub mod observe;
pub mod openid;
mod program;
pub mod server;
mod upgrade;

/// The program as it runs: other processes of ours are the same one, also where the file on disk was replaced or removed since.
const PROGRAM: &str = "/proc/self/exe";
