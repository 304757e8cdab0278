//! The apps' repositories over Git's own "smart" HTTP: `/git/APP.git`, for `git push`, `fetch` and `clone`.
//!
//! Beside the table of endpoints: Git says what these paths are and what is sent. Each request is answered by a process of the
//! git binary. What a push begins, its hooks ask for at `/v1/git/pushes`, which [`push`] answers.

mod caller;
mod incoming;
mod narrator;
pub(super) mod push;
mod rate;
mod service;
mod serving;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tidegate_control::git::{AccessKey, GitRepositories};
use tidegate_core::access::{Admission, Who};
use tidegate_core::model::Name;
use tokio::sync::Semaphore;

use super::Shared;
use crate::wire::GitUrls;
use rate::Rate;

/// How many pushes and fetches are served at once. One that waits for its run counts.
const MOST_AT_ONCE: usize = 32;

/// What serving Git takes.
#[derive(Clone, Debug)]
pub struct GitConfig {
    /// The repositories, prepared.
    pub repositories: GitRepositories,
    /// What opens them.
    pub key: AccessKey,
    /// The data directory.
    pub data: PathBuf,
}

/// What every handler may use of Git.
pub(super) struct GitServer {
    config: GitConfig,
    seats: Arc<Semaphore>,
    /// One at a time: it takes processor time from everybody else.
    tidying: Arc<Semaphore>,
    rate: Rate,
    /// `http://127.0.0.1:7070`: where this is found over TCP.
    base: String,
}

impl GitServer {
    pub(super) fn new(config: GitConfig, base: String) -> Self {
        GitServer {
            config,
            seats: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            tidying: Arc::new(Semaphore::new(1)),
            rate: Rate::default(),
            base,
        }
    }

    /// The addresses of an app's repository. `base`: what whoever asks calls this machine. To the owner with the app's token; others
    /// have a token of their own, and none of everybody's.
    pub(super) fn urls(
        &self,
        app: &Name,
        (asker, claimed): (&Admission, &str),
        base: Option<&str>,
    ) -> GitUrls {
        let base = base.unwrap_or(&self.base);
        let (scheme, host) = base.split_once("://").unwrap_or(("http", base));
        let signs = asker.signs(claimed);
        let (by, token) = (user_name(&signs), self.config.key.token(app));
        let who = match &asker.caller.who {
            Who::Owner => format!("{by}:{token}"),
            Who::User { .. } | Who::Service { .. } | Who::Stranger => by.to_owned(),
        };
        GitUrls { app: app.clone(), http: format!("{scheme}://{who}@{host}/git/{app}.git") }
    }

    fn data(&self) -> &Path {
        &self.config.data
    }

    /// After a push: packs what has piled up, in the background and never twice at once.
    fn tidy(&self, app: &Name) {
        let Ok(seat) = Arc::clone(&self.tidying).try_acquire_owned() else { return };
        let Some(repository) = self.config.repositories.get(app) else { return };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = repository.tidy() {
                tracing::warn!(%error, "a repository could not be tidied");
            }
            drop(seat);
        });
    }
}

/// A name that needs no quoting in an address; `git` where theirs would.
fn user_name(by: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=64).contains(&by.len()) && by.bytes().all(plain) { by } else { "git" }
}

/// The paths that Git's clients ask for.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/git/{repository}/info/refs", get(service::advertise))
        .route("/git/{repository}/git-receive-pack", post(service::receive))
        .route("/git/{repository}/git-upload-pack", post(service::upload))
}

/// Where the API is found over TCP, from how its listeners call themselves: `http://127.0.0.1:7070`.
pub(super) fn base_of(mut addresses: impl Iterator<Item = String>) -> String {
    let tcp = addresses.find(|address| address.contains("://")).unwrap_or_default();
    tcp.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")
}

/// The same of a host that somebody reached it by.
pub(super) fn base(tls: bool, host: &str) -> String {
    format!("{}://{host}", if tls { "https" } else { "http" })
}

/// What went wrong on this machine, for the log; the client is told less.
fn trouble(what: &str, error: &io::Error) {
    tracing::error!(%error, what, "Git cannot be served");
}
