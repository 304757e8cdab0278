//! Cross-origin resource sharing, answered for the app (the Fetch standard, CORS protocol).

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tidegate_core::model;

use super::vary::vary;
use super::{PolicyError, whole_seconds};
use crate::front::Part;
use crate::page::{Mark, Page, mark};
use crate::view::RequestView;

/// The longest list of asked-for fields that is repeated to the client.
const LONGEST_LIST: usize = 2_048;
const PREFLIGHT: Mark = Mark("preflight");
/// What an app may say itself; the gateway's word replaces it.
const ANSWERS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// See the module.
#[derive(Debug)]
pub(super) struct Cors {
    any: bool,
    origins: Vec<Origin>,
    methods: HeaderValue,
    /// `None`: those asked for.
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: Option<HeaderValue>,
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Exact(Box<str>),
    /// Everything between `https://` and `.example.com:8443`.
    Below {
        scheme: Box<str>,
        suffix: Box<str>,
    },
}

impl Cors {
    pub(super) fn compile(model: &model::Cors) -> Result<Self, PolicyError> {
        let any = model.origins.iter().any(|origin| origin == "*");
        if model.origins.is_empty() {
            return Err(PolicyError::new("cors", "`origins` names none"));
        }
        if any && model.credentials {
            let why = "`credentials` are not sent to the origin `*`: name the origins";
            return Err(PolicyError::new("cors", why));
        }
        let named = model.origins.iter().filter(|origin| *origin != "*");
        let methods = if model.methods.is_empty() { Some("GET, HEAD, POST".to_owned()) } else { None };
        Ok(Cors {
            any,
            origins: named.map(|text| origin(text)).collect::<Result<_, _>>()?,
            methods: value(&methods.unwrap_or_else(|| model.methods.join(", ")))?,
            headers: list(&model.headers)?,
            expose: list(&model.expose)?,
            credentials: model.credentials,
            max_age: model.max_age.map(|age| HeaderValue::from(whole_seconds(age.to_std()))),
        })
    }

    /// The answer to a preflight: the app never sees one.
    pub(super) fn preflight(&self, view: &dyn RequestView) -> Option<Response<Part>> {
        let origin = view.field("origin")?;
        if view.method() != "OPTIONS" || view.field("access-control-request-method").is_none() {
            return None;
        }
        if !self.allows(origin) {
            let mut response = Page::ORIGIN.response();
            vary_on_preflight(response.headers_mut());
            return Some(response);
        }
        let mut response = Response::new(Part::Empty);
        *response.status_mut() = StatusCode::NO_CONTENT;
        mark(&mut response, PREFLIGHT.0);
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        let asked = || view.field("access-control-request-headers").and_then(repeated);
        if let Some(names) = self.headers.clone().or_else(asked) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        if let Some(age) = &self.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        vary_on_preflight(headers);
        Some(response)
    }

    /// Says on an answer who may read it. `origin` is who asked.
    pub(super) fn on_answer(&self, origin: Option<&HeaderValue>, response: &mut Response<Part>) {
        let preflight = response.extensions().get() == Some(&PREFLIGHT);
        let headers = response.headers_mut();
        if !preflight {
            for name in &ANSWERS {
                headers.remove(name);
            }
        }
        let allowed = if self.any {
            // Also where nobody's origin is said: a cache may give the answer to one who says it.
            HeaderValue::from_static("*")
        } else {
            vary(headers, header::ORIGIN);
            let Some(origin) = origin.filter(|origin| self.allows(origin.as_bytes())) else { return };
            origin.clone()
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(expose) = self.expose.as_ref().filter(|_| !preflight) {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    fn allows(&self, origin: &[u8]) -> bool {
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        self.any || self.origins.iter().any(|allowed| allowed.is(origin))
    }
}

impl Origin {
    fn is(&self, origin: &str) -> bool {
        match self {
            Origin::Exact(exact) => **exact == *origin,
            Origin::Below { scheme, suffix } => {
                let name = origin.strip_prefix(&**scheme).and_then(|rest| rest.strip_suffix(&**suffix));
                name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_of_name))
            }
        }
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
}

/// As browsers write it: scheme, lower-case host, a port unless it is the usual one, nothing behind.
fn origin(text: &str) -> Result<Origin, PolicyError> {
    let wrong = || {
        let why = format!("`{text}` is no origin like `https://example.com` or `https://*.example.com`");
        PolicyError::new("cors", why)
    };
    let at = text.find("://").ok_or_else(wrong)? + 3;
    let (scheme, host) = text.split_at(at);
    let (wild, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    let spelled = crate::route::host_name(name).is_ok_and(|plain| name == plain || is_port(name, &plain));
    let known = scheme.bytes().all(|byte| byte.is_ascii_lowercase() || b"+-.:/".contains(&byte));
    if !spelled || !known {
        return Err(wrong());
    }
    Ok(if wild {
        Origin::Below { scheme: scheme.into(), suffix: format!(".{name}").into() }
    } else {
        Origin::Exact(text.into())
    })
}

fn is_port(name: &str, plain: &str) -> bool {
    name.strip_prefix(plain).and_then(|rest| rest.strip_prefix(':')).is_some_and(|port| !port.is_empty())
}

fn list(names: &[String]) -> Result<Option<HeaderValue>, PolicyError> {
    if names.is_empty() { Ok(None) } else { value(&names.join(", ")).map(Some) }
}

/// Of tokens and commas only.
fn value(list: &str) -> Result<HeaderValue, PolicyError> {
    let wrong = || PolicyError::new("cors", format!("`{list}` is no list of names"));
    repeated(list.as_bytes()).ok_or_else(wrong)
}

/// A list that may be repeated to the client: names, commas and blanks, no more than a sane number.
fn repeated(list: &[u8]) -> Option<HeaderValue> {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, ".contains(byte);
    let fine = list.len() <= LONGEST_LIST && list.iter().all(token);
    fine.then(|| HeaderValue::from_bytes(list).ok()).flatten()
}

fn vary_on_preflight(headers: &mut HeaderMap) {
    vary(headers, header::ORIGIN);
    vary(headers, header::ACCESS_CONTROL_REQUEST_METHOD);
    vary(headers, header::ACCESS_CONTROL_REQUEST_HEADERS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origins: &[&str]) -> Result<Cors, PolicyError> {
        let origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        Cors::compile(&model::Cors {
            origins,
            methods: Vec::new(),
            headers: Vec::new(),
            expose: Vec::new(),
            credentials: false,
            max_age: None,
        })
    }

    #[test]
    fn origins_match_whole_and_below_a_name() {
        let cors = allowed(&["https://shop.test", "https://*.shop.test:8443", "http://[::1]:3000"]).unwrap();
        for (origin, is) in [
            ("https://shop.test", true),
            ("https://a.b-1.shop.test:8443", true),
            ("http://[::1]:3000", true),
            ("http://shop.test", false),
            ("https://shop.test:8443", false),
            ("https://.shop.test:8443", false),
            ("https://evil.test/.shop.test:8443", false),
            ("https://evil.test#.shop.test:8443", false),
            ("https://evil.test@a.shop.test:8443", false),
            ("https://evilshop.test", false),
            ("https://shop.test.evil.test", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(cors.allows(origin.as_bytes()), is, "{origin}");
        }
        assert!(allowed(&["*"]).unwrap().allows(b"null"));
    }

    #[test]
    fn what_is_no_origin() {
        for bad in [
            "",
            "shop.test",
            "https://",
            "https://Shop.test",
            "https://a/",
            "https://*",
            "https://a.*.b",
            "null",
        ] {
            assert!(allowed(&[bad]).is_err(), "{bad}");
        }
        assert!(allowed(&[]).is_err());
    }
}
