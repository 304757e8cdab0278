//! The control socket: how the control plane hands the gateway its tables and hears what came of them.

pub(crate) mod lines;
pub(crate) mod server;

mod link;
pub mod protocol;
mod telling;

pub use link::{GatewayLink, Waker};
