//! A load generator for HTTP/1.1 that accounts for every request.
//!
//! It speaks over plain sockets, so no client library hides a retry, a broken connection or a short body. Requests
//! start on a fixed timetable whatever the server does (open loop), and latency counts from the time in the
//! timetable: a server that stalls cannot hide it. Read [`run::run`] first, then [`exchange`].
//!
//! It must not know anything of Tidegate beyond the names of a few headers: it is the outside witness.

pub mod answer;
pub mod config;
pub mod connection;
pub mod exchange;
pub mod histogram;
pub mod outcome;
pub mod payload;
pub mod progress;
pub mod report;
pub mod request;
pub mod run;
pub mod seen;
pub mod stream;
pub mod tally;
pub mod target;
pub mod tls;
