//! The operating system behind safe calls: the one crate that may use unsafe code.
//!
//! Used by the backend, the gateway, the control plane and the binary. It knows nothing of instances, rollouts or routes;
//! each module is a thin wrapper, and each unsafe block says why it is sound.
#![allow(unsafe_code)] // the reason this crate exists; every block carries a SAFETY line

pub mod beneath;
pub mod clock;
pub mod egress;
pub mod file;
pub mod handoff;
pub mod lock;
pub mod pipe;
pub mod process;
pub mod socket;
pub mod terminal;
