//! How a build came to be, signed; and whether its files are still those that were signed.
//!
//! ```text
//! <data>/keys/ring.json          the keys of this installation, their public halves; the last one signs
//! <data>/keys/<id>.pk8           the private half of the one that signs
//! <data>/provenance/<build>/     its listing, and the list of its components
//! ```
//! The statement itself is in the store, written in the transaction that makes a build ready: there is no build without one. Sealing
//! writes the two files before that; what an earlier try left is written over.

mod advisories;
mod desk;
mod envelope;
mod findings;
mod keys;
mod look;
mod materials;
mod meant;
mod offline;
mod verify;

pub use advisories::Advisories;
pub use desk::{Desk, Provenance};
pub use envelope::{PublicKey, opened};
pub use findings::findings;
pub use keys::Keys;
pub(crate) use look::{Kept, inspected};
pub use look::{Look, look};
pub use materials::components;
pub(crate) use materials::materials;
pub(crate) use meant::build_meant;
pub use offline::verify_offline;
pub(crate) use verify::{trouble, verified};

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
