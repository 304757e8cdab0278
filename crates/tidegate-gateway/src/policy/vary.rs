//! `Vary`: what else than the address an answer depends on (RFC 9110, 12.5.5).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Adds a name unless it is there.
pub(super) fn vary(headers: &mut HeaderMap, on: HeaderName) {
    let listed = headers.get_all(header::VARY).iter().filter_map(|value| value.to_str().ok());
    let known = listed
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|name| name == "*" || name.eq_ignore_ascii_case(on.as_str()));
    if !known {
        headers.append(header::VARY, HeaderValue::from(on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_added_once() {
        let mut headers = HeaderMap::new();
        headers.append(header::VARY, HeaderValue::from_static("Cookie, ORIGIN"));
        vary(&mut headers, header::ORIGIN);
        vary(&mut headers, header::ACCEPT_ENCODING);
        vary(&mut headers, header::ACCEPT_ENCODING);
        let all: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(all, ["Cookie, ORIGIN", "accept-encoding"]);
    }
}
