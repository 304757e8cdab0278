//! flagd's protocols over gRPC: evaluation (versions 1 and 2) by the server, and sync for clients that evaluate by themselves.

mod answered;
mod asked;
mod convert;
mod desk;
mod evaluation_v1;
mod evaluation_v2;
mod news;
mod proto;
mod sync;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::ORIGIN;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::Service;
use tonic::{Status, body::Body};

use self::answered::{Answered, Held};
use self::asked::Asked;
use self::desk::Desk;
use self::proto::evaluation_v1::service_server::ServiceServer as V1;
use self::proto::evaluation_v2::service_server::ServiceServer as V2;
use self::proto::sync_v1::flag_sync_service_server::FlagSyncServiceServer as Sync;
use crate::connection::served;
use crate::hall::{Caller, Hall, Pass};
use crate::limits::Limits;
use crate::places::Places;
use crate::servers::Offer;
use crate::stop::Stop;
use crate::strangers::Stranger;
use crate::visit::Visit;

/// A peer that is gone without a word is noticed by this.
const PING_EVERY: Duration = Duration::from_secs(30);
/// What a call, and all calls of a connection, may send before it is read.
const WINDOWS: (u32, u32) = (64 << 10, 256 << 10);
/// Methods whose answers go on: all others are read in time.
const STREAMS: [&str; 2] = ["EventStream", "SyncFlags"];

/// What every connection to a listener needs.
#[derive(Debug)]
pub(crate) struct Grpc {
    hall: Arc<Hall>,
    limits: Limits,
    offer: Offer,
    streams: Arc<Places>,
    bytes: Arc<Places>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Grpc {
    pub(crate) fn new(hall: Arc<Hall>, limits: Limits, offer: Offer) -> Self {
        let (streams, bytes) = (Places::new(limits.streams), Places::new(limits.held));
        Grpc { hall, limits, offer, streams, bytes }
    }

    /// Serves a connection to its end.
    pub(crate) async fn connection(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        stranger: Stranger,
        mut stop: Stop,
    ) {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .max_concurrent_streams(self.limits.calls)
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .max_header_list_size(u32::try_from(self.limits.head).unwrap_or(u32::MAX));
        let visit = Visit::begin_watched(&self.limits, stranger);
        let (told, visited) = (stop.clone(), visit.clone());
        let answer = service_fn(move |request| self.clone().answer(request, &visited, told.clone()));
        let connection = http.serve_connection(TokioIo::new(stream), answer);
        // The protocol itself sees to it that no call crosses the close.
        let leave = |connection: Pin<&mut http2::Connection<_, _, _>>| connection.graceful_shutdown();
        served(connection, leave, &visit, &mut stop, Duration::ZERO).await;
    }

    fn answer(self: Arc<Self>, request: Request<Incoming>, visit: &Arc<Visit>, stop: Stop) -> Answering {
        let pass = match self.hall.caller(request.headers(), request.headers().contains_key(ORIGIN)) {
            Caller::Known(pass) => pass,
            Caller::Early => return at_once(Status::unavailable("there are no flags yet: come back later")),
            Caller::Nobody | Caller::Stranger => {
                self.hall.tally().refused.one();
                return at_once(Status::unauthenticated(
                    "send a key that may ask, as `authorization: Bearer KEY` or `x-api-key: KEY`",
                ));
            }
        };
        visit.on_known();
        let goes_on = STREAMS.iter().any(|method| request.uri().path().ends_with(method));
        let call = if goes_on { visit.follow() } else { visit.call() };
        let within = self.limits.body_within;
        let answering = self.serve(request, pass, stop);
        Box::pin(async move {
            let Ok(answered) = tokio::time::timeout(within, answering).await else {
                return Ok(Status::deadline_exceeded("the call did not come in time").into_http());
            };
            answered.map(|mut answer| {
                let held = answer.extensions_mut().remove::<Held>();
                answer.map(|body| Body::new(Answered::new(body, held, call)))
            })
        })
    }

    fn serve(&self, request: Request<Incoming>, pass: Pass, stop: Stop) -> Answering {
        let most = self.limits.body_of(pass.is_of_server());
        let party = pass.grant().clone();
        let desk = Desk::new(self.hall.clone(), pass, [self.streams.clone(), self.bytes.clone()], stop);
        let request = request.map(|body| Asked::new(body, self.bytes.clone(), party));
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        match service {
            "flagd.evaluation.v1.Service" if self.offer != Offer::Sync => {
                V1::new(desk).max_decoding_message_size(most).call(request)
            }
            "flagd.evaluation.v2.Service" if self.offer != Offer::Sync => {
                V2::new(desk).max_decoding_message_size(most).call(request)
            }
            "flagd.sync.v1.FlagSyncService" if self.offer != Offer::Evaluation => {
                Sync::new(desk).max_decoding_message_size(most).call(request)
            }
            _ => at_once(Status::unimplemented("no such service at this address")),
        }
    }
}

fn at_once(refused: Status) -> Answering {
    Box::pin(std::future::ready(Ok(refused.into_http())))
}
