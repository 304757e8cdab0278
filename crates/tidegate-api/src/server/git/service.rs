//! The three requests of Git's smart HTTP.

use std::io;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use tidegate_control::RefusalKind;
use tidegate_control::git::{Caller, Repository, Service};
use tidegate_core::access::{Action, Place};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::caller::{Admitted, Claimed, Unserved, admitted, plain};
use super::serving::{Input, Serving};
use super::{GitServer, trouble};
use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::audit::RefusedAs;
use crate::server::guard::{Peer, only};

/// The query string of `info/refs`.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    service: String,
}

/// `GET info/refs?service=…`: what there is.
pub(super) async fn advertise(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(repository): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Unserved> {
    let service = Service::named(&wanted.service)
        .ok_or_else(|| plain(StatusCode::FORBIDDEN, "only clients that speak Git's smart HTTP are served"))?;
    let first = format!("{:04x}# service={}\n0000", service.as_str().len() + 15, service.as_str());
    let request = Request { service, advertise: true, body: None, first: first.into() };
    answer(&shared, (&peer, &headers), &repository, request).await
}

/// `POST git-receive-pack`: a push.
pub(super) async fn receive(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Unserved> {
    answer(&shared, (&peer, &headers), &repository, Request::of(Service::ReceivePack, body)).await
}

/// `POST git-upload-pack`: a fetch.
pub(super) async fn upload(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    Path(repository): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Unserved> {
    answer(&shared, (&peer, &headers), &repository, Request::of(Service::UploadPack, body)).await
}

struct Request {
    service: Service,
    advertise: bool,
    body: Option<Body>,
    /// What the answer begins with.
    first: Bytes,
}

impl Request {
    fn of(service: Service, body: Body) -> Self {
        Request { service, advertise: false, body: Some(body), first: Bytes::new() }
    }
}

/// Has a git process answer.
async fn answer(
    shared: &Shared,
    (peer, headers): (&Peer, &HeaderMap),
    repository: &str,
    request: Request,
) -> Result<Response, Unserved> {
    let git = shared.git.as_ref().ok_or_else(|| plain(StatusCode::NOT_FOUND, "Git is not served here"))?;
    let asked = Claimed::of(headers, repository)?;
    let caller = admitted(shared, &git.config.key, (peer, headers), asked).await?;
    may_push(shared, &caller).await?;
    let pushes = request.service == Service::ReceivePack && !request.advertise;
    if pushes {
        git.rate.count(&caller.app, Instant::now()).map_err(too_often)?;
    }
    let seat = seat(git)?;
    let repository = open(git, &caller, request.service).await?;
    let input = Input::new(request.body, headers).map_err(|text| plain(StatusCode::BAD_REQUEST, text))?;
    let asked = Caller {
        by: &caller.by,
        protocol: only(headers, header::HeaderName::from_static("git-protocol")),
        stateless: true,
        advertise: request.advertise,
    };
    let command = git.config.repositories.serve(&caller.app, &repository, request.service, asked);
    let serving = Serving::start(command).map_err(|error| unserved(&error))?;
    let (done, body) = serving.attend(input, request.first, shared.ending.clone());
    let (shared, app) = (shared.clone(), caller.app);
    tokio::spawn(async move {
        done.await;
        drop(seat);
        if let Some(git) = shared.git.as_ref().filter(|_| pushes) {
            git.tidy(&app);
        }
    });
    Ok(streamed(request.service, request.advertise, body))
}

/// Whether they may push to the app. Nothing less opens its repository: what is in it is the app's whole history.
async fn may_push(shared: &Shared, caller: &Admitted) -> Result<(), Unserved> {
    let asker = Asker::new(&caller.admission, Action::Push);
    let refused = match asker.must(shared, Place::App(caller.app.clone()), false).await {
        Ok(()) => return Ok(()),
        Err(refused) => refused.into_refusal(),
    };
    let status = match refused.kind {
        RefusalKind::Invalid | RefusalKind::NotFound | RefusalKind::Conflict => StatusCode::FORBIDDEN,
        RefusalKind::Environment | RefusalKind::Bug => StatusCode::SERVICE_UNAVAILABLE,
    };
    let rule = asker.decided().and_then(|decided| decided.rule());
    let told = RefusedAs { code: refused.code, rule, failed: status.is_server_error() };
    let help = refused.help.map(|help| format!("\n{help}")).unwrap_or_default();
    let unserved = plain(status, format!("{}{help}", refused.message));
    Err(unserved.told(told, caller.admission.caller.clone()))
}

fn seat(git: &GitServer) -> Result<OwnedSemaphorePermit, Unserved> {
    let busy = |_| {
        let text = "too many pushes and fetches are under way; try again in a moment";
        plain(StatusCode::SERVICE_UNAVAILABLE, text)
    };
    git.seats.clone().try_acquire_owned().map_err(busy)
}

/// The first push to an app makes its repository.
async fn open(git: &GitServer, caller: &Admitted, service: Service) -> Result<Repository, Unserved> {
    let (repositories, app) = (git.config.repositories.clone(), caller.app.clone());
    let opening = tokio::task::spawn_blocking(move || match service {
        Service::ReceivePack => repositories.get_or_make(&app).map(Some),
        Service::UploadPack => Ok(repositories.get(&app)),
    });
    let opened = opening.await.unwrap_or_else(|_| Err(io::Error::other("opening it panicked")));
    let nothing = || plain(StatusCode::NOT_FOUND, format!("nobody has pushed to {} yet", caller.app));
    opened.map_err(|error| unserved(&error))?.ok_or_else(nothing)
}

fn streamed(service: Service, advertise: bool, body: Body) -> Response {
    let what = if advertise { "advertisement" } else { "result" };
    let media = format!("application/x-{}-{what}", service.as_str());
    ([(header::CONTENT_TYPE, media.as_str()), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

fn too_often(wait_s: u64) -> Unserved {
    let text = format!("too many pushes; wait {wait_s} s");
    plain(StatusCode::TOO_MANY_REQUESTS, text).with(header::RETRY_AFTER, HeaderValue::from(wait_s))
}

fn unserved(error: &io::Error) -> Unserved {
    trouble("the git process", error);
    plain(StatusCode::SERVICE_UNAVAILABLE, format!("the repository cannot be served: {error}"))
}
