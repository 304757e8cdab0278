//! Feature flags as flagd defines them: the text of a flag file in, values with reasons out.
//!
//! Nothing in this crate reads a clock, a file or a socket: the text and the time come in as arguments. The gateway's flag
//! servers and the command line call it; start at [`FlagSet`].
//!
//! - [`FlagSet`]: one file, compiled once and shared; [`FlagSet::resolve`] is the hot path.
//! - [`Context`]: who asks.
//! - [`Resolution`] and [`Failure`]: what one evaluation said.
//! - [`Explanation`]: which rule and which bucket decided.
//! - [`Change`]: what differs between two sets.
//! - [`mention`]: which flags a source text speaks of.
//!
//! Inside, a rule is compiled to nodes (`logic`) once; rollouts are drawn by `fractional`; what Tidegate adds to flagd's
//! language (segments, ramps, schedules, prerequisites) is written out in flagd's own terms before that (`lower`), so that
//! every flagd client that evaluates by itself says the same as the server.

mod change;
mod class;
mod context;
mod draw;
mod explain;
mod file;
mod flag;
mod logic;
mod lower;
pub mod mention;
mod options;
mod resolution;
mod set;

pub use change::{Change, ChangeKind};
pub use class::Class;
pub use context::{Context, ContextError};
pub use explain::{Explanation, Step};
pub use file::{FlagFileError, document};
pub use mention::Mention;
pub use options::{Fractional, Options};
pub use resolution::{ErrorCode, Failure, Reason, Resolution};
pub use set::{FlagSet, Problem};

/// A JSON object, as flag metadata and evaluation contexts are.
pub type Map = serde_json::Map<String, serde_json::Value>;
