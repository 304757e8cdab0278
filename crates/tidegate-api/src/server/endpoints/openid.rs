//! Logging in on the word of an identity provider: in a browser, or on another device.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use tidegate_control::RefusalKind;
use tidegate_control::openid::{Callback, LocalPath};
use tidegate_core::access::{Caller, Origin};
use tidegate_core::view::{DeviceLogin, DeviceState, LoginView, LoginWays};

use super::identity::{origin, private, user_of};
use crate::server::Shared;
use crate::server::audit::entered_by_the_desk;
use crate::server::cookie;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::server::guard::Peer;
use crate::server::hook::caller;
use crate::server::openid::ask_openid;
use crate::server::problem::Refused;
use crate::wire::{DeviceBody, DevicePoll, OpenIdParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/login", "login_ways", "How somebody can log in", ways).open().gives::<LoginWays>(),
        Endpoint::get(
            "/v1/login/oidc",
            "login_browser",
            "Send a browser to the identity provider, and then to a path of this server",
            begin_browser,
        )
        .open()
        .query::<OpenIdParams>()
        .gives_text("text/plain"),
        Endpoint::get(
            "/v1/login/oidc/callback",
            "login_callback",
            "Where the identity provider sends a browser back to, which gets a session",
            end_browser,
        )
        .open()
        .gives_text("text/html"),
        Endpoint::post(
            "/v1/login/oidc/device",
            "login_device",
            "Begin a login that somebody agrees to at their identity provider",
            begin_device,
        )
        .open()
        .takes::<DeviceBody>()
        .gives::<DeviceLogin>(),
        Endpoint::post(
            "/v1/login/oidc/device/poll",
            "login_device_poll",
            "Ask what became of it; it gives a token, once",
            poll_device,
        )
        .open()
        .takes::<DevicePoll>()
        .gives::<DeviceState>(),
    ]
}

async fn ways(State(shared): State<Shared>) -> Json<LoginWays> {
    Json(LoginWays { openid: shared.openid.as_ref().map(|server| server.issuer().to_owned()) })
}

async fn begin_device(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<DeviceBody>,
) -> Result<Response, Refused> {
    let from = caller::of(&peer, &headers);
    ask_openid(&shared, move |desk| desk.begin_device(from, body.token))
        .await
        .map(|begun| private(Json(begun)))
}

async fn poll_device(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    JsonBody(body): JsonBody<DevicePoll>,
) -> Response {
    let from = origin(&peer);
    let state = ask_openid(&shared, move |desk| desk.poll_device(&body.login, from)).await;
    answered(state.map(|state| {
        let who = state.done.as_ref().map(|view| caller_of(view, from));
        (private(Json(state)), who)
    }))
}

async fn begin_browser(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Params(params): Params<OpenIdParams>,
) -> Result<Response, Refused> {
    let to = match params.to {
        Some(to) => to.parse::<LocalPath>().map_err(|why| Refused::bad_request(format!("`to`: {why}")))?,
        None => LocalPath::default(),
    };
    let from = caller::of(&peer, &headers);
    let begun = ask_openid(&shared, move |desk| desk.begin_browser(from, to)).await?;
    let kept = cookie::login_kept(&peer, begun.login.reveal()).ok_or_else(no_browser)?;
    let mut response = private(StatusCode::SEE_OTHER);
    let to = begun.url.parse().map_err(|_| Refused::bug("the provider's address is none"))?;
    response.headers_mut().insert(header::LOCATION, to);
    response.headers_mut().insert(header::SET_COOKIE, kept);
    Ok(response)
}

async fn end_browser(
    State(shared): State<Shared>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Params(back): Params<Callback>,
) -> Response {
    let login = cookie::login(&peer, &headers).unwrap_or_default();
    let from = origin(&peer);
    let ended = ask_openid(&shared, move |desk| desk.end_browser(&login, back, from)).await;
    answered(ended.map(|(logged_in, to)| {
        let mut response = private(page(&to));
        let session = logged_in.session.and_then(|session| cookie::kept(&peer, session.reveal()));
        let forgotten = cookie::login_forgotten(&peer);
        for kept in [session, forgotten].into_iter().flatten() {
            response.headers_mut().append(header::SET_COOKIE, kept);
        }
        (response, Some(caller_of(&logged_in.view, from)))
    }))
}

/// Goes on to a path of this server. By a page of our own: the session's cookie is sent with no request that another site has caused, and
/// a redirect here would still be the provider's.
fn page(to: &LocalPath) -> Response {
    // A path holds nothing that could end an attribute but `&`, which is written out.
    let to = to.to_string().replace('&', "&amp;");
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0;url={to}\">\
         <title>Logged in</title><p>You are logged in. <a href=\"{to}\">Go on</a></p></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

fn caller_of(view: &LoginView, from: Origin) -> Caller {
    Caller { who: user_of(view), from }
}

/// The answer, with who it is for the layers around it. What the desk has entered into the log is not counted at the door too.
fn answered(result: Result<(Response, Option<Caller>), Refused>) -> Response {
    match result {
        Ok((mut response, who)) => {
            if let Some(who) = who {
                response.extensions_mut().insert(who);
            }
            response
        }
        Err(refused) => {
            let entered = refused.is_any_of(tidegate_control::openid::ENTERED);
            let mut response = refused.into_response();
            if entered {
                entered_by_the_desk(&mut response);
            }
            response
        }
    }
}

fn no_browser() -> Refused {
    let message = "no browser comes by the unix socket";
    Refused::at(StatusCode::BAD_REQUEST, RefusalKind::Invalid, "api::bad-request", message)
        .help("use the API's address")
}
