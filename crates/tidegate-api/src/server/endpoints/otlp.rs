//! `POST /v1/logs`: what OpenTelemetry's exporters send, for experiments.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tidegate_control::RefusalKind;
use tidegate_core::access::Action;
use tidegate_core::experiment::{EventBatch, MOST_EVENTS};

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::ask;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{too_large, too_slow};
use crate::server::otlp::{ExportLogs, Exported, PartialSuccess, events};
use crate::server::problem::Refused;
use crate::server::server_key::EventScope;
use crate::wire::ScopeParams;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
/// The largest body: exporters send 512 records at once if they are not told otherwise.
const MOST_BODY: usize = 4 << 20;
/// For the whole of it.
const BODY_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn endpoints() -> Vec<Endpoint> {
    let summary = "Take OpenTelemetry's logs: evaluations of flags and metrics of users";
    vec![
        Endpoint::post("/v1/logs", "otlp_logs", summary, take)
            .needs(Action::Report, At::Scope)
            .for_keys()
            .query::<ScopeParams>()
            .takes_bytes(PROTOBUF)
            .gives_text(PROTOBUF),
    ]
}

async fn take(
    State(shared): State<Shared>,
    EventScope(scope): EventScope,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let media = media_of(&headers)?;
    let reading = axum::body::to_bytes(body, MOST_BODY);
    let read = tokio::time::timeout(BODY_WITHIN, reading).await.map_err(|_| too_slow())?;
    let bytes = read.map_err(|_| too_large(MOST_BODY as u64))?;
    let packed = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value.as_bytes() == b"gzip");
    let bytes = if packed { unpacked(&bytes)? } else { bytes };
    let (mut batch, broken) = events(decoded(media, &bytes)?);
    while !batch.exposures.is_empty() || !batch.metrics.is_empty() {
        let part = first_of(&mut batch);
        let (scope, _turn) = (scope.clone(), shared.backlog.turn().await?);
        ask(&shared, move |plane| plane.take_events(&scope, part)).await?;
    }
    Ok(exported(media, broken))
}

/// As many as are taken at once; what was taken already does no harm where a later part is refused and all is sent again.
fn first_of(batch: &mut EventBatch) -> EventBatch {
    let exposures = batch.exposures.len().min(MOST_EVENTS);
    let metrics = batch.metrics.len().min(MOST_EVENTS - exposures);
    EventBatch {
        exposures: batch.exposures.drain(..exposures).collect(),
        metrics: batch.metrics.drain(..metrics).collect(),
    }
}

fn media_of(headers: &HeaderMap) -> Result<&'static str, Refused> {
    let refused = |message: &str, help: &str| {
        let code = "api::media-type";
        Refused::at(StatusCode::UNSUPPORTED_MEDIA_TYPE, RefusalKind::Invalid, code, message).help(help)
    };
    let known = |value: &HeaderValue| matches!(value.as_bytes(), b"identity" | b"gzip");
    if headers.get(header::CONTENT_ENCODING).is_some_and(|value| !known(value)) {
        let help = "set OTEL_EXPORTER_OTLP_LOGS_COMPRESSION=gzip or none";
        return Err(refused("logs are compressed by gzip or not at all", help));
    }
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim() {
        JSON => Ok(JSON),
        PROTOBUF => Ok(PROTOBUF),
        _ => Err(refused(
            "logs are application/x-protobuf or application/json",
            "see docs/guides/experiments.md",
        )),
    }
}

/// No more than what would be taken without: a small body can be unpacked to a thousand times its size.
fn unpacked(bytes: &Bytes) -> Result<Bytes, Refused> {
    let mut out = Vec::new();
    let mut from = flate2::read::GzDecoder::new(bytes.as_ref()).take(MOST_BODY as u64 + 1);
    from.read_to_end(&mut out)
        .map_err(|error| Refused::bad_request(format!("the body is no gzip: {error}")))?;
    if out.len() > MOST_BODY { Err(too_large(MOST_BODY as u64)) } else { Ok(out.into()) }
}

fn decoded(media: &str, bytes: &Bytes) -> Result<ExportLogs, Refused> {
    let bad = |error: String| Refused::bad_request(format!("the body: {error}"));
    match media {
        JSON => serde_json::from_slice(bytes).map_err(|error| bad(error.to_string())),
        _ => ExportLogs::decode(bytes.as_ref()).map_err(|error| bad(error.to_string())),
    }
}

fn exported(media: &'static str, broken: u64) -> Response {
    let message = "records lack feature_flag.key, feature_flag.result.variant, feature_flag.context.id, or their time or value";
    let error_message = if broken == 0 { String::new() } else { message.to_owned() };
    let rejected_log_records = i64::try_from(broken).unwrap_or(i64::MAX);
    let body = match (media, broken) {
        (JSON, 0) => Bytes::from_static(b"{}"),
        (JSON, _) => {
            let partial = json!({ "rejectedLogRecords": broken.to_string(), "errorMessage": error_message });
            Bytes::from(json!({ "partialSuccess": partial }).to_string())
        }
        _ => {
            let partial = PartialSuccess { rejected_log_records, error_message };
            Exported { partial_success: (broken > 0).then_some(partial) }.encode_to_vec().into()
        }
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media))], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(bytes: &[u8]) -> Bytes {
        let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        to.write_all(bytes).unwrap();
        to.finish().unwrap().into()
    }

    #[test]
    fn a_compressed_body_is_read_and_one_that_grows_beyond_the_limit_is_not() {
        assert_eq!(unpacked(&packed(b"{}")).unwrap(), "{}");
        assert_eq!(unpacked(&packed(&vec![0; MOST_BODY])).unwrap().len(), MOST_BODY);
        assert!(unpacked(&packed(&vec![0; MOST_BODY + 1])).is_err());
        assert!(unpacked(&Bytes::from_static(b"{}")).is_err());
    }
}
