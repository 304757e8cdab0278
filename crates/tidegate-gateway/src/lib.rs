//! The L7 data plane: a process of its own between users and instances, and the link by which the control plane leads it.
//!
//! Two sides. [`gateway_main`] is the process: workers that share nothing a request would wait for, a
//! control socket, the last routing table on disk. [`control::GatewayLink`] is the control plane's end: push a table, see
//! what every worker uses and what is in flight. The gateway decides nothing about rollouts; it does what the table says.
//!
//! A request has two ways. The fast one, `h1`, is our own HTTP/1.1 for what is plain. The general one is for everything:
//! `front` (parse, police) → `policy` (middleware) → `exchange` → `upstream` (send, relay); HTTP is hyper's there, in
//! `front` and `upstream` only. Who gets a request (`route`, `assign`, `balance`, `admission`) and what is counted of it
//! (`count`, `observe`) is the same for both.

mod admission;
mod assign;
mod badge;
mod balance;
mod client_id;
pub mod control;
mod count;
mod descriptors;
mod door;
mod drain;
mod endpoint;
mod epochs;
mod exchange;
mod flags;
mod front;
mod gateway;
mod geo;
mod guest;
mod h1;
mod handover;
mod head;
mod hold;
mod limits;
mod listen;
mod local;
mod mirror;
mod observe;
mod open;
mod own;
mod page;
mod policy;
mod proxy_protocol;
mod registry;
mod reign;
mod route;
mod socket;
mod start;
mod table_file;
mod target;
mod ticket;
pub mod tls;
mod trailer;
mod trial;
mod tunnel;
mod upstream;
mod view;
mod worker;

#[doc(hidden)]
pub mod fuzz;

pub use gateway::{GatewayConfig, GatewayError, gateway_main, gateway_run};
pub use guest::{Certificates, Guest};
pub use limits::Limits;
pub use observe::{AccessLog, LogTarget, Observe, ObserveError, Sample, TraceMode};
