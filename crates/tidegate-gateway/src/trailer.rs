//! Trailers: which fields must not stand behind a body. A reader that puts trailers among the fields of the head would
//! believe them (RFC 9110, 6.5.1), and by then the head was routed, let in and written. Pure.

use http::header::{HeaderMap, HeaderName};

use crate::own::{is_ours, is_own};

/// What says where a message ends and how its body is to be read, whom it is for and who asks, and what holds between two
/// neighbours.
const FORBIDDEN: [&[u8]; 21] = [
    b"authorization",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"host",
    b"http2-settings",
    b"keep-alive",
    b"max-forwards",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"set-cookie",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"www-authenticate",
];

/// So much of a name tells whether it is forbidden.
pub(crate) const TELLING: usize = 20;

/// Whether a field must not be a trailer of a request. Of the name its first [`TELLING`] bytes are enough.
pub(crate) fn is_forbidden(name: &[u8]) -> bool {
    is_of_heads(name) || is_ours(name)
}

/// The same of an answer: what a gateway says of the client means nothing there, and apps do say a request's id again.
pub(crate) fn is_forbidden_in_answers(name: &[u8]) -> bool {
    is_of_heads(name) || is_own(name)
}

fn is_of_heads(name: &[u8]) -> bool {
    FORBIDDEN.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether all of them may be there in a request.
pub(crate) fn are_fine(trailers: &HeaderMap) -> bool {
    !trailers.keys().any(|name| is_forbidden(name.as_str().as_bytes()))
}

/// Takes out those that must not be there in an answer.
pub(crate) fn strip(trailers: &mut HeaderMap) {
    let forbidden = |name: &&HeaderName| is_forbidden_in_answers(name.as_str().as_bytes());
    let names: Vec<HeaderName> = trailers.keys().filter(forbidden).cloned().collect();
    for name in names {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_forbidden_name_is_longer_than_what_is_read_of_it() {
        assert!(FORBIDDEN.iter().all(|name| name.len() < TELLING));
    }

    #[test]
    fn what_a_head_says_is_no_trailer() {
        for name in
            ["Content-Length", "HOST", "te", "set-cookie", "X_Forwarded_For", "tidegate-arm-of-some-sort"]
        {
            assert!(is_forbidden(name.as_bytes()), "{name}");
        }
        for name in ["x-sum", "grpc-status", "digest", "server-timing", "etag", "hosts"] {
            assert!(!is_forbidden(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn an_answer_may_say_the_id_of_its_request_again() {
        for name in ["X-Request-Id", "x-forwarded-for", "forwarded"] {
            assert!(is_forbidden(name.as_bytes()) && !is_forbidden_in_answers(name.as_bytes()), "{name}");
        }
        for name in ["Tidegate-Gateway", "tidegate_arm", "set-cookie"] {
            assert!(is_forbidden_in_answers(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn only_what_is_forbidden_is_taken_out() {
        let trailers = [("x-sum", "1"), ("connection", "close"), ("connection", "x"), ("tidegate-arm", "a")];
        let mut map = HeaderMap::new();
        for (name, value) in trailers {
            map.append(name, value.parse().unwrap());
        }
        assert!(!are_fine(&map));
        strip(&mut map);
        assert_eq!(map.keys().collect::<Vec<_>>(), ["x-sum"]);
        assert!(are_fine(&map));
    }
}
