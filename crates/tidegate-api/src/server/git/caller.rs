//! Who asks for a repository: the app's token as the password of Basic authentication, which is all that Git's clients know.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidegate_control::git::AccessKey;
use tidegate_core::access::Who;
use tidegate_core::model::Name;

use crate::server::access::Authenticator;
use crate::server::guard::only;

/// Somebody who may push to an app and fetch from it.
pub(super) struct Admitted {
    /// The app.
    pub(super) app: Name,
    /// Who, as they call themselves.
    pub(super) by: String,
    /// Who they are: whoever has the app's own token is sent by the owner, who gave it to them.
    pub(super) who: Who,
}

/// Why a client is not served: a status and a line of text, which Git shows.
pub(super) struct Unserved {
    status: StatusCode,
    text: String,
    header: Option<(HeaderName, HeaderValue)>,
}

/// A refusal without further headers.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Unserved {
    Unserved { status, text: text.into(), header: None }
}

impl Unserved {
    /// The same with a header.
    pub(super) fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Unserved { header: Some((name, value)), ..self }
    }
}

impl IntoResponse for Unserved {
    fn into_response(self) -> Response {
        let media = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (self.status, media, self.text + "\n").into_response();
        response.headers_mut().extend(self.header);
        response
    }
}

/// Who asks for the repository of a path; the answer where they may not. It is the same whether or not there is such an app.
pub(super) fn admitted(
    key: &AccessKey,
    callers: Option<&Authenticator>,
    headers: &HeaderMap,
    repository: &str,
) -> Result<Admitted, Unserved> {
    let app = repository.strip_suffix(".git").unwrap_or(repository).parse::<Name>();
    let given = only(headers, header::AUTHORIZATION).and_then(basic);
    let (Ok(app), Some((by, token))) = (app, given) else { return Err(no_token()) };
    if key.opens(&app, &token) {
        return Ok(Admitted { app, by, who: Who::Owner });
    }
    // They are who their token says, whatever they call themselves.
    let known = callers.and_then(|callers| (callers.0)(&token));
    known.map(|who| Admitted { app, by: who.to_string(), who }).ok_or_else(no_token)
}

/// The name and password of a Basic authorization.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((printable(name), password.to_owned()))
}

/// On one short line, and somebody.
fn printable(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    if name.is_empty() { "git".to_owned() } else { name }
}

fn no_token() -> Unserved {
    let text = "the app's token is missing or wrong: `tidegate git url APP` prints the address with it";
    let challenge = HeaderValue::from_static("Basic realm=\"Tidegate\", charset=\"UTF-8\"");
    plain(StatusCode::UNAUTHORIZED, text).with(header::WWW_AUTHENTICATE, challenge)
}
