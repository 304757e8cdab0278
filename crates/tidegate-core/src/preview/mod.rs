//! Previews: environments that are made for branches and go by themselves.
//!
//! [`slug()`] says what stands for a branch in the names of its environment and its hosts, [`to_go()`] which previews have to go now.
//! All of it is plain data in and out.

mod plan;
mod slug;
#[cfg(test)]
mod tests;

pub use plan::{ToGo, crowded_out, to_go};
pub use slug::{LONGEST_BASE, LONGEST_SLUG, PLACEHOLDER, environment_of, host_of, slug};
