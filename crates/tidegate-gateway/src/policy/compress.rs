//! Answers made smaller on their way, where the client can read it and the type is worth it. Whatever the app has sent is
//! with the client as soon as the app pauses: nothing is held back for the sake of a better ratio.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use tidegate_core::model::{self, Compression};
use tokio::io::AsyncWrite;

use super::vary::vary;
use super::{PolicyError, accept, kind};
use crate::front::Part;
use crate::upstream::FlowError;

/// Most bytes that are worked on before others get their turn.
const PIECE: usize = 32 * 1024;

/// What an app says of an answer's bytes as it sends them.
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// See the module.
#[derive(Debug)]
pub(super) struct Compress {
    algorithms: Vec<Compression>,
    min_size: u64,
}

impl Compress {
    pub(super) fn compile(model: &model::Compress) -> Result<Self, PolicyError> {
        if model.algorithms.is_empty() {
            return Err(PolicyError::new("compress", "`algorithms` names none"));
        }
        Ok(Compress { algorithms: model.algorithms.clone(), min_size: model.min_size.0 })
    }

    /// The coding that a request with these fields gets, if its answer is worth it.
    pub(super) fn choose(&self, asked: &HeaderMap) -> Option<Compression> {
        accept::accepted(asked, &self.algorithms).first().copied()
    }

    /// The answer as it goes out.
    pub(super) fn apply(
        &self,
        coding: Option<Compression>,
        is_head: bool,
        mut response: Response<Part>,
    ) -> Response<Part> {
        if !self.is_worth_it(&response) {
            return response;
        }
        vary(response.headers_mut(), header::ACCEPT_ENCODING);
        let Some(coding) = coding.filter(|_| !is_head) else { return response };
        describe(response.headers_mut(), coding);
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, Part::Compressed(Box::new(Compressed::new(body, coding))))
    }

    /// Whatever the client takes: an answer that could have been another one says so.
    fn is_worth_it(&self, response: &Response<Part>) -> bool {
        let headers = response.headers();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let no_content = matches!(
            response.status(),
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        );
        let encoded =
            headers.contains_key(header::CONTENT_ENCODING) || headers.contains_key(header::CONTENT_RANGE);
        let digested = DIGESTS.iter().any(|name| headers.contains_key(*name));
        let small = match text(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok()) {
            Some(length) => length < self.min_size.max(1),
            None => response.body().size_hint().exact().is_some_and(|length| length < self.min_size.max(1)),
        };
        let kind = text(header::CONTENT_TYPE).is_some_and(kind::is_compressible);
        kind && !no_content && !encoded && !digested && !small && !forbids_transform(headers)
    }
}

fn forbids_transform(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case("no-transform"))
}

fn describe(headers: &mut HeaderMap, coding: Compression) {
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(accept::name(coding)));
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    // The same content in other bytes (RFC 9110, 8.8.1).
    let strong = headers.get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\"")).cloned();
    let weak = strong.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(header::ETAG, weak);
    }
}

/// A body on its way through an encoder.
pub(crate) struct Compressed {
    body: Part,
    encoder: Encoder,
    /// Taken from the body and not yet encoded.
    rest: Bytes,
    /// The encoder may hold back what it was given.
    holds: bool,
    stage: Stage,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Body,
    /// The body is over, but for the encoder's last word and these trailers.
    Closing(Option<HeaderMap>),
    /// These are to come.
    Trailers(Option<HeaderMap>),
    Over,
}

enum Encoder {
    Brotli(Box<BrotliEncoder<Vec<u8>>>),
    Gzip(GzipEncoder<Vec<u8>>),
    Zstd(ZstdEncoder<Vec<u8>>),
}

impl std::fmt::Debug for Compressed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressed")
            .field("body", &self.body)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// At levels that keep up with a network: the slower ones win little.
    fn new(coding: Compression) -> Self {
        match coding {
            Compression::Brotli => {
                let encoder = BrotliEncoder::with_quality(Vec::new(), Level::Precise(4));
                Encoder::Brotli(Box::new(encoder))
            }
            Compression::Gzip => Encoder::Gzip(GzipEncoder::with_quality(Vec::new(), Level::Precise(5))),
            Compression::Zstd => Encoder::Zstd(ZstdEncoder::with_quality(Vec::new(), Level::Precise(3))),
        }
    }

    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        match self {
            Encoder::Brotli(encoder) => Pin::new(&mut **encoder),
            Encoder::Gzip(encoder) => Pin::new(encoder),
            Encoder::Zstd(encoder) => Pin::new(encoder),
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Encoder::Brotli(encoder) => encoder.get_mut(),
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Zstd(encoder) => encoder.get_mut(),
        })
    }
}

/// A `Vec` takes everything at once: an encoder into it never waits.
fn at_once<T>(polled: Poll<io::Result<T>>) -> Result<T, FlowError> {
    match polled {
        Poll::Ready(Ok(done)) => Ok(done),
        Poll::Ready(Err(_)) | Poll::Pending => Err(FlowError::Encoder),
    }
}

impl Compressed {
    fn new(body: Part, coding: Compression) -> Self {
        Compressed {
            body,
            encoder: Encoder::new(coding),
            rest: Bytes::new(),
            holds: false,
            stage: Stage::Body,
        }
    }

    /// Whether the gateway says it, not the app.
    pub(crate) fn is_ours(&self) -> bool {
        self.body.is_ours()
    }

    /// Encodes a piece of what was taken.
    fn encode(&mut self) -> Result<(), FlowError> {
        let mut cx = Context::from_waker(Waker::noop());
        let piece = self.rest.len().min(PIECE);
        let written = at_once(self.encoder.writer().poll_write(&mut cx, &self.rest[..piece]))?;
        self.rest.advance(written);
        self.holds = true;
        // An encoder that takes nothing would be asked for ever.
        if written == 0 { Err(FlowError::Encoder) } else { Ok(()) }
    }

    /// Has the encoder give everything that it was given.
    fn flush(&mut self) -> Result<(), FlowError> {
        self.holds = false;
        at_once(self.encoder.writer().poll_flush(&mut Context::from_waker(Waker::noop())))
    }

    fn on_frame(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.rest = data,
            Err(frame) => self.stage = Stage::Closing(frame.into_trailers().ok()),
        }
    }

    /// Has the encoder say its last word.
    fn close(&mut self) -> Result<(), FlowError> {
        self.holds = false;
        at_once(self.encoder.writer().poll_shutdown(&mut Context::from_waker(Waker::noop())))
    }

    /// The encoder's next bytes, or `Ok(None)` where it has none and there is more to do.
    fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Option<Frame<Bytes>>, FlowError>>> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => Poll::Ready(None),
            Stage::Trailers(trailers) => {
                Poll::Ready(trailers.map(|trailers| Ok(Some(Frame::trailers(trailers)))))
            }
            Stage::Closing(trailers) => {
                self.stage = Stage::Trailers(trailers);
                Poll::Ready(Some(self.close().map(|()| self.take())))
            }
            Stage::Body => {
                self.stage = Stage::Body;
                self.poll_body(cx)
            }
        }
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Option<Frame<Bytes>>, FlowError>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(self.encode().map(|()| self.take())));
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => self.on_frame(frame),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => self.stage = Stage::Closing(None),
            // The app pauses: the client gets what there is.
            Poll::Pending if self.holds => return Poll::Ready(Some(self.flush().map(|()| self.take()))),
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(Some(Ok(None)))
    }

    fn take(&mut self) -> Option<Frame<Bytes>> {
        let encoded = self.encoder.take();
        (!encoded.is_empty()).then(|| Frame::data(Bytes::from(encoded)))
    }
}

impl Body for Compressed {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        loop {
            match ready!(self.poll_stage(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(None)) => {}
                Some(Ok(Some(frame))) => return Poll::Ready(Some(Ok(frame))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Over
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
