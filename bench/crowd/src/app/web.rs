//! HTTP/1.1: what the load asks for, and where everything that lasts begins.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::body::Body;
use super::{App, INSTANCE, events, files, websocket};

const LARGEST_ECHO: usize = 4 << 20;
const LARGEST_BYTES: usize = 4 << 20;
const LONGEST_SLEEP_MS: u64 = 10_000;

/// Answers a request.
pub(super) async fn answer(app: Arc<App>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let mut response = match app.seen.note(request.headers()) {
        Ok(()) => route(&app, request).await,
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the log of ids cannot be written"),
    };
    let name = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unnamed"));
    response.headers_mut().insert(INSTANCE, name(&app.name));
    response.headers_mut().insert("x-app-version", name(&app.version));
    Ok(response)
}

async fn route(app: &Arc<App>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/ws") => websocket::open(app, request),
        (&Method::GET, "/events") => events::open(app, request.headers()),
        (&Method::PUT, "/upload") => files::upload(request.into_body()).await,
        (&Method::GET, "/download") => files::download(number(&query, "bytes")),
        (&Method::POST, "/echo") => echo(request.into_body()).await,
        (&Method::GET, "/slow") => {
            tokio::time::sleep(Duration::from_millis(number(&query, "ms").min(LONGEST_SLEEP_MS))).await;
            plain(StatusCode::OK, "slept\n")
        }
        (&Method::GET, "/" | "/up") => plain(StatusCode::OK, "here\n"),
        (&Method::GET, path) => match path.strip_prefix("/bytes/").map(str::parse::<usize>) {
            Some(Ok(many)) if many <= LARGEST_BYTES => whole(vec![b'x'; many].into()),
            _ => plain(StatusCode::NOT_FOUND, "no such page\n"),
        },
        _ => plain(StatusCode::NOT_FOUND, "no such page\n"),
    }
}

async fn echo(body: Incoming) -> Response<Body> {
    match Limited::new(body, LARGEST_ECHO).collect().await {
        Ok(body) => whole(body.to_bytes()),
        Err(_) => plain(StatusCode::BAD_REQUEST, "the body broke off or is too large\n"),
    }
}

pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = whole(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response
}

pub(super) fn whole(bytes: Bytes) -> Response<Body> {
    Response::new(Body::Whole(Some(bytes)))
}

/// A number of the query, 0 where there is none.
fn number(query: &str, name: &str) -> u64 {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok()).unwrap_or(0)
}
