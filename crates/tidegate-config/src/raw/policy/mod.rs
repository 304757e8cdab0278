//! What the gateway does with the requests of a route besides passing them on: one file for each key.
//!
//! Every reader here makes the model's own type. A block is replaced as a whole by an environment, as its route is.

mod basic_auth;
mod compress;
mod cors;
mod headers;
mod https;
mod maintenance;
mod rate_limit;
mod redirect;
mod rewrite;

pub(crate) use basic_auth::RawBasicAuth;
pub(crate) use compress::RawCompress;
pub(crate) use cors::RawCors;
pub(crate) use headers::{RawHeaderEdit, RawHeaders};
pub(crate) use https::RawHttps;
pub(crate) use maintenance::RawMaintenance;
pub(crate) use rate_limit::RawRateLimit;
pub(crate) use redirect::RawRedirect;
pub(crate) use rewrite::RawRewrite;
