//! The client's side: what is read from a client, and what it is told. HTTP/1.1 is parsed and written by hyper here and
//! nowhere else but in [`crate::upstream`]; a parser of our own can take its place behind [`connection::serve`].

mod alarm;
mod answer;
mod client;
pub(crate) mod connection;
mod screen;
mod stream;

pub(crate) use alarm::Alarm;
pub(crate) use answer::{Answer, Part};
pub(crate) use client::Client;
pub(crate) use stream::{Stream, Wire};
