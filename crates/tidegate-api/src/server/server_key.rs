//! Endpoints that apps send events to: the server keys by which they ask for an environment's flags open those for that environment, and
//! nothing else. Whoever else is let in may use them too.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use tidegate_control::{RefusalKind, Scope};
use tokio::time::Instant;

use super::Shared;
use super::admit::guessing;
use super::ask::ask;
use super::extract::Params;
use super::guard::{self, Peer, bearer};
use super::hook::caller;
use super::problem::Refused;
use crate::wire::ScopeParams;

/// How the keys begin. What begins otherwise is not looked for.
pub(super) const PREFIX: &str = "tidegate-server-";
/// A longer one is none.
const LONGEST: usize = 128;

/// Whose key a request came with. In its extensions; none: the owner's.
#[derive(Clone, Debug)]
struct KeyOf(Scope);

/// Where events of a request belong: where its query says, which is where its key is for.
pub(super) struct EventScope(pub(super) Scope);

/// Over these endpoints, in the place of [`super::guard::authorized`].
pub(super) async fn authorized(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    if let Some(key) = key_of(&request) {
        let counted = request.extensions().get::<Peer>().and_then(|peer| caller::of(peer, request.headers()));
        shared.attempts.may(counted, Instant::now()).map_err(guessing)?;
        let found = ask(&shared, move |plane| plane.flag_key_scope(&key)).await?;
        if let Some(scope) = found {
            request.extensions_mut().insert(KeyOf(scope));
            return Ok(next.run(request).await);
        }
        shared.attempts.wrong(counted, Instant::now());
    }
    let admission = guard::admitted(&shared, &request).await?;
    request.extensions_mut().insert(admission.caller.clone());
    request.extensions_mut().insert(admission);
    Ok(next.run(request).await)
}

/// Whether a request was let in by a key.
pub(super) fn came_by_key(request: &Request) -> bool {
    request.extensions().get::<KeyOf>().is_some()
}

/// What may be a key, of a request over TCP.
fn key_of(request: &Request) -> Option<String> {
    matches!(request.extensions().get::<Peer>(), Some(Peer::Tcp(..))).then_some(())?;
    let given = bearer(request.headers())?;
    (given.starts_with(PREFIX) && given.len() <= LONGEST).then(|| given.to_owned())
}

impl FromRequestParts<Shared> for EventScope {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let Params(asked) = Params::<ScopeParams>::from_request_parts(parts, shared).await?;
        let asked = Scope::from(asked);
        match parts.extensions.get::<KeyOf>() {
            None => Ok(EventScope(asked)),
            Some(KeyOf(own)) if fits(&asked, own) => Ok(EventScope(own.clone())),
            Some(_) => Err(elsewhere()),
        }
    }
}

/// What is left out is the key's own.
fn fits(asked: &Scope, own: &Scope) -> bool {
    (asked.app.is_none() || asked.app == own.app)
        && (asked.environment.is_none() || asked.environment == own.environment)
}

fn elsewhere() -> Refused {
    let message = "the key is for another app or environment";
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Invalid, "api::other-environment", message)
        .help("leave `app` and `environment` out, or send a key made there: `tidegate flag key create`")
}
