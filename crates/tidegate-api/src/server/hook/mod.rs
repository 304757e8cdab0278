//! Webhooks of Git hosts: `POST /v1/hooks/APP`, for everybody who can prove to be the host.
//!
//! The only path that answers to foreign `Host` names: hosts reach it through whatever proxy is in front. Nothing of a request is
//! believed before its signature was checked, and who fails at that again and again is not heard for a while.

mod body;
pub(super) mod caller;
mod guesses;
mod often;

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tidegate_control::audit::Call;
use tidegate_control::hook::{Delivery, HookSecret, Incoming, NotTaken, read};
use tidegate_control::source::GitSources;
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::model::Name;
use tidegate_core::view::HookAnswer;
use tokio::time::Instant;

use super::Shared;
use super::guard::{Peer, only};
use super::problem::Refused;
use body::Seats;
use guesses::Guesses;
use often::Often;

/// Who answers about repositories at Git hosts.
#[derive(Clone)]
pub struct SourceDesk(pub Arc<dyn GitSources>);

impl std::fmt::Debug for SourceDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceDesk").finish_non_exhaustive()
    }
}

/// What taking webhooks needs.
pub(super) struct HookServer {
    desk: SourceDesk,
    seats: Seats,
    guesses: Guesses,
    /// Webhooks of an app that were its host's.
    taken: Often<Name>,
    /// Webhooks of an app that were refused, as far as the timeline is told of them.
    told: Often<Name>,
}

impl HookServer {
    pub(super) fn new(desk: SourceDesk) -> Self {
        let (taken, told) = (Often::new(often::TAKEN), Often::new(often::TOLD));
        HookServer { desk, seats: Seats::default(), guesses: Guesses::default(), taken, told }
    }

    /// Refuses a push to an app that follows a repository elsewhere. Blocks for milliseconds.
    pub(super) fn pushes_are_taken(&self, app: &Name) -> Result<(), Refusal> {
        self.desk.0.pushes_are_taken(app)
    }
}

/// Asks who answers about repositories, on the blocking pool.
pub(super) async fn ask_desk<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn GitSources) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let desk = shared.hooks.as_ref().ok_or_else(super::git::push::not_served)?.desk.clone();
    let now = super::audit::now();
    match tokio::task::spawn_blocking(move || Call::within(now, || call(&*desk.0))).await {
        Ok(answer) => Ok(answer?),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

/// A webhook.
pub(super) async fn take(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    axum::extract::Path(app): axum::extract::Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let server = shared.hooks.as_ref().ok_or_else(super::git::push::not_served)?;
    let caller = caller::of(&peer, &headers);
    let asked = app.parse::<Name>().ok();
    server.guesses.may(caller, asked.as_ref(), Instant::now()).map_err(too_many_guesses)?;
    let body = body::receive(&server.seats, &headers, body).await?;
    match proved(&shared, asked.clone(), headers, body.bytes).await? {
        Ok((app, delivery)) => {
            server.taken.count(&app, Instant::now()).map_err(too_often)?;
            let answer = ask_desk(&shared, move |desk| desk.git_hook(&app, delivery)).await?;
            Ok(answered(answer))
        }
        Err((app, why)) => {
            // What cannot be read was proved all the same.
            if !matches!(why, NotTaken::Malformed(_)) {
                server.guesses.count(caller, asked.as_ref(), Instant::now());
            }
            tell(&shared, server, app, format!("{why}, from {}", caller::said(caller))).await;
            Err(not_taken(&why))
        }
    }
}

type Proved = Result<(Name, Delivery), (Option<Name>, NotTaken)>;

/// What it says, where it is of an app's host. An app that follows nothing is answered as one whose secret is another.
async fn proved(
    shared: &Shared,
    app: Option<Name>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Proved, Refused> {
    ask_desk(shared, move |desk| {
        let known = app.as_ref().map(|app| desk.hook_secret(app)).transpose()?.flatten();
        let nobodys = HookSecret::made();
        let secret = known.as_ref().or(nobodys.as_ref().ok());
        let header = |name: &str| only_named(&headers, name);
        let incoming = Incoming { header: &header, body: &body, now_unix_s: super::now_ms() / 1_000 };
        let delivery = secret.ok_or(NotTaken::Forged).and_then(|secret| read(secret, &incoming));
        Ok(match (known.is_some(), app, delivery) {
            (true, Some(app), Ok(delivery)) => Ok((app, delivery)),
            (true, app, Err(why)) => Err((app, why)),
            (_, _, Err(NotTaken::Unsigned)) => Err((None, NotTaken::Unsigned)),
            (_, _, Ok(_) | Err(_)) => Err((None, NotTaken::Forged)),
        })
    })
    .await
}

fn only_named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    only(headers, axum::http::HeaderName::from_bytes(name.as_bytes()).ok()?)
}

/// 202: it is looked at from now on. 200: there is nothing to do.
fn answered(answer: HookAnswer) -> Response {
    let status = if answer.taken { StatusCode::ACCEPTED } else { StatusCode::OK };
    (status, Json(answer)).into_response()
}

/// Puts a refusal into the timeline, but not more of them than people read.
async fn tell(shared: &Shared, server: &HookServer, app: Option<Name>, why: String) {
    let Some(app) = app.filter(|app| server.told.count(app, Instant::now()).is_ok()) else { return };
    if let Err(error) = ask_desk(shared, move |desk| desk.git_hook_refused(&app, &why)).await {
        tracing::warn!(?error, "a refused webhook could not be put into the timeline");
    }
}

fn not_taken(why: &NotTaken) -> Refused {
    let (status, code) = match why {
        NotTaken::Unsigned => (StatusCode::UNAUTHORIZED, "hook::unsigned"),
        NotTaken::Forged => (StatusCode::UNAUTHORIZED, "hook::forged"),
        NotTaken::Stale => (StatusCode::UNAUTHORIZED, "hook::stale"),
        NotTaken::Malformed(_) => (StatusCode::BAD_REQUEST, "hook::malformed"),
    };
    Refused::at(status, RefusalKind::Invalid, code, why.to_string())
        .help("the secret is that of `tidegate git connect`; connect the repository again for a new one")
}

fn too_many_guesses(wait_s: u64) -> Refused {
    let message = format!("too many webhooks from there were not their host's; wait {wait_s} s");
    Refused::at(StatusCode::TOO_MANY_REQUESTS, RefusalKind::Conflict, "hook::guessing", message)
}

fn too_often(wait_s: u64) -> Refused {
    let message = format!("too many webhooks of this app; wait {wait_s} s");
    Refused::at(StatusCode::TOO_MANY_REQUESTS, RefusalKind::Conflict, "hook::too-often", message)
}
