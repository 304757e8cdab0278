//! The client's side: what is read from a client, and what it is told. [`serve()`] leads every
//! connection to the fast path first; what that does not take is parsed and written by hyper here, and nowhere else but in
//! [`crate::upstream`].

mod alarm;
mod answer;
mod client;
mod connection;
mod h2;
pub(crate) mod screen;
mod serve;
mod stream;
mod wire;

pub(crate) use alarm::Alarm;
pub(crate) use answer::{Answer, Part};
pub(crate) use client::{Claim, Client, Exhausted, HALF_CLOSED_WAIT, LINGER, refusal_text};
pub(crate) use serve::{boxed, serve};
pub(crate) use stream::Stream;
pub(crate) use wire::Wire;
