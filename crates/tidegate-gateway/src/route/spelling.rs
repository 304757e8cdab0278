//! The spellings of a path: two that mean the same, and what an app may read into one that is not plain.
//!
//! A route with a policy (who may come in, how often) is only worth something where the app cannot be asked for the same
//! thing by another spelling. Apps differ: some decode `%2f`, merge `//`, resolve `..` or cut `;v=1` off, some do not. So
//! every reading is looked up, and where two lead to different routes the request is refused.

use std::borrow::Cow;

/// Whether there is one reading of it only. `path` is of a target, without its query.
pub(crate) fn is_plain(path: &str) -> bool {
    let mut before = 0;
    path.bytes().all(|byte| {
        let odd = matches!(byte, b'%' | b'\\' | b';') || before == b'/' && matches!(byte, b'/' | b'.');
        before = byte;
        !odd
    })
}

/// The spelling that all share which mean the same by RFC 3986, 6.2.2: characters that need no escape have none, and the
/// digits of an escape are upper case.
pub(crate) fn normal(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        match escape(&rest.as_bytes()[at..]) {
            Some(byte) if is_unreserved(byte) => out.push(char::from(byte)),
            Some(byte) => out.push_str(&format!("%{byte:02X}")),
            None => {
                out.push('%');
                rest = &rest[at + 1..];
                continue;
            }
        }
        rest = &rest[at + 3..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The spellings that stand for a prefix: the [`normal`] one, and the one without escapes, as which it is found in the
/// [`readings`] of a request's path.
pub(crate) fn keys(prefix: &str) -> [String; 2] {
    let mut ascii = String::with_capacity(prefix.len());
    for byte in prefix.bytes() {
        if byte.is_ascii() {
            ascii.push(char::from(byte));
        } else {
            ascii.push_str(&format!("%{byte:02X}"));
        }
    }
    [normal(&ascii).into_owned(), decoded(prefix)]
}

/// What apps may make of a path in its [`normal`] spelling, other than that.
pub(crate) fn readings(normal: &str) -> [String; 8] {
    let bare = without_parameters(normal);
    let (decoded, bare_decoded) = (decoded(normal), decoded(&bare));
    let (merged, bare_merged) = (merged(&decoded), merged(&bare_decoded));
    [
        resolved(normal),
        resolved(&bare),
        resolved(&merged),
        resolved(&bare_merged),
        decoded,
        bare_decoded,
        bare_merged,
        bare,
    ]
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The byte that an escape at the front stands for.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let value = digit(1)? * 16 + digit(2)?;
    u8::try_from(value).ok()
}

/// Without escapes, and with `\` as `/`.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let found = (bytes[at] == b'%').then(|| escape(&bytes[at..])).flatten();
        out.push(found.unwrap_or(bytes[at]));
        at += if found.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).replace('\\', "/")
}

/// Each segment without what follows a `;`.
fn without_parameters(path: &str) -> String {
    let names = path.split('/').map(|segment| segment.split_once(';').map_or(segment, |(name, _)| name));
    names.collect::<Vec<_>>().join("/")
}

/// With one `/` for several.
fn merged(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !out.ends_with('/') {
            out.push(character);
        }
    }
    out
}

/// With dot segments resolved (RFC 3986, 5.2.4).
fn resolved(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            name => kept.push(name),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_means_the_same_has_one_spelling() {
        assert_eq!(normal("/%61dm%69n%2d"), "/admin-");
        assert_eq!(normal("/gr%c3%B6/%2f%"), "/gr%C3%B6/%2F%");
        assert_eq!(normal("/a%zz%4"), "/a%zz%4");
        assert!(matches!(normal("/a"), Cow::Borrowed("/a")));
    }

    #[test]
    fn every_way_to_another_path_is_read() {
        for way in [
            "//admin",
            "/./admin",
            "/x/../admin",
            "/admin;v=1",
            "/x/..;/admin",
            "/admin%2fx",
            "/x%2f..%2fadmin",
            "/%2e/admin",
            "/\\admin",
            "/x\\..\\admin",
            "/%5cadmin",
            "/x//../../admin",
            "/;a/admin",
        ] {
            assert!(!is_plain(way), "{way}");
            let all = readings(&normal(way));
            let found = all.iter().any(|path| path == "/admin" || path.starts_with("/admin/"));
            assert!(found, "{way}: {all:?}");
        }
    }

    #[test]
    fn a_prefix_is_found_as_it_is_sent_and_as_it_is_read() {
        let keys = keys("/gr%c3%b6ß");
        assert_eq!(keys, ["/gr%C3%B6%C3%9F", "/größ"]);
        assert_eq!(normal("/gr%C3%b6%c3%9f"), keys[0]);
        assert!(readings("/gr%C3%B6%C3%9F").contains(&keys[1]));
        assert_eq!(super::keys("/%61"), ["/a", "/a"]);
    }

    #[test]
    fn ordinary_paths_are_plain() {
        for path in ["/", "/a/b.html", "/a.b/c..d", "/.well", "*", "/a/"] {
            assert_eq!(is_plain(path), !path.contains("/."), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_path_has_no_other_reading(path in "/[a-z./;%2f\\\\]{0,12}") {
            if is_plain(&path) {
                prop_assert_eq!(normal(&path), path.as_str());
                prop_assert!(readings(&path).iter().all(|reading| *reading == path), "{:?}", readings(&path));
            }
        }

        #[test]
        fn whatever_is_sent_is_read(path in "\\PC{0,40}") {
            let normal = normal(&path).into_owned();
            prop_assert_eq!(super::normal(&normal), normal.as_str());
            let _ = readings(&normal);
        }
    }
}
