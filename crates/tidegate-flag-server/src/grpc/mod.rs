//! flagd's protocols over gRPC: evaluation (versions 1 and 2) by the server, and sync for clients that evaluate by themselves.

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

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tonic::codegen::Service;
use tonic::{Status, body::Body};

use self::desk::Desk;
use self::proto::evaluation_v1::service_server::ServiceServer as V1;
use self::proto::evaluation_v2::service_server::ServiceServer as V2;
use self::proto::sync_v1::flag_sync_service_server::FlagSyncServiceServer as Sync;
use crate::board::Board;
use crate::connection::served;
use crate::keys::{Caller, Keys};
use crate::limits::Limits;
use crate::stop::Stop;

/// A peer that is gone without a word is noticed by this.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Calls at a time on one connection.
const MOST_CALLS: u32 = 2_000;

/// What one listener serves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) evaluation: bool,
    pub(crate) sync: bool,
}

/// What every connection to a listener needs.
#[derive(Debug)]
pub(crate) struct Grpc {
    board: Arc<Board>,
    keys: Keys,
    limits: Limits,
    offer: Offer,
    streams: Arc<Semaphore>,
}

type Answered = Result<Response<Body>, Infallible>;

impl Grpc {
    pub(crate) fn new(board: Arc<Board>, keys: Keys, limits: Limits, offer: Offer) -> Self {
        let streams = Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS)));
        Grpc { board, keys, limits, offer, streams }
    }

    /// Serves a connection to its end.
    pub(crate) async fn connection(self: Arc<Self>, stream: TcpStream, mut stop: Stop) {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .max_concurrent_streams(MOST_CALLS)
            .max_header_list_size(u32::try_from(self.limits.head).unwrap_or(u32::MAX));
        let told = stop.clone();
        let answer = service_fn(move |request| self.clone().answer(request, told.clone()));
        let connection = http.serve_connection(TokioIo::new(stream), answer);
        served(connection, |connection| connection.graceful_shutdown(), &mut stop).await;
    }

    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        stop: Stop,
    ) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
        let own = match self.keys.caller(request.headers()) {
            Caller::Known(own) => own.map(str::to_owned),
            Caller::Nobody | Caller::Stranger => {
                self.board.tally().refused.one();
                let refused =
                    Status::unauthenticated("send a key that may ask, as `authorization: Bearer KEY`");
                return Box::pin(std::future::ready(Ok(refused.into_http())));
            }
        };
        let desk = Desk::new(self.board.clone(), own, self.streams.clone(), stop);
        let most = self.limits.body;
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        match service {
            "flagd.evaluation.v1.Service" if self.offer.evaluation => {
                V1::new(desk).max_decoding_message_size(most).call(request)
            }
            "flagd.evaluation.v2.Service" if self.offer.evaluation => {
                V2::new(desk).max_decoding_message_size(most).call(request)
            }
            "flagd.sync.v1.FlagSyncService" if self.offer.sync => {
                Sync::new(desk).max_decoding_message_size(most).call(request)
            }
            _ => {
                let unknown = Status::unimplemented("no such service at this address");
                Box::pin(std::future::ready(Ok(unknown.into_http())))
            }
        }
    }
}
