//! The decisions of Tidegate as plain data in, plain data out.
//!
//! Nothing in this crate reads a clock, a file, a socket or a random number: time and seeds come in as arguments.
//! Start at [`rollout::plan`], the one function that decides what happens to a service; [`model`] holds the words it
//! speaks in.
//!
//! - [`access`]: who asks, for what.
//! - [`advisory`]: what is known to be wrong with versions of packages.
//! - [`audit`]: who changed what, in a chain that nothing can be taken out of.
//! - [`balance`]: how a request finds its endpoint.
//! - [`check`]: what else is asked about a candidate, and what the answers mean.
//! - [`event`]: the user's timeline.
//! - [`experiment`]: what variants of a flag lead to.
//! - [`exposition`]: counts as Prometheus reads them.
//! - [`flag`]: what the code and its revisions mean for flags.
//! - [`guard`]: whether a flag's release goes on, by what comes of requests.
//! - [`health`]: the small event machines: probe, backoff.
//! - [`interval`]: how sure a difference of averages is, at all times.
//! - [`judge`]: what live traffic says of a candidate.
//! - [`judgement`]: from what the gateway counts to what the judge takes.
//! - [`migration`]: when a schema is expanded and contracted.
//! - [`notify`]: what those who want to know are told of events.
//! - [`pipeline`]: what becomes of a commit on its way into an environment.
//! - [`preview`]: environments that are made for branches and go by themselves.
//! - [`provenance`]: what is said of how a build came to be.
//! - [`redact`]: values of secrets taken out of what programs write.
//! - [`release`]: what is served of feature flags, and how that changes.
//! - [`sbom`]: what others wrote of a build.
//! - [`scale`]: how many instances the load asks for.
//! - [`schedule`]: when jobs run.
//! - [`setting`]: configuration of the run time, parameters, secrets.
//! - [`shared`]: a value that many have and few change.
//! - [`source`]: the repositories at Git hosts that apps follow.
//! - [`time`]: moments and spans.
//! - [`train`]: what services that are rolled out as one mean for each other.
//! - [`units`]: sizes and shares.
//! - [`view`]: what the API, the command line and the dashboard all show.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod access;
pub mod advisory;
pub mod audit;
pub mod balance;
pub mod check;
pub mod event;
pub mod experiment;
pub mod exposition;
pub mod flag;
pub mod guard;
pub mod health;
pub mod interval;
pub mod judge;
pub mod judgement;
pub mod migration;
pub mod model;
pub mod notify;
pub mod pipeline;
pub mod preview;
pub mod provenance;
pub mod redact;
pub mod release;
pub mod rollout;
pub mod sbom;
pub mod scale;
pub mod schedule;
pub mod setting;
pub mod shared;
pub mod source;
pub mod time;
pub mod train;
pub mod units;
pub mod view;
