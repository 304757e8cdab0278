//! What is said of how a build came to be, in the words of in-toto and SLSA: the files it is of, the statement about them, and the
//! bytes that are signed. Whoever has the keys and the files is elsewhere.

mod attestation;
mod claims;
mod dsse;
mod facts;
mod listing;
mod statement;

pub use attestation::{AdmittedBuild, AlteredBuild, Attestation};
pub use claims::{Claims, claims_of};
pub use dsse::{Envelope, PAYLOAD_TYPE, Signature, pae};
pub use facts::{Builder, Facts, Sealed, StepFact};
pub use listing::{Kind, Line, Listing};
pub use statement::{BUILD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, statement};

#[cfg(test)]
mod tests;
