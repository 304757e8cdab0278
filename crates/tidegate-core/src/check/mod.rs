//! Checks beside the judge: what is asked of the world about a candidate while it is rolled out, and what the answers mean.
//!
//! The planner keeps a [`CheckState`] for every check that counts just now, in the rollout itself; the shell asks what is due
//! ([`CheckState::next_ask`]) and brings what it [`Heard`]. Nothing here knows how a question is asked.

mod answer;
mod places;
mod standing;
mod state;

pub use answer::{Answer, Heard};
pub use places::Places;
pub use standing::Standing;
pub use state::{Answered, CheckState, Counted};

#[cfg(test)]
mod tests;
