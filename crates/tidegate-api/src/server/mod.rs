//! The server: `/v1/...` over TCP on loopback and a unix socket, for one control plane.
//!
//! Started by the wiring of `tidegate up`. Every endpoint is a line of the table in [`endpoints`]: the router and the
//! OpenAPI document are both made from it. Calls of the control plane block, so they run on the blocking pool.

mod access;
mod admit;
mod ask;
mod attempts;
mod audit;
mod backlog;
mod catch;
mod connection;
mod cookie;
mod crowd;
mod endpoint;
mod endpoints;
mod extract;
mod follow;
mod git;
mod guard;
mod hook;
mod listener;
mod openapi;
mod openid;
mod otlp;
mod problem;
mod server_key;
mod setting_desk;
mod spool;
mod tls;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_control::ControlPlane;
use tidegate_control::provenance::Provenance;
use tidegate_core::model::GatewayObservation;
use tokio::sync::{Semaphore, watch};

use crate::token::Token;
pub use access::{Access, Decided, EndpointNeed, needs};
pub use admit::IdentityDesk;
pub use git::GitConfig;
pub use hook::SourceDesk;
pub use listener::Listener;
pub use openid::OpenIdDesk;
pub use setting_desk::SettingDesk;

/// What the server needs to know.
#[derive(Debug)]
pub struct ApiConfig {
    /// Where it listens, bound already.
    pub listeners: Vec<Listener>,
    /// Opens it over TCP. Unix socket peers need none: they are the same user or root.
    pub token: Token,
    /// Where uploads are kept until the control plane takes them. On the same file system as the data directory.
    pub spool_dir: PathBuf,
    /// The largest upload in bytes.
    pub most_upload_bytes: u64,
    /// How many connections each listener serves at once: strangers on TCP cannot take the unix socket's.
    pub most_connections: usize,
    /// How many streams may follow events or logs at once.
    pub most_followers: usize,
    /// Where `/metrics` has its figures from.
    pub counts: CountsSource,
    /// The apps' Git repositories; `None`: they are not served.
    pub git: Option<GitConfig>,
    /// Who answers about repositories at Git hosts; `None`: none are followed.
    pub sources: Option<SourceDesk>,
    /// Who answers about access; `None`: nobody but the owner is let in.
    pub access: Option<Access>,
    /// Who decides about users, tokens and sessions; `None`: nobody but the owner is let in.
    pub identity: Option<IdentityDesk>,
    /// Who answers about logins on the word of an identity provider; `None`: no provider lets anybody in.
    pub openid: Option<OpenIdDesk>,
    /// Who answers about builds and keys; `None`: nobody does.
    pub provenance: Option<ProvenanceDesk>,
    /// Who answers about configuration, parameters and secrets; `None`: nobody.
    pub settings: Option<SettingDesk>,
}

impl ApiConfig {
    /// The largest upload unless said otherwise: 4 GiB and the room a tar's headers take.
    pub const MOST_UPLOAD_BYTES: u64 = (4 << 30) + (256 << 20);

    /// A configuration with the usual limits.
    pub fn new(listeners: Vec<Listener>, token: Token, spool_dir: PathBuf) -> Self {
        ApiConfig {
            listeners,
            token,
            spool_dir,
            most_upload_bytes: Self::MOST_UPLOAD_BYTES,
            most_connections: 256,
            most_followers: 64,
            counts: CountsSource::default(),
            git: None,
            sources: None,
            access: None,
            identity: None,
            openid: None,
            provenance: None,
            settings: None,
        }
    }
}

/// Who answers about builds and keys.
#[derive(Clone)]
pub struct ProvenanceDesk(pub Arc<dyn Provenance>);

impl std::fmt::Debug for ProvenanceDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProvenanceDesk").finish_non_exhaustive()
    }
}

/// What the gateway last reported; nothing where none is connected. The default never has anything.
#[derive(Clone)]
pub struct CountsSource(pub Arc<dyn Fn() -> GatewayObservation + Send + Sync>);

impl Default for CountsSource {
    fn default() -> Self {
        CountsSource(Arc::new(GatewayObservation::default))
    }
}

impl std::fmt::Debug for CountsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountsSource").finish_non_exhaustive()
    }
}

/// What every handler may use.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

pub(crate) struct Inner {
    plane: Arc<dyn ControlPlane>,
    token: Token,
    spool_dir: PathBuf,
    most_upload_bytes: u64,
    /// One permit a stream: each holds a thread of the blocking pool now and then.
    followers: Arc<Semaphore>,
    /// Turns true when the server is to end: streams end then.
    ending: watch::Receiver<bool>,
    openapi: Bytes,
    counts: CountsSource,
    /// Events on their way in.
    backlog: backlog::Backlog,
    git: Option<git::GitServer>,
    hooks: Option<hook::HookServer>,
    access: Option<Access>,
    identity: Option<IdentityDesk>,
    openid: Option<openid::OpenIdServer>,
    /// Who shows wrong tokens.
    attempts: attempts::Attempts,
    provenance: Option<ProvenanceDesk>,
    settings: Option<SettingDesk>,
    started_ms: u64,
    /// Who was turned away, for the audit log.
    away: audit::Away,
}

impl std::ops::Deref for Shared {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A clock before 1970 is taken for 1970.
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Serves until `shutdown` is over, then lets requests in progress finish for a moment.
///
/// # Errors
/// Where the spool directory cannot be made or a listener cannot be used.
pub async fn serve(
    config: ApiConfig,
    plane: Arc<dyn ControlPlane>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    spool::prepare(&config.spool_dir)?;
    let (end, ending) = watch::channel(false);
    let base = git::base_of(config.listeners.iter().map(Listener::address));
    let shared = Shared(Arc::new(Inner {
        plane,
        token: config.token,
        spool_dir: config.spool_dir,
        most_upload_bytes: config.most_upload_bytes,
        followers: Arc::new(Semaphore::new(config.most_followers)),
        ending: ending.clone(),
        openapi: openapi::document(),
        counts: config.counts,
        backlog: backlog::Backlog::default(),
        git: config.git.map(|git| git::GitServer::new(git, base)),
        hooks: config.sources.map(hook::HookServer::new),
        access: config.access,
        identity: config.identity,
        openid: config.openid.map(openid::OpenIdServer::new),
        attempts: attempts::Attempts::default(),
        provenance: config.provenance,
        settings: config.settings,
        started_ms: now_ms(),
        away: audit::Away::default(),
    }));
    let telling = tokio::spawn(audit::keep_telling(shared.clone(), ending.clone()));
    let router = endpoints::router(shared);
    let mut accepting = tokio::task::JoinSet::new();
    for listener in config.listeners {
        let seats = Arc::new(Semaphore::new(config.most_connections));
        accepting.spawn(listener.into_async()?.accept(router.clone(), seats, ending.clone()));
    }
    drop(router);
    shutdown.await;
    let _ = end.send(true);
    while accepting.join_next().await.is_some() {}
    // One that panicked has told what it could.
    let _ = telling.await;
    Ok(())
}
