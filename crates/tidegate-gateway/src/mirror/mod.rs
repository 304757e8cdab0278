//! Copies of requests for another arm or service, so that a candidate can be watched without anybody meeting it.
//!
//! [`Mirror`] is a service's compiled wish; the worker asks it at admission and gets a [`Permit`] for a request that is
//! copied. From there on everything happens beside the original: [`Tap`] keeps what passes of its body, [`Witness`] looks
//! at the answer as it goes by, and [`Post`], a thread of its own, sends the copy, reads its answer and compares. Where noise is to
//! be told from differences it sends the request to who answers the client as well, a second time. Nothing here
//! may make the original wait or fail: what is too large, too much or too late is dropped and counted.

mod admit;
mod answer;
mod body;
mod budget;
mod case;
mod ignore;
mod json;
mod ledger;
mod permit;
mod post;
mod send;
mod standing;
mod tap;
mod terms;
mod wish;
mod witness;

pub(crate) use budget::Budget;
use ledger::Ledger;
pub(crate) use permit::{Mirrored, Permit};
pub(crate) use post::Post;
pub(crate) use standing::Standing;
pub(crate) use tap::Tap;
pub(crate) use wish::{Mirror, To};
pub(crate) use witness::Witness;

/// Most bytes of a request's body that are kept for its copy.
const LARGEST_BODY: usize = 1024 * 1024;
/// Most bytes of an answer's body that are compared; no more of a copy's is read.
const LARGEST_ANSWER: u64 = 1024 * 1024;
/// Most bytes of a JSON answer that are kept to be compared by what they say; a larger one is compared byte by byte.
const LARGEST_JSON: usize = 256 * 1024;
