//! The messages and services of `proto/`, as they are made by the build.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

/// Evaluation, version 1.
pub(super) mod evaluation_v1 {
    tonic::include_proto!("flagd.evaluation.v1");
}

/// Evaluation, version 2.
pub(super) mod evaluation_v2 {
    tonic::include_proto!("flagd.evaluation.v2");
}

/// Sync, version 1.
pub(super) mod sync_v1 {
    tonic::include_proto!("flagd.sync.v1");
}
