//! Who answers about logins on the word of an identity provider, and how many of them are answered at a time.

use std::sync::Arc;

use axum::http::StatusCode;
use tidegate_control::openid::OpenId;
use tidegate_control::{Refusal, RefusalKind};
use tokio::sync::Semaphore;

use super::Shared;
use super::problem::Refused;

/// How many ask the provider at the same time: it may be slow, and others want threads too.
const MOST_AT_ONCE: usize = 8;

/// Who answers about logins on the word of an identity provider.
#[derive(Clone)]
pub struct OpenIdDesk(pub Arc<OpenId>);

impl std::fmt::Debug for OpenIdDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenIdDesk").finish_non_exhaustive()
    }
}

/// The same as the server has it.
pub(super) struct OpenIdServer {
    desk: OpenIdDesk,
    asking: Arc<Semaphore>,
}

impl OpenIdServer {
    pub(super) fn new(desk: OpenIdDesk) -> Self {
        OpenIdServer { desk, asking: Arc::new(Semaphore::new(MOST_AT_ONCE)) }
    }

    /// Whose word counts.
    pub(super) fn issuer(&self) -> &str {
        self.desk.0.issuer()
    }
}

/// Asks, on the blocking pool.
pub(super) async fn ask_openid<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&OpenId) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let server = shared.openid.as_ref().ok_or_else(not_served)?;
    let permit = Arc::clone(&server.asking).try_acquire_owned().map_err(|_| busy())?;
    let desk = server.desk.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        call(&desk.0)
    });
    match asked.await {
        Ok(answer) => Ok(answer?),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

fn busy() -> Refused {
    let message = "the identity provider is asked about other logins right now";
    Refused::at(StatusCode::TOO_MANY_REQUESTS, RefusalKind::Environment, "oidc::busy", message)
        .help("try again in a moment")
        .retry_after(2)
}

/// No provider was named.
pub(super) fn not_served() -> Refused {
    let message = "no identity provider lets anybody in here";
    Refused::at(StatusCode::NOT_FOUND, RefusalKind::NotFound, "oidc::not-served", message).help(
        "log in with a code: `tidegate login URL --code CODE`; `tidegate up --oidc-issuer` names a provider",
    )
}
