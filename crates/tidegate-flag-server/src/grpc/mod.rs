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
use crate::connection::served;
use crate::hall::{Caller, Hall};
use crate::limits::Limits;
use crate::servers::Offer;
use crate::stop::Stop;

/// A peer that is gone without a word is noticed by this.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Calls at a time on one connection.
const MOST_CALLS: u32 = 2_000;

/// What every connection to a listener needs.
#[derive(Debug)]
pub(crate) struct Grpc {
    hall: Arc<Hall>,
    limits: Limits,
    offer: Offer,
    streams: Arc<Semaphore>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Grpc {
    pub(crate) fn new(hall: Arc<Hall>, limits: Limits, offer: Offer) -> Self {
        let streams = Arc::new(Semaphore::new(limits.streams.min(Semaphore::MAX_PERMITS)));
        Grpc { hall, limits, offer, streams }
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
        // The protocol itself sees to it that no call crosses the close.
        served(connection, |connection| connection.graceful_shutdown(), &mut stop, Duration::ZERO).await;
    }

    fn answer(self: Arc<Self>, request: Request<Incoming>, stop: Stop) -> Answering {
        let pass = match self.hall.caller(request.headers()) {
            Caller::Known(pass) => pass,
            Caller::Early => return at_once(Status::unavailable("there are no flags yet: come back later")),
            Caller::Nobody | Caller::Stranger => {
                self.hall.tally().refused.one();
                return at_once(Status::unauthenticated(
                    "send a key that may ask, as `authorization: Bearer KEY` or `x-api-key: KEY`",
                ));
            }
        };
        let desk = Desk::new(self.hall.clone(), pass, self.streams.clone(), stop);
        let most = self.limits.body;
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
