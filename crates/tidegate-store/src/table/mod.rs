//! One file per table family: its reading methods on [`Reader`](crate::Reader), its writing ones on [`Tx`](crate::Tx).
//! Lists come oldest first unless a method says otherwise.

mod access_codes;
mod access_sessions;
mod access_tokens;
mod app_users;
mod attestations;
pub(crate) mod audit;
mod build_flags;
mod builds;
mod config_versions;
pub(crate) mod counters;
mod deploys;
mod environments;
pub(crate) mod events;
mod experiments;
mod flag_definitions;
mod flag_documents;
mod flag_guards;
mod flag_keys;
mod flag_states;
mod git_sources;
mod instances;
mod jobs;
mod judgements;
pub(crate) mod meta;
mod migrations;
mod notices;
mod outbox;
mod parameters;
mod pipeline_runs;
mod policy_versions;
mod releases;
mod revisions;
mod role_bindings;
mod rollouts;
mod routing;
mod schedules;
mod secrets;
mod services;
mod traffic;
mod users;

use tidegate_core::model::{Name, ServiceKey};

use crate::{StoreError, row};

/// The service key in three columns of a row, the first of them at `first`.
fn key_of(table: &'static str, found: &rusqlite::Row<'_>, first: usize) -> Result<ServiceKey, StoreError> {
    Ok(ServiceKey {
        app: name_of(table, found, first)?,
        environment: name_of(table, found, first + 1)?,
        service: name_of(table, found, first + 2)?,
    })
}

fn name_of(table: &'static str, found: &rusqlite::Row<'_>, column: usize) -> Result<Name, StoreError> {
    let text = found.get_ref(column)?.as_str().unwrap_or_default();
    text.parse().map_err(|_| row::damaged(table, "a column that is to hold a name does not"))
}
