//! A refusal on its way out: HTTP status and problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tidegate_control::access::{FORBIDDEN, OUT_OF_REACH};
use tidegate_control::{Refusal, RefusalKind};

use super::audit::RefusedAs;
use crate::wire::{DISK_FULL, PROBLEM_TYPE, Problem};

/// What a handler returns where it does not do as asked.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    refusal: Refusal,
    /// In how many seconds to ask again.
    retry_after_s: Option<u32>,
}

impl Refused {
    /// A refusal of the API itself, with a status of its own.
    pub(super) fn at(status: StatusCode, kind: RefusalKind, code: &str, message: impl Into<String>) -> Self {
        Refused { status, refusal: Refusal::new(kind, code, message), retry_after_s: None }
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Refused::at(StatusCode::BAD_REQUEST, RefusalKind::Invalid, "api::bad-request", message)
    }

    /// A bug in Tidegate.
    pub(super) fn bug(message: impl Into<String>) -> Self {
        Refused::at(StatusCode::INTERNAL_SERVER_ERROR, RefusalKind::Bug, "bug", message)
            .help("this is a bug in Tidegate; its log has more")
    }

    /// Whether its code is one of these.
    pub(super) fn is_any_of(&self, codes: &[&str]) -> bool {
        codes.contains(&self.refusal.code.as_str())
    }

    /// Why, without its status.
    pub(super) fn into_refusal(self) -> Refusal {
        self.refusal
    }

    /// The same, to be asked again in so many seconds.
    pub(super) fn retry_after(self, seconds: u32) -> Self {
        Refused { retry_after_s: Some(seconds), ..self }
    }

    /// The same with what to do next.
    pub(super) fn help(mut self, help: &str) -> Self {
        self.refusal = self.refusal.help(help);
        self
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Refused { status: status_of(&refusal), refusal, retry_after_s: None }
    }
}

/// Codes of what is refused because of who asks.
const NOT_THEIRS: [&str; 5] =
    [FORBIDDEN, OUT_OF_REACH, "access::not-managing", "access::whose-token", "access::narrow-token"];

/// Codes of logins on the word of an identity provider that let nobody in.
const NOT_LET_IN: &[&str] = tidegate_control::openid::NOT_LET_IN;

fn status_of(refusal: &Refusal) -> StatusCode {
    if refusal.code == DISK_FULL {
        return StatusCode::INSUFFICIENT_STORAGE;
    }
    if NOT_THEIRS.contains(&refusal.code.as_str()) || NOT_LET_IN.contains(&refusal.code.as_str()) {
        return StatusCode::FORBIDDEN;
    }
    if refusal.code == "oidc::busy" {
        return StatusCode::TOO_MANY_REQUESTS;
    }
    match refusal.kind {
        RefusalKind::Invalid => StatusCode::BAD_REQUEST,
        RefusalKind::NotFound => StatusCode::NOT_FOUND,
        RefusalKind::Conflict => StatusCode::CONFLICT,
        RefusalKind::Environment => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let failed = matches!(self.refusal.kind, RefusalKind::Environment | RefusalKind::Bug);
        // Who has no token is not the machine's fault, whatever the exit code says.
        let failed = failed && self.status.is_server_error();
        let refused = RefusedAs { code: self.refusal.code.clone(), rule: None, failed };
        let problem = Problem {
            type_: format!("urn:tidegate:error:{}", self.refusal.code),
            title: self.refusal.message.clone(),
            status: self.status.as_u16(),
            refusal: self.refusal,
        };
        let mut response = (self.status, axum::Json(problem)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        response.extensions_mut().insert(refused);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
