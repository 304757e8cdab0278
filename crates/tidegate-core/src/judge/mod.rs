//! Decides about a candidate on live traffic: [`Judge`] takes the counts of both arms, [`Window`] by window, and says what it
//! makes of them by its [`Policy`]: continue, abort, promote or inconclusive.
//!
//! The method is betting on counts. Read [`bet`] (what one window says), [`case`] (why that may be looked at at any time), [`late`]
//! (faults that begin later), [`promotion`], then [`judge`] which puts them together. [`carried`] lets it begin with what was seen elsewhere. [`instances`] tells a bad instance from a bad
//! revision, [`forecast`] says beforehand what a decision will take, [`split`] makes an A/A test of recorded counts, and
//! [`bundle`] is a verdict with all it takes to compute it again.
//!
//! The control plane calls it each second. Nothing here knows of time or of where the counts come from.

pub mod bet;
pub mod bundle;
pub mod carried;
pub mod case;
pub mod decision;
pub mod excess;
pub mod forecast;
pub mod instances;
#[allow(clippy::module_inception)] // the judge of the judge's module: what users call it
pub mod judge;
pub mod late;
pub mod policy;
pub mod promotion;
pub mod split;
pub mod tally;
pub mod wealth;
pub mod window;
pub mod words;

pub use bundle::Bundle;
pub use carried::Carried;
pub use decision::{Count, Decision};
pub use forecast::{Forecast, Scene};
pub use instances::Instances;
pub use judge::{Judge, Odds, VersionError};
pub use policy::{Policy, PolicyError};
pub use split::Splitter;
pub use tally::{THRESHOLDS, Tally};
pub use window::Window;

#[cfg(test)]
mod tests;
