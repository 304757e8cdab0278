//! HTTP/2 clients: hyper reads and writes the frames; what they may ask for, how much of it, and for how long, is decided
//! here. Requests go through the same exchange as those of HTTP/1.1.

mod grpc;
mod io;
mod meter;
mod rules;
mod vigil;

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::{Answer, Client, Stream, boxed, connection};
use crate::local::LocalExecutor;
use crate::observe::Trail;
use crate::page::Page;
use crate::upstream::FlowError;
use crate::view::Peer;
use crate::worker::Worker;
use io::Wire;
use vigil::{Stay, Vigil};

/// Most requests of one connection at a time.
const STREAMS: u32 = 128;
/// What may be under way to us on one stream, and on all of a connection: its product with the connections is the memory
/// that slow upstreams can cost.
const WINDOWS: (u32, u32) = (512 * 1024, 1024 * 1024);
/// What waits to be written for one stream.
const SEND_BUFFER: usize = 256 * 1024;
/// Streams that a client opened and took back before we looked at them (rapid reset).
const RESETS_UNSEEN: usize = 20;
/// Streams that were ended for the client's mistakes.
const RESETS_OURS: usize = 256;
/// A quiet connection is asked whether it is still there, and closed when nothing comes back.
const PING_EVERY: std::time::Duration = std::time::Duration::from_secs(30);
const PING_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// Serves a connection to its end. Its preface is still to be read.
pub(super) async fn serve(worker: Rc<Worker>, stream: Stream, peer: Peer) {
    let _open = worker.open.http2();
    let client = Client::without_stream(peer, worker.limits);
    let vigil = Rc::new(Vigil::new(worker.limits));
    let service = service_fn(|request| {
        let stay = vigil.enter();
        // hyper moves what it is given more than once on its way into a task.
        boxed(|| answer(worker.clone(), client.clone(), request, stay))
    });
    // Of many connections each is told another time, so that their clients do not come back all at once.
    let mut leaving = worker.leaving.stay_to_the_end();
    let (wire, io) = Wire::new(stream, vigil.clone());
    let mut connection = pin!(builder(&worker).serve_connection(TokioIo::new(io), service));
    tokio::select! {
        // A client that goes away in the middle is no event of ours.
        () = poll_fn(|cx| poll(connection.as_mut(), &wire, cx)) => return,
        () = vigil.stuck() => return,
        () = vigil.quiet() => {}
        () = poll_fn(|cx| leaving.poll_told(cx)) => {}
        () = last_call(&worker, &vigil) => {}
    }
    // GOAWAY: what is on its way to us is still answered, and nothing new is begun.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        () = poll_fn(|cx| poll(connection.as_mut(), &wire, cx)) => {}
        () = vigil.stuck() => {}
        () = vigil.gone() => {}
    }
}

/// Waits until the gateway ends and nobody uses the connection any more: a gateway that ends does not wait for those.
async fn last_call(worker: &Worker, vigil: &Vigil) {
    worker.draining().await;
    worker.last_call_over().await;
    vigil.unused().await;
}

/// Ready when the connection is over.
fn poll<C: Future>(connection: Pin<&mut C>, wire: &Wire, cx: &mut Context<'_>) -> Poll<()> {
    let over = connection.poll(cx).is_ready();
    let broken = matches!(wire.poll_send(cx), Poll::Ready(Err(_)));
    if over || broken { Poll::Ready(()) } else { Poll::Pending }
}

fn builder(worker: &Worker) -> Builder<LocalExecutor> {
    let mut builder = Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(worker.limits.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS_UNSEEN)
        .max_local_error_reset_streams(RESETS_OURS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    builder
}

async fn answer(
    worker: Rc<Worker>,
    client: Arc<Client>,
    mut request: Request<Incoming>,
    stay: Stay,
) -> Result<Response<Watched>, Infallible> {
    let fields = worker.limits.head_fields;
    let is_grpc = grpc::is_call(request.headers());
    let mut response = match rules::admit(&mut request, fields) {
        Ok(()) => connection::answer(worker, client, request).await?,
        Err(page) => refuse(&worker, client, &mut request, page),
    };
    if is_grpc && response.body().is_ours() {
        response = grpc::translate(response);
    }
    // It says nothing in HTTP/2; GOAWAY is how a connection is ended there.
    response.headers_mut().remove(header::CONNECTION);
    Ok(response.map(|answer| Watched { answer, stay, is_grpc, failed: false }))
}

fn refuse(
    worker: &Rc<Worker>,
    client: Arc<Client>,
    request: &mut Request<Incoming>,
    page: Page,
) -> Response<Answer> {
    let trail = Trail::begin(worker, client.peer, request);
    let response = page.response();
    trail.on_response(&response);
    response.map(|part| Answer::new(part, client, trail))
}

/// An answer's body that tells the vigil how it gets on.
#[derive(Debug)]
struct Watched {
    answer: Answer,
    stay: Stay,
    is_grpc: bool,
    /// It broke off, and a call was told so.
    failed: bool,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        let polled = Pin::new(&mut self.answer).poll_frame(cx);
        self.stay.on_poll(polled.is_ready());
        match polled {
            Poll::Ready(Some(Err(error))) if self.is_grpc => {
                self.failed = true;
                Poll::Ready(Some(Ok(Frame::trailers(grpc::broken(&error)))))
            }
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.failed || self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
