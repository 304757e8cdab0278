//! Serves one client's HTTP/1.1 connection: the seam behind which hyper parses requests and writes answers.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::client::ClientIo;
use super::{Answer, Client, Part, Stream, boxed};
use crate::exchange::exchange;
use crate::head;
use crate::observe::Trail;
use crate::policy::visit;
use crate::view::Peer;
use crate::worker::Worker;

/// Serves a connection to its end. `first`: nothing was answered on it yet.
pub(super) async fn serve(worker: Rc<Worker>, stream: Stream, peer: Peer, first: bool) {
    let client = Client::new((stream, first), peer, worker.limits);
    run(&worker, &client).await;
    client.refusal().inspect(|refusal| worker.tally.on_refusal(refusal.why));
    client.say_refusal().await;
}

async fn run(worker: &Rc<Worker>, client: &Arc<Client>) {
    let service = service_fn(|request| answer(worker.clone(), client.clone(), request));
    let io = TokioIo::new(ClientIo(client.clone()));
    let mut builder = Builder::new();
    // The waits for a client are kept by `Client`, which tells a slow head from a quiet connection. An answer is written
    // even where more of the next request is here: that one may never be whole, or be refused.
    builder.header_read_timeout(None);
    let mut connection = pin!(builder.serve_connection(io, service).with_upgrades());
    tokio::select! {
        // A client that goes away in the middle is no event of ours.
        _ = connection.as_mut() => return,
        () = last_call(worker, client) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

async fn last_call(worker: &Worker, client: &Client) {
    worker.draining().await;
    if !client.is_busy() {
        tokio::select! {
            () = worker.last_call_over() => {}
            () = busy(client) => {}
        }
    }
    while client.is_in_head() {
        client.requested().await;
    }
}

async fn busy(client: &Client) {
    while !client.is_busy() {
        client.requested().await;
    }
}

pub(super) async fn answer(
    worker: Rc<Worker>,
    client: Arc<Client>,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let trail = Trail::begin(&worker, client.peer, &mut request);
    let (version, is_head) = (request.version(), request.method() == Method::HEAD);
    let mut response = respond(&worker, &client, request, &trail).await;
    trail.on_response(&response);
    let upgraded = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    // A request that is not through is not read to its end either.
    let closes = !upgraded && (worker.is_draining() || client.owes_body());
    if closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    // An answer without a length ends with the connection there.
    if version == Version::HTTP_10 && (closes || !is_head && !has_length(&response)) {
        // In the client's own version hyper does not promise to keep it.
        *response.version_mut() = version;
    }
    Ok(response.map(|part| Answer::new(part, client, trail)))
}

fn has_length(response: &Response<Part>) -> bool {
    response.headers().contains_key(header::CONTENT_LENGTH) || response.body().size_hint().exact().is_some()
}

/// By the policy of the request's route, where it has one.
async fn respond(
    worker: &Rc<Worker>,
    client: &Arc<Client>,
    request: Request<Incoming>,
    trail: &Rc<Trail>,
) -> Response<Part> {
    if let Some(response) = worker.challenges.answer(request.uri().path()) {
        return response;
    }
    if !worker.has_policies() {
        return exchange(worker, client, request, None, trail).await;
    }
    let (parts, body) = request.into_parts();
    let host = match head::host_of(&parts) {
        Ok(host) => host,
        Err(page) => return page.response(),
    };
    let policy = worker.policy_of(&host, parts.uri.path(), trail);
    let request = Request::from_parts(parts, body);
    match policy {
        Some(policy) => boxed(|| visit(&policy, worker, client, host, request, trail)).await,
        None => exchange(worker, client, request, None, trail).await,
    }
}
