//! Who, when and what for.

mod approval;
mod calendar;
mod filter;
mod junit;
mod pattern;
mod plan;
mod supersede;
