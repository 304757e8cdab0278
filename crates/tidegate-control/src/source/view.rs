//! What is told of repositories that are followed, and what `doctor` finds.

use tidegate_core::model::{GitSource, Name, SourceAccess};
use tidegate_core::time::{Millis, Moment};
use tidegate_core::view::{DoctorFinding, GitSourceList, GitSourceView, HookView, Severity};
use tidegate_store::Reader;

use super::follows_nothing;
use crate::answer::{rfc3339, store_trouble};
use crate::handle::Handle;
use crate::plane::Refusal;

/// All of them.
pub(super) fn list(handle: &Handle) -> Result<GitSourceList, Refusal> {
    let now = handle.published().state().now;
    let sources = handle.read(|answers| answers.store.git_sources().map_err(store_trouble))?;
    Ok(GitSourceList { sources: sources.iter().map(|source| view_of(source, now)).collect() })
}

/// The one an app follows.
pub(super) fn one(handle: &Handle, app: &Name) -> Result<GitSourceView, Refusal> {
    let source = source_of(handle, app)?.ok_or_else(|| follows_nothing(app))?;
    Ok(view_of(&source, handle.published().state().now))
}

/// The one an app follows; `None`: it follows none.
pub(super) fn source_of(handle: &Handle, app: &Name) -> Result<Option<GitSource>, Refusal> {
    handle.read(|answers| answers.store.git_source(app).map_err(store_trouble))
}

fn view_of(source: &GitSource, now: Moment) -> GitSourceView {
    let state = &source.state;
    let seconds = |span: Millis| span.0 as f64 / 1_000.0;
    let hook = state.hook.as_ref().map(|hook| HookView {
        at: rfc3339(hook.at_unix_ms),
        host: hook.host.clone(),
        said: hook.said.clone(),
    });
    GitSourceView {
        app: source.app.to_string(),
        url: source.address.clone(),
        branches: source.branches.clone(),
        poll_seconds: source.poll.map(seconds),
        access: access(&source.access).to_owned(),
        state: word(source).to_owned(),
        failures: state.failures,
        error: state.error.clone(),
        looked_at: state.looked_at_unix_ms.map(rfc3339),
        next_look_seconds: state.due.map(|due| seconds(due.since(now))),
        hook,
        hook_path: format!("/v1/hooks/{}", source.app),
        heads: state.heads.clone(),
        connected_at: rfc3339(source.made_at_unix_ms),
        by: source.by.clone(),
    }
}

fn access(access: &SourceAccess) -> &'static str {
    match access {
        SourceAccess::Open => "none",
        SourceAccess::Token { .. } => "token",
        SourceAccess::Key => "ssh-key",
    }
}

fn word(source: &GitSource) -> &'static str {
    match (&source.state.error, source.state.looked_at_unix_ms) {
        (Some(_), _) => "failing",
        (None, Some(_)) => "ok",
        (None, None) => "new",
    }
}

/// What `doctor` says of them.
pub(crate) fn findings(store: &Reader) -> Vec<DoctorFinding> {
    match store.git_sources() {
        Ok(sources) => sources.iter().map(finding).collect(),
        // The store speaks for itself.
        Err(_) => Vec::new(),
    }
}

fn finding(source: &GitSource) -> DoctorFinding {
    let GitSource { app, address, state, poll, .. } = source;
    let about = |severity, message: String, help: Option<&str>| DoctorFinding {
        severity,
        check: "git-source".to_owned(),
        message,
        help: help.map(str::to_owned),
    };
    if let Some(error) = &state.error {
        let message = format!("{app}: {address} could not be read {} times: {error}", state.failures);
        let help = "it is tried again by itself; `tidegate git connect` connects it anew";
        return about(Severity::Warning, message, Some(help));
    }
    if state.hook.is_none() && poll.is_none() {
        let message = format!("{app}: no webhook of {address} has come, and it is not polled");
        let help = "set one up at its host, as docs/guides/existing-git-hosts.md says, or connect it with `--poll 1m`";
        return about(Severity::Warning, message, Some(help));
    }
    about(Severity::Ok, format!("{app} follows {address}"), None)
}
