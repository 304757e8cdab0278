//! Puts the parts together into the processes of `tidegate up`. Nothing here decides anything about apps.

pub mod data_dir;
pub mod gateway;
#[cfg(debug_assertions)]
mod killed;
pub mod server;
