//! The fast path: HTTP/1.1 between a client and an instance, byte for byte, without an allocation or a lock per request.
//!
//! It carries what nearly all requests are: origin-form HTTP/1.1 with a known framing, on a route without middleware, to
//! an instance that speaks plain HTTP/1.1. Whatever is anything else (or is not a good message at all) is left unread
//! in the input, and the connection goes to the general path with it, which has a rule for everything. So this parser
//! never has to refuse a head; it only has to know for certain what it takes.
//!
//! [`serve`] is the only way in. Heads are decided on in [`request`] and [`answer`], at once and without waiting;
//! [`transfer`] moves the bytes.

mod account;
mod answer;
mod body;
mod buffer;
mod connection;
mod desk;
mod events;
mod lines;
mod request;
mod splice;
mod transfer;

pub(crate) use account::Account;
pub(crate) use answer::{MOST_INTERIM, judge};
pub(crate) use body::Framing;
pub(crate) use connection::{Served, serve, wait};
pub(crate) use desk::Desks;
pub(crate) use lines::{Found, Lines};
pub(crate) use splice::Pipes;

/// For fuzz targets: where a head that is taken ends, and the size of its body; `None` for one in chunks.
pub(crate) fn fuzz_head(bytes: &[u8]) -> Option<(usize, Option<u64>)> {
    let lines::Found::Head(length) = lines::Lines::default().find(bytes) else { return None };
    request::framing(&bytes[..length]).map(|framing| (length, framing))
}
