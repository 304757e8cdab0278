//! A guarded release: whether a flag goes to more users, stays where it is, or is turned off, by what came of requests of those who
//! have its variant and of those who have the other one.
//!
//! The control pass calls [`Watching::take`] with what the gateway counted and then [`decide()`]; [`follow()`] makes the release of
//! it. Nothing here knows a rollout but by its two revisions: where one goes on at the same time, the [`Grid`] says whether the
//! flag or the revision is to blame.
//!
//! **What is counted is users, not requests.** Who has which variant is drawn by user, so the requests of one user stand or fall
//! together, and a single user whose every request fails would condemn any flag. A cell of users counts as bad once, and what it does
//! after that is no part of it any more ([`Marks`]). What is left is the chance that a user who was well so far meets a bad answer, which
//! the [judge](crate::judge) compares as it does revisions: within each upstream and each revision, and with the same guarantee.

mod cells;
mod cursor;
mod decide;
mod follow;
mod grid;
mod marks;
mod sparse;
mod watching;

pub use decide::{Held, Next, decide};
pub use follow::follow;
pub use grid::{Culprit, Grid};
pub use marks::Marks;
pub use watching::{Beside, Side, Sighting, Watching};

#[cfg(test)]
mod tests;
