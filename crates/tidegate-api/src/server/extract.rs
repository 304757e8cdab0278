//! Reading requests: query strings, path parts and JSON bodies, with refusals that say what is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tidegate_control::RefusalKind;

use super::Shared;
use super::problem::Refused;

/// The largest JSON body: a manifest and variables, generously.
const MOST_JSON: usize = 2 << 20;
/// For the whole of a JSON body.
const JSON_WITHIN: Duration = Duration::from_secs(30);

/// A query string. Unknown parameters are refused where its type says so.
pub(super) struct Params<T>(pub(super) T);

/// The parts of the path.
pub(super) struct PathOf<T>(pub(super) T);

/// A JSON body. An empty one is read as `{}`.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Params<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refused> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Params(query)).map_err(|error| Refused::bad_request(error.body_text()))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for PathOf<T> {
    type Rejection = Refused;
    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let path = Path::from_request_parts(parts, shared).await;
        path.map(|Path(path)| PathOf(path)).map_err(|error| Refused::bad_request(error.body_text()))
    }
}

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Refused;
    async fn from_request(request: Request, _: &Shared) -> Result<Self, Refused> {
        let bytes = json_bytes(request.into_body()).await?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text)
            .map(JsonBody)
            .map_err(|error| Refused::bad_request(format!("the body: {error}")))
    }
}

/// The bytes of a JSON body.
pub(super) async fn json_bytes(body: Body) -> Result<Bytes, Refused> {
    let reading = axum::body::to_bytes(body, MOST_JSON);
    let read = tokio::time::timeout(JSON_WITHIN, reading).await.map_err(|_| too_slow())?;
    read.map_err(|_| too_large(MOST_JSON as u64))
}

/// A body that stopped coming.
pub(super) fn too_slow() -> Refused {
    let message = "the request's body did not come in time";
    Refused::at(StatusCode::REQUEST_TIMEOUT, RefusalKind::Invalid, "api::too-slow", message)
}

/// A body over its limit, or broken off.
pub(super) fn too_large(most: u64) -> Refused {
    let message = format!("the request's body is over {most} bytes");
    Refused::at(StatusCode::PAYLOAD_TOO_LARGE, RefusalKind::Invalid, "api::too-large", message)
}
