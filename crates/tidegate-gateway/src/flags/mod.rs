//! Flags that are evaluated for each request of an upstream: given on to the instance, and counted by.
//!
//! [`Watched`] is an upstream's flags, compiled for one table; the worker asks it at admission for a [`Drawn`], which writes
//! the variants into the request's head and goes with its [ticket](crate::ticket), so that the request is counted as its first
//! attempt ended. What flags are comes from `flags.json` ([`Sets`]), which the control plane writes and may be dead. An
//! upstream without watched flags has none of this.
//!
//! The user is read from the request and stored nowhere: a cell of many users is all that is counted by. The users of an experiment are
//! told to the control plane under digests, by files in the gateway's directory ([`Ledger`]).

mod baggage;
mod bundle;
mod drawn;
mod exposed;
mod ledger;
mod own_rules;
mod rows;
mod sets;
mod user;
mod watched;

pub(crate) use baggage::{speaks_for_us, strip};
pub(crate) use bundle::FILE;
pub(crate) use drawn::Drawn;
pub(crate) use ledger::{Ledger, keep};
pub(crate) use rows::FlagRows;
pub(crate) use sets::{Sets, follow};
pub(crate) use watched::Watched;
