//! What others wrote of a build: the packages its lock files name, and the document that lists them.

mod component;
mod cyclonedx;

pub use component::{Component, Ecosystem, Hash};
pub use cyclonedx::{Of, components_of, cyclonedx};
