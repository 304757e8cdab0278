//! What a request of HTTP/2 may look like, beyond what the frame layer refuses by itself, and how it becomes one that the
//! exchange takes: HTTP/1.1 knows no split cookies and has one place for the host. Pure.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use crate::front::screen::is_expectation;
use crate::page::Page;
use crate::target;

/// Looks a request over and brings it to the shape of HTTP/1.1.
pub(super) fn admit<B>(request: &mut Request<B>, most_fields: usize) -> Result<(), Page> {
    if request.method() == Method::CONNECT {
        return Err(Page::NO_CONNECT);
    }
    if request.headers().len() > most_fields {
        return Err(Page::MANY_FIELDS);
    }
    if !one_host(request) || !one_length(request.headers()) || !values_are_trimmed(request.headers()) {
        return Err(Page::BAD_HEAD);
    }
    if !request.headers().get_all(header::EXPECT).iter().all(|value| is_expectation(value.as_bytes())) {
        return Err(Page::EXPECTATION);
    }
    spell_target(request)?;
    join_cookies(request.headers_mut());
    Ok(())
}

/// Holds a target to what one of HTTP/1.1 must be, and spells it as it goes on.
fn spell_target<B>(request: &mut Request<B>) -> Result<(), Page> {
    let target = request.uri().path_and_query().map_or(&b""[..], |target| target.as_str().as_bytes());
    let formed = target.starts_with(b"/") || (target == b"*" && request.method() == Method::OPTIONS);
    if !formed || !target.iter().all(|byte| target::is_plain(*byte) || target::is_escaped(*byte)) {
        return Err(Page::BAD_TARGET);
    }
    if let Some(spelled) = target::escape(target) {
        let mut parts = request.uri().clone().into_parts();
        let spelled = PathAndQuery::from_maybe_shared(Bytes::from(spelled)).map_err(|_| Page::BAD_TARGET)?;
        parts.path_and_query = Some(spelled);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Page::BAD_TARGET)?;
    }
    Ok(())
}

/// `:authority` and Host name the same, and neither is there twice (RFC 9113, 8.3.1).
fn one_host<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    match (request.uri().authority(), first) {
        _ if second.is_some() => false,
        (Some(authority), Some(host)) => host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// The frame layer holds the body against the first length only.
fn one_length(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let digits = |value: &HeaderValue| {
        (1..=18).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_digit)
    };
    lengths.next().is_none_or(digits) && lengths.next().is_none()
}

/// RFC 9113, 8.2.1: white space around a value would mean something else to the next reader.
fn values_are_trimmed(headers: &HeaderMap) -> bool {
    headers.values().all(|value| value.as_bytes().trim_ascii().len() == value.len())
}

/// RFC 9113, 8.2.3.
fn join_cookies(headers: &mut HeaderMap) {
    let mut crumbs = headers.get_all(header::COOKIE).iter();
    if crumbs.next().is_none() || crumbs.next().is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(b"; " as &[u8])) {
        headers.insert(header::COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(uri: &str, fields: &[(&str, &str)]) -> Result<HeaderMap, Page> {
        let mut builder = Request::builder().uri(uri);
        for (name, value) in fields {
            builder = builder.header(*name, *value);
        }
        let mut request = builder.body(()).unwrap();
        admit(&mut request, 4).map(|()| request.headers().clone())
    }

    #[test]
    fn the_two_places_of_a_host_agree() {
        assert!(admitted("http://Shop.test/", &[]).is_ok());
        assert!(admitted("http://Shop.test/", &[("host", "shop.TEST")]).is_ok());
        assert!(admitted("/", &[("host", "shop.test")]).is_ok());
        for (uri, fields) in [
            ("http://shop.test/", &[("host", "other.test")] as &[_]),
            ("http://shop.test/", &[("host", "shop.test:80")]),
            ("/", &[]),
            ("/", &[("host", "a"), ("host", "a")]),
        ] {
            assert_eq!(admitted(uri, fields).unwrap_err(), Page::BAD_HEAD, "{uri} {fields:?}");
        }
    }

    #[test]
    fn a_target_is_one_that_http_1_has_as_well() {
        let admitted = |method: Method, target: &str| {
            let mut request = Request::builder().method(method).header("host", "a").body(()).unwrap();
            *request.uri_mut() = target.parse::<PathAndQuery>().unwrap().into();
            admit(&mut request, 4).map(|()| request.uri().to_string())
        };
        for (target, spelled) in [("/a?b=%22", "/a?b=%22"), ("/\"a\"?`", "/%22a%22?%60")] {
            assert_eq!(admitted(Method::GET, target).unwrap(), spelled);
        }
        assert_eq!(admitted(Method::OPTIONS, "*").unwrap(), "*");
        for bad in ["*", "?q", "/\u{fc}", "/?\u{fc}"] {
            assert_eq!(admitted(Method::GET, bad).unwrap_err(), Page::BAD_TARGET, "{bad}");
        }
    }

    #[test]
    fn only_one_expectation_is_met() {
        assert!(admitted("http://a/", &[("expect", "100-continue")]).is_ok());
        for value in ["foo", "100-continue, foo"] {
            assert_eq!(admitted("http://a/", &[("expect", value)]).unwrap_err(), Page::EXPECTATION);
        }
    }

    #[test]
    fn crumbs_become_one_cookie() {
        let headers = admitted("http://a/", &[("cookie", "a=1"), ("cookie", "b=2"), ("x", "y")]).unwrap();
        assert_eq!(headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        for fields in [
            &[("content-length", "1"), ("content-length", "1")] as &[_],
            &[("content-length", "+1")],
            &[("content-length", "")],
            &[("x", " padded")],
            &[("x", "padded\t")],
        ] {
            assert_eq!(admitted("http://a/", fields).unwrap_err(), Page::BAD_HEAD, "{fields:?}");
        }
        let many = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")];
        assert_eq!(admitted("http://a/", &many).unwrap_err(), Page::MANY_FIELDS);
    }
}
