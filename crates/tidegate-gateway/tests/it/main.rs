//! The gateway from outside: real sockets on loopback on both sides, every byte known.
#![allow(clippy::unwrap_used)] // all of it is tests

mod access_log;
mod acme;
mod alive;
mod arms;
mod balance;
mod bodies;
mod control;
mod corpus;
mod counts;
mod drain;
mod floods;
mod grpc;
mod h2;
mod handover;
mod heads;
mod kept;
mod leaving;
mod metrics;
mod mirror;
mod overload;
mod policy_access;
mod policy_clients;
mod policy_compress;
mod policy_site;
mod policy_sizes;
mod policy_targets;
mod proxied;
mod races;
mod routes;
mod stage;
mod swap;
mod tls;
mod traces;
mod upgrade;
mod weights;
