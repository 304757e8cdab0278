//! One request: method, path, query and JSON body in; a value or a refusal out.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::connection::Answer;
use super::{Client, ClientError, Lines};
use crate::wire::Problem;

/// The largest answer that is read whole.
const MOST_ANSWER: usize = 64 << 20;
/// For the head of an answer: calls of the control plane take milliseconds, a starting one a little longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A request to be.
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Bytes,
}

impl Ask {
    pub(super) fn new(method: Method, path: &str) -> Self {
        Ask { method, path: path.to_owned(), body: Bytes::new() }
    }

    pub(super) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    /// With the fields of `params` that have a value as its query string.
    pub(super) fn query<T: Serialize>(mut self, params: &T) -> Result<Self, ClientError> {
        let Value::Object(fields) = to_value(params)? else { return Ok(self) };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &fields {
            match value {
                Value::Null => {}
                Value::String(text) => drop(query.append_pair(name, text)),
                other => drop(query.append_pair(name, &other.to_string())),
            }
        }
        self.path = format!("{}?{}", self.path, query.finish());
        Ok(self)
    }

    /// With a JSON body.
    pub(super) fn body<T: Serialize>(mut self, body: &T) -> Result<Self, ClientError> {
        self.body = to_value(body)?.to_string().into();
        Ok(self)
    }
}

fn to_value<T: Serialize>(value: &T) -> Result<Value, ClientError> {
    let unheard_of = |error: serde_json::Error| ClientError::Pack(std::io::Error::other(error));
    serde_json::to_value(value).map_err(unheard_of)
}

/// A text as one part of a path.
pub(super) fn segment(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

impl Client {
    /// Sends a request and reads the whole answer.
    pub(super) async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, ClientError> {
        let answer = self.send(ask).await?;
        self.value(answer).await
    }

    /// Sends a request and leaves the answer to be read line by line.
    pub(super) async fn lines<T: DeserializeOwned>(&self, ask: Ask) -> Result<Lines<T>, ClientError> {
        let answer = self.send(ask).await?;
        Ok(Lines::new(self.address.clone(), answer.into_body()))
    }

    /// The value an answer holds.
    pub(super) async fn value<T: DeserializeOwned>(&self, answer: Answer) -> Result<T, ClientError> {
        let bytes = self.whole(answer.into_body()).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.address.strange(error))
    }

    async fn send(&self, ask: Ask) -> Result<Answer, ClientError> {
        let request = self.head(&ask.method, &ask.path, "application/json");
        let answering = self.exchange(request, Full::new(ask.body));
        match tokio::time::timeout(ANSWER_WITHIN, answering).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Broken {
                address: self.address.to_string(),
                reason: format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
            }),
        }
    }

    /// The head of a request.
    pub(super) fn head(&self, method: &Method, path: &str, media: &str) -> http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.host())
            .header(header::CONTENT_TYPE, media)
            .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal())),
            None => request,
        }
    }

    /// Sends a request. An answer that is no success becomes a refusal.
    pub(super) async fn exchange<B>(
        &self,
        request: http::request::Builder,
        body: B,
    ) -> Result<Answer, ClientError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // A token with a line break in it, say: never sent.
        let request = request.body(body).map_err(|error| self.address.strange(error))?;
        let mut sender = self.address.connect::<B>().await?;
        let answer = sender.send_request(request).await.map_err(|error| self.address.broken(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let bytes = self.whole(answer.into_body()).await?;
        Err(self.refusal(status, &bytes))
    }

    async fn whole(&self, body: Incoming) -> Result<Bytes, ClientError> {
        let collected = Limited::new(body, MOST_ANSWER).collect().await;
        collected.map(|body| body.to_bytes()).map_err(|error| self.address.strange(error))
    }

    fn refusal(&self, status: StatusCode, bytes: &[u8]) -> ClientError {
        match serde_json::from_slice::<Problem>(bytes) {
            Ok(problem) => ClientError::Refused(Box::new(problem.refusal)),
            Err(_) => self.address.strange(format!("HTTP {status} without a reason")),
        }
    }
}
