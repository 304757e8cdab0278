//! The OpenFeature Remote Evaluation Protocol, 0.3: one flag, all flags, and word of changes, over HTTP/1.1.

mod answer;
mod bulk;
mod cors;
mod health;
mod long;
mod question;
mod refusal;
mod single;
mod stream;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::wrappers::ReceiverStream;

use self::long::Long;
use self::refusal::Refusal;
use crate::connection::served;
use crate::hall::{Caller, Hall, Pass};
use crate::limits::Limits;
use crate::origins::Origins;
use crate::patience::Patient;
use crate::places::Places;
use crate::selector;
use crate::stop::Stop;
use crate::strangers::Stranger;
use crate::ticket::Tickets;
use crate::visit::Visit;

/// A whole answer, a long one, or one that goes on.
pub(crate) type Body = Either<Full<Bytes>, Either<Long, Changes>>;
type Changes = StreamBody<ReceiverStream<Result<Frame<Bytes>, Infallible>>>;
pub(crate) type Answer = Response<Body>;

/// What a request is about: what its sender may see, and of that one flag set or all.
type Seen<'s> = (&'s Pass, Option<&'s str>);

const FLAGS: &str = "/ofrep/v1/evaluate/flags";
/// When the server ends, who keeps a connection learns with the next answer that it closes; one that stays quiet for so long is
/// closed without.
const LAST_CALL: Duration = Duration::from_millis(300);
const STREAM: &str = "/ofrep/v1/stream";

/// What every connection needs.
#[derive(Debug)]
pub(crate) struct Ofrep {
    hall: Arc<Hall>,
    origins: Origins,
    limits: Limits,
    tickets: Tickets,
    streams: Arc<Places>,
    bytes: Arc<Places>,
}

/// What is asked for, by the path.
enum Place<'p> {
    One(&'p str),
    All,
    Changes,
    Health,
    Metrics,
    Nowhere,
}

impl Ofrep {
    pub(crate) fn new(hall: Arc<Hall>, origins: Origins, limits: Limits, secret: &[u8; 32]) -> Self {
        let (streams, bytes) = (Places::new(limits.streams), Places::new(limits.held));
        Ofrep { hall, origins, limits, tickets: Tickets::new(secret), streams, bytes }
    }

    /// Serves a connection to its end.
    pub(crate) async fn connection(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        stranger: Stranger,
        mut stop: Stop,
    ) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle)
            .max_buf_size(self.limits.head)
            .max_headers(self.limits.fields)
            .half_close(false);
        let stream = Patient::new(stream, self.limits.answer_within);
        let visit = Visit::begin(&self.limits, stranger);
        let (told, visited) = (stop.clone(), visit.clone());
        let answer = service_fn(move |request| {
            let (ofrep, visit, stop) = (self.clone(), visited.clone(), told.clone());
            async move { Ok::<_, Infallible>(ofrep.answer(request, &visit, stop).await) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), answer);
        served(connection, |connection| connection.graceful_shutdown(), &visit, &mut stop, LAST_CALL).await;
    }

    async fn answer(&self, request: Request<Incoming>, visit: &Arc<Visit>, stop: Stop) -> Answer {
        let origin = request.headers().get(ORIGIN).cloned();
        if request.method() == Method::OPTIONS {
            return cors::preflight(&self.origins, origin.as_ref());
        }
        let leaves = stop.clone();
        let mut answer = match self.route(request, visit, stop).await {
            Ok(answer) => answer,
            Err(refusal) => {
                if refusal.is_of_caller() {
                    self.hall.tally().refused.one();
                }
                refusal.answer()
            }
        };
        cors::mark(&self.origins, origin.as_ref(), answer.headers_mut());
        if leaves.is_said() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn route(
        &self,
        request: Request<Incoming>,
        visit: &Arc<Visit>,
        stop: Stop,
    ) -> Result<Answer, Refusal> {
        let (head, body) = request.into_parts();
        let place = place(head.uri.path());
        let method = if matches!(place, Place::One(_) | Place::All) { Method::POST } else { Method::GET };
        if matches!(place, Place::Nowhere) {
            return Err(Refusal::Nowhere);
        }
        if head.method != method {
            return Err(Refusal::Method(method));
        }
        match place {
            Place::Health => return Ok(health::health(&self.hall)),
            Place::Changes => return self.stream(&head, visit, stop),
            _ => {}
        }
        let page = head.headers.get(ORIGIN).is_some_and(|origin| !self.origins.name(origin));
        let pass = match self.hall.caller(&head.headers, page) {
            Caller::Known(pass) => pass,
            Caller::Nobody => return Err(Refusal::Nobody),
            Caller::Stranger => return Err(Refusal::Stranger),
            Caller::Early => return Err(Refusal::Early),
        };
        visit.on_known();
        let asked = selector::in_headers(&head.headers).map_err(Refusal::Selector)?;
        let set = pass.flag_set(asked).map_err(|_| Refusal::Elsewhere)?;
        match place {
            Place::One(key) => {
                let question = self.question(body, &pass).await;
                self.single(key, (&pass, set), question)
            }
            Place::All => {
                let question = self.question(body, &pass).await?;
                let answer = self.bulk(&head.headers, (&pass, set), &question);
                self.as_long(answer, &pass, visit)
            }
            _ if pass.is_of_server() => Ok(health::metrics(&self.hall)),
            _ => Err(Refusal::NotForClients),
        }
    }
}

fn place(path: &str) -> Place<'_> {
    match path.strip_prefix(FLAGS) {
        Some("" | "/") => Place::All,
        Some(rest) => rest.strip_prefix('/').map_or(Place::Nowhere, Place::One),
        None => match path {
            STREAM => Place::Changes,
            "/healthz" => Place::Health,
            "/metrics" => Place::Metrics,
            _ => Place::Nowhere,
        },
    }
}

/// An answer in JSON.
fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body.into())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// Seconds since 1970, as flags count time.
fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
