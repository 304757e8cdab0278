//! Scenario scripts: what people do and what happens to them, one line each, with the session they must give.
//!
//! ```text
//! # a comment
//! deploy r2 strategy=blue-green instances=2 port=auto behaviour=exits-after:5s   also: batch=, bake=, migrate=, build=,
//!     steps=5%:2s,analyse:8s,approve inconclusive=abort; what is said of it: behaviour=judge:abort@1
//! beside r2 api instances=2     another service of the next deploy; train all=web,api: rolled out as one from now on
//! rollback | retry | abort | pause | resume | promote | scale 3
//! wait 10s | wait rest | wait promoting
//! crash | kill | gateway-down 5s | freeze 2s | stall 30s | clock +1h
//! expect web phase=aborted stable=r1 instances=2 lost=0
//! ```
//! The service is `web` of the app `shop`; another one is named after the word: `deploy r2 worker port=none`.

mod play;
mod script;
mod steps;

pub use play::play;
pub use script::{Command, parse};
