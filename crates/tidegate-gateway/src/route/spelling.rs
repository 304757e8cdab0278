//! The spellings of a path: two that mean the same, and what an app may read into one that is not plain.
//!
//! A route with a policy (who may come in, how often) is only worth something where the app cannot be asked for the same
//! thing by another spelling. Apps differ: some decode `%2f`, merge `//`, resolve `..` or cut `;v=1` off, some do not. So
//! every reading is looked up, and where two lead to different routes the request is refused.

use std::borrow::Cow;

/// Paths that are read in many ways have at most so many bytes: each way costs.
const LONGEST: usize = 2_048;

/// Whether there is one reading of it only. `path` is of a target, without its query.
pub(crate) fn is_plain(path: &str) -> bool {
    let mut before = 0;
    path.bytes().all(|byte| {
        let odd = matches!(byte, b'%' | b'\\' | b';') || before == b'/' && matches!(byte, b'/' | b'.');
        before = byte;
        !odd
    })
}

/// The spelling that all share which mean the same: what needs no escape in a path has none, and the digits of an escape
/// are upper case (RFC 3986, 6.2.2; what is set apart there for other uses means nothing special between two slashes).
pub(crate) fn normal(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((sign, after)) = next(rest) {
        sign.push(&mut out);
        rest = after;
    }
    Cow::Owned(out)
}

/// What of a path, as it was sent, follows a prefix in its [`normal`] spelling; `None`: it begins otherwise.
pub(crate) fn behind<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    if !path.contains('%') {
        return path.strip_prefix(prefix);
    }
    let (mut rest, mut wanted) = (path, prefix);
    let mut spelled = String::new();
    while !wanted.is_empty() {
        let (sign, after) = next(rest)?;
        spelled.clear();
        sign.push(&mut spelled);
        (rest, wanted) = (after, wanted.strip_prefix(&*spelled)?);
    }
    Some(rest)
}

/// The spellings that stand for a prefix: the [`normal`] one, in which it is sent, and the one without escapes, as which it
/// is found in the [`readings`] of a request's path.
pub(crate) fn keys(prefix: &str) -> [String; 2] {
    let mut ascii = String::with_capacity(prefix.len());
    for byte in prefix.bytes() {
        if byte.is_ascii() { ascii.push(char::from(byte)) } else { Sign::Escaped(byte).push(&mut ascii) }
    }
    [normal(&ascii).into_owned(), decoded(prefix)]
}

/// What apps may make of a path in its [`normal`] spelling, other than that; `None`: it is too long to be read in every way.
pub(crate) fn readings(normal: &str) -> Option<Vec<String>> {
    let decoded_once = decoded(normal);
    if is_clear(normal) {
        // Letters that are sent escaped are all there is to it.
        return Some(vec![decoded_once]);
    }
    if normal.len() > LONGEST {
        return None;
    }
    let decoded_twice = decoded(&decoded_once);
    let mut all = vec![normal.replace('\\', "/")];
    all.extend(decoded_once.find('\0').map(|end| decoded_once[..end].to_owned()));
    all.extend([decoded_once, decoded_twice]);
    with_each(&mut all, |path| path.contains(';').then(|| without_parameters(path)));
    with_each(&mut all, |path| without_authority(path).map(str::to_owned));
    with_each(&mut all, |path| path.contains("//").then(|| merged(path)));
    with_each(&mut all, |path| path.contains("/.").then(|| resolved(path)));
    Some(all)
}

/// Adds what each of them may become.
fn with_each(all: &mut Vec<String>, change: impl Fn(&str) -> Option<String>) {
    let changed: Vec<String> = all.iter().filter_map(|path| change(path)).collect();
    all.extend(changed);
    all.sort_unstable();
    all.dedup();
}

/// Whether a path in its [`normal`] spelling has nothing in it that apps read in different ways, but letters that are escaped.
fn is_clear(normal: &str) -> bool {
    let bytes = normal.as_bytes();
    let mut before = 0;
    bytes.iter().enumerate().all(|(at, byte)| {
        let odd = match byte {
            b'%' => escape(&bytes[at..]).is_none_or(|byte| matches!(byte, b'/' | b'\\' | b';' | b'%' | 0)),
            b'\\' | b';' => true,
            b'/' | b'.' => before == b'/',
            _ => false,
        };
        before = *byte;
        !odd
    })
}

/// A character of a path, or a byte that is escaped.
enum Sign {
    Plain(char),
    Escaped(u8),
}

impl Sign {
    fn push(&self, out: &mut String) {
        match self {
            Sign::Plain(character) => out.push(*character),
            Sign::Escaped(byte) => {
                let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

/// The first sign of a path as it is spelled [normally](normal), and what follows it.
fn next(path: &str) -> Option<(Sign, &str)> {
    let first = path.chars().next()?;
    if first == '%'
        && let Some(byte) = escape(path.as_bytes())
    {
        let needless = byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\' | b';' | b'%' | b'?' | b'#');
        let sign = if needless { Sign::Plain(char::from(byte)) } else { Sign::Escaped(byte) };
        return Some((sign, &path[3..]));
    }
    Some((Sign::Plain(first), &path[first.len_utf8()..]))
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

/// Behind what stands where an address has its host: `//x/y` is read as `/y` where it is taken for one.
fn without_authority(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("//")?;
    Some(rest.find('/').map_or("/", |end| &rest[end..]))
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
        assert_eq!(normal("/%40x%7by%7D%3bz%3f%23"), "/@x{y}%3Bz%3F%23");
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
            "//x/admin",
            "/\\x/admin",
            "/%2fx/y/../admin",
            "/z/\\..\\../admin",
            "/x%2fy\\..\\..\\admin",
            "/x%2fy\\..\\admin",
            "/admin%3bv=1",
            "/x/..%3b/admin",
            "/%2561dmin",
            "/%252561dmin/../%2561dmin",
            "/admin%00.png",
        ] {
            assert!(!is_plain(way), "{way}");
            let all = readings(&normal(way)).unwrap();
            let found = all.iter().any(|path| path == "/admin" || path.starts_with("/admin/"));
            assert!(found, "{way}: {all:?}");
        }
    }

    #[test]
    fn slashes_and_dots_are_read_by_those_who_resolve_before_they_merge() {
        for (way, wanted) in
            [("/x/\\..\\admin", "/x/admin"), ("/x/%5c..%5cadmin", "/x/admin"), ("/x%2f%2f..%2fy", "/x/y")]
        {
            let all = readings(&normal(way)).unwrap();
            assert!(all.iter().any(|path| path == wanted), "{way}: {all:?}");
        }
    }

    #[test]
    fn what_follows_a_prefix_stays_as_it_was_sent() {
        for (path, prefix, rest) in [
            ("/api/%7e%c3", "/api", Some("/%7e%c3")),
            ("/%61pi%2fx", "/api", Some("%2fx")),
            ("/gr%c3%b6/x", "/gr%C3%B6", Some("/x")),
            ("/ap%", "/api", None),
            ("/api%", "/api", Some("%")),
            ("/a", "/api", None),
            ("/apx", "/api", None),
            ("/%7e", "", Some("/%7e")),
        ] {
            assert_eq!(behind(path, prefix), rest, "{path} {prefix}");
        }
    }

    #[test]
    fn a_prefix_is_found_as_it_is_sent_and_as_it_is_read() {
        let keys = keys("/gr%c3%b6ß");
        assert_eq!(keys, ["/gr%C3%B6%C3%9F", "/größ"]);
        assert_eq!(normal("/gr%C3%b6%c3%9f"), keys[0]);
        assert!(readings("/gr%C3%B6%C3%9F").unwrap().contains(&keys[1]));
        assert_eq!(super::keys("/%61"), ["/a", "/a"]);
    }

    #[test]
    fn a_long_path_is_read_where_it_is_clear() {
        let long = "/x".repeat(LONGEST);
        assert_eq!(readings(&long), Some(vec![long.clone()]));
        assert_eq!(readings(&format!("{long}//y")), None);
        let ways = readings("/;a//../%2f..%5c;//x/%3b%2561%00/../;/./x").unwrap();
        assert!(ways.len() < 100, "{}", ways.len());
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
                prop_assert!(readings(&path).unwrap().iter().all(|reading| *reading == path), "{:?}", readings(&path));
            }
        }

        #[test]
        fn what_is_cut_off_is_the_prefix(path in "/[a-c%0-9/]{0,9}", prefix in "(/[a-c]{1,2})?") {
            let whole = normal(&path).into_owned();
            let rest = behind(&path, &prefix).map(|rest| normal(rest).into_owned());
            prop_assert_eq!(rest.as_deref(), whole.strip_prefix(&prefix));
        }

        #[test]
        fn whatever_is_sent_is_read(path in "\\PC{0,40}") {
            let normal = normal(&path).into_owned();
            prop_assert_eq!(super::normal(&normal), normal.as_str());
            let _ = readings(&normal);
        }
    }
}
