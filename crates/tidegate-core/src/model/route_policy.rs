//! What the gateway does with the requests of a route besides passing them on. Everything is off by default, and a route
//! with nothing on costs nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Millis;
use crate::units::ByteSize;

/// The middleware of one route, applied in the order of the fields: what refuses first comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutePolicy {
    /// Who may come: addresses or networks in CIDR form. Empty: everybody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// What is said to requests that came without TLS, and of TLS to those that came with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpsPolicy>,
    /// A page for everybody instead of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// Most requests of one client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Which other origins may call, answered for the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Names and passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// An answer that sends the client elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// How large bodies may be.
    #[serde(skip_serializing_if = "SizeLimits::is_none")]
    pub limits: SizeLimits,
    /// Another path for the app than the client asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
    /// Fields of requests.
    #[serde(skip_serializing_if = "HeaderEdit::is_none")]
    pub request_headers: HeaderEdit,
    /// Fields of answers.
    #[serde(skip_serializing_if = "HeaderEdit::is_none")]
    pub response_headers: HeaderEdit,
    /// Answers made smaller on their way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compress>,
}

impl RoutePolicy {
    /// Whether nothing is to be done.
    pub fn is_none(&self) -> bool {
        *self == RoutePolicy::default()
    }
}

/// Plain HTTP on a route, and what is said about it under TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpsPolicy {
    /// Requests without TLS are redirected (308) to the same address with it.
    pub redirect: bool,
    /// `Strict-Transport-Security` with this `max-age`, on answers under TLS.
    pub hsts: Option<Millis>,
    /// Its `includeSubDomains`.
    pub hsts_subdomains: bool,
}

/// A page for everybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Maintenance {
    /// Its status, 503 unless said otherwise.
    pub status: u16,
    /// Its text, HTML where it begins with `<`.
    pub body: String,
    /// `Retry-After`.
    pub retry_after: Option<Millis>,
    /// Addresses or networks that reach the app all the same.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// Most requests of one client: a bucket of `burst` tokens that fills by `requests` in each `per`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RateLimit {
    /// So many requests …
    pub requests: u32,
    /// … in this time.
    pub per: Millis,
    /// At once.
    pub burst: u32,
    /// What a client is.
    pub by: ClientKey,
}

/// What tells one client from another. A request without it is told by its address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKey {
    /// The address it comes from (an IPv6 one by its first 64 bits).
    Address,
    /// The value of a field, lower-case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
}

/// Cross-origin resource sharing (the Fetch standard).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cors {
    /// Origins, `https://*.example.com`, or `*`.
    pub origins: Vec<String>,
    /// Methods; empty: GET, HEAD and POST.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Request fields; empty: those asked for.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Answer fields that scripts may read.
    #[serde(default)]
    pub expose: Vec<String>,
    /// Whether cookies may be sent; not with the origin `*`.
    #[serde(default)]
    pub credentials: bool,
    /// How long a preflight holds.
    #[serde(default)]
    pub max_age: Option<Millis>,
}

/// HTTP basic authentication (RFC 7617).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BasicAuth {
    /// Shown by browsers.
    pub realm: String,
    /// Name to bcrypt hash (`$2b$…`), as `htpasswd -nB` makes them.
    pub users: BTreeMap<String, String>,
}

/// An answer that sends the client elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Redirect {
    /// An absolute URL or a path; `{path}` is the path after the route's prefix, `{query}` the query with its `?`, `{host}` the host.
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// How large bodies may be, in bytes. `None`: any size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct SizeLimits {
    /// Of requests: over it 413.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<ByteSize>,
    /// Of answers: over it 502, or a broken connection once the head is out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ByteSize>,
}

impl SizeLimits {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.request.is_none() && self.response.is_none()
    }
}

/// Another path for the app than the client asked for. The client does not see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewrite {
    /// The route's path prefix is taken off.
    StripPrefix,
    /// The route's path prefix is replaced by this one.
    ReplacePrefix(String),
    /// The whole path is this one; the query stays.
    Path(String),
}

/// Changes of header fields, in the order of the fields here. Names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct HeaderEdit {
    /// Fields that are taken away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Fields whose values are replaced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Fields that are added to those that are there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub add: BTreeMap<String, String>,
}

impl HeaderEdit {
    /// Whether nothing changes.
    pub fn is_none(&self) -> bool {
        *self == HeaderEdit::default()
    }
}

/// Answers made smaller, where the client can read it and the type is worth it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Compress {
    /// Which, most wanted first.
    pub algorithms: Vec<Compression>,
    /// Answers below this size stay as they are.
    pub min_size: ByteSize,
}

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// `zstd` (RFC 8878).
    Zstd,
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
}
