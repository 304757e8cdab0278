//! The audit log: who changed what and who was refused, as a chain in which nothing can be altered, taken out or moved unseen.
//!
//! An [`Entry`] is written as canonical JSON ([`canonical`]: RFC 8785 for what entries are made of) and hashed together with a word
//! that says what it is; it holds the hash of the entry before it. The first one holds a hash of the installation's id, so no chain
//! passes for another's. A [`Verifier`] reads a chain once, from front to back, and says where it is broken and how. That its end
//! was cut off is seen by whoever knows an [`Anchor`]: how far it had come at some time.
//!
//! Who writes it: `tidegate_store`, in the transaction of the change.

mod anchor;
mod canonical;
mod chain;
mod deed;
mod export;
mod filter;
mod hash;
mod own;
mod text;
mod turned;
mod verify;

#[cfg(test)]
mod tests;

pub use anchor::{Anchor, NoAnchor};
pub use canonical::canonical;
pub use chain::{Entry, Link, begin};
pub use deed::{Deed, Outcome};
pub use export::{ExportReader, Line, NoLine};
pub use filter::Filter;
pub use hash::{Hash, NoHash};
pub use own::own_deed;
pub use text::{bounded, shown};
pub use turned::{Told, Turned, TurnedAway};
pub use verify::{Broken, How, Verified, Verifier, verify};
