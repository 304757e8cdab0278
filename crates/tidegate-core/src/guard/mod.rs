//! A guarded release: whether a flag goes to more users, stays where it is, or is turned off, by what came of requests of those who
//! have its variant and of those who have the other one.
//!
//! The control pass calls [`Watching::take`] with what the gateway counted and then [`decide()`]; [`follow()`] makes the release of
//! it. Nothing here knows a rollout but by its two revisions: where one goes on at the same time, the [`Grid`] says whether the
//! flag or the revision is to blame.
//!
//! **What is counted is users, not requests.** Who has which variant is drawn by user, so the requests of one user stand or fall
//! together, and a single user whose every request fails would condemn any flag. A cell of users counts as bad once, and what it does
//! after that is no part of it any more ([`Marks`]). Whether the first bad answer of a cell is one of a user with the variant is
//! drawn like the users are, so the share they were drawn by says how often it may be, whatever single users do (`Service`). The
//! [judge](crate::judge) bets on that, for each service, and one average of all services ([`Watching`]) decides.

mod cells;
mod charge;
mod cursor;
mod decide;
mod exposure;
mod follow;
mod fresh;
mod grid;
mod marks;
mod pair;
mod service;
mod sighting;
mod sparse;
mod stake;
mod watching;

pub use charge::Charge;
pub use decide::{Held, Next, decide};
pub use follow::follow;
pub use grid::{Blame, Culprit, Grid};
pub use marks::Marks;
pub use sighting::{Beside, Sighting};
pub use watching::{Side, Watching};

#[cfg(test)]
mod tests;
