//! What users see: data on standard output, talk on standard error. Plain text that reads the same everywhere; only
//! diagnostics are drawn with colour, on a terminal that wants it.

mod access;
mod audit;
mod deployed;
mod diagnostic;
mod doctor;
mod experiment;
mod explanation;
mod flag_code;
mod flag_key;
mod flags;
mod git_source;
mod guard;
mod identity;
mod jobs;
mod out;
mod pipeline;
mod pipeline_news;
mod plan;
mod previews;
mod provenance;
mod rollout;
mod setting;
mod status;
mod table;
mod text;
mod timeline;

pub use access::{access_explained, granted, policies_set, policy_outcomes, policy_set, revoked, roles};
pub use audit::{audit, audit_verdict};
pub use deployed::deployed;
pub use diagnostic::{diagnostics, mistakes_in};
pub use doctor::doctor;
pub use experiment::{experiment, experiments};
pub use explanation::explanation;
pub use flag_code::{flag_debt, flag_explanation};
pub use flag_key::{flag_key_made, flag_key_revoked, flag_keys};
pub use flags::{flag, flags, released, releases};
pub use git_source::{git_connected, git_sources};
pub use identity::{
    invited, logged_in, to_agree, token_made, token_revoked, tokens, user_changed, users, who,
};
pub use jobs::{job, jobs, run_of, runs};
pub use out::{Out, to_stderr};
pub use pipeline::{pipeline_run, pipeline_runs};
pub use pipeline_news::pipeline_news;
pub use plan::plan;
pub use previews::{leaving, previews};
pub use provenance::{keys, sbom, verified};
pub use rollout::rollout;
pub use setting::{
    config, config_diff, key_rotated, parameter_history, parameters, secrets, setting_changed,
};
pub use status::{scaled, status};
pub use text::{attributed, harmless, wrapped};
pub use timeline::event_line;
