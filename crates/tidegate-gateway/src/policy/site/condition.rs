//! Conditional requests (RFC 9110, 13): whether the client has the file already, or wants a part of what it has.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::tag::Tag;

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is answered.
    Go,
    /// 304.
    Known,
    /// 412.
    Failed,
}

/// Looks the conditions over, in the order of 13.2.2.
pub(super) fn verdict(headers: &HeaderMap, tag: &Tag) -> Verdict {
    let stands = match headers.contains_key(header::IF_MATCH) {
        true => lists(headers, header::IF_MATCH, |other| strong(other, tag)),
        false => is_unmodified(headers, tag),
    };
    if !stands {
        return Verdict::Failed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        let known = lists(headers, header::IF_NONE_MATCH, |other| weak(other, tag));
        return if known { Verdict::Known } else { Verdict::Go };
    }
    // Not "since" but "at": after a rollback the file is older than what the client has, and another one.
    let same = tag.modified.is_some() && headers.get(header::IF_MODIFIED_SINCE) == tag.modified.as_ref();
    if same { Verdict::Known } else { Verdict::Go }
}

/// Whether the file is not younger than the client asks for. What is no time asks for nothing (RFC 9110, 13.1.4).
fn is_unmodified(headers: &HeaderMap, tag: &Tag) -> bool {
    let time = |value: &HeaderValue| httpdate::parse_http_date(value.to_str().ok()?).ok();
    let wanted = headers.get(header::IF_UNMODIFIED_SINCE).and_then(time);
    let modified = tag.modified.as_ref().and_then(time);
    wanted.zip(modified).is_none_or(|(wanted, modified)| modified <= wanted)
}

/// Whether a range still is of the file that the client has a part of.
pub(super) fn range_holds(headers: &HeaderMap, tag: &Tag) -> bool {
    match headers.get(header::IF_RANGE) {
        None => true,
        Some(value) => *value == tag.etag || tag.modified.as_ref() == Some(value),
    }
}

fn lists(headers: &HeaderMap, name: HeaderName, is: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| HeaderValue::to_str(value).ok());
    // No tag of ours has a comma in it.
    values.flat_map(|value| value.split(',')).map(str::trim).any(|other| other == "*" || is(other))
}

fn strong(other: &str, tag: &Tag) -> bool {
    tag.etag == other
}

/// What was compressed on its way has the weak tag of the file it was made from.
fn weak(other: &str, tag: &Tag) -> bool {
    tag.etag == other.strip_prefix("W/").unwrap_or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag() -> Tag {
        Tag {
            etag: HeaderValue::from_static("\"5-a\""),
            modified: Some(HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT")),
        }
    }

    fn with(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn tags_go_before_times() {
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (fields, is) in [
            (&[][..], Verdict::Go),
            (&[(IF_NONE_MATCH, "\"5-a\"")], Verdict::Known),
            (&[(IF_NONE_MATCH, "\"x\", W/\"5-a\"")], Verdict::Known),
            (&[(IF_NONE_MATCH, "*")], Verdict::Known),
            (&[(IF_NONE_MATCH, "\"x\"")], Verdict::Go),
            (&[(IF_NONE_MATCH, "5-a")], Verdict::Go),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, SAME)], Verdict::Go),
            (&[(IF_MODIFIED_SINCE, SAME)], Verdict::Known),
            (&[(IF_MODIFIED_SINCE, "Sun, 06 Nov 2022 08:49:37 GMT")], Verdict::Go),
            (&[(IF_MATCH, "\"5-a\"")], Verdict::Go),
            (&[(IF_MATCH, "W/\"5-a\"")], Verdict::Failed),
            (&[(IF_MATCH, "\"x\"")], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Verdict::Go),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Verdict::Go),
            (&[(IF_UNMODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, SAME)], Verdict::Known),
            (&[(IF_MATCH, "\"5-a\""), (IF_UNMODIFIED_SINCE, BEFORE)], Verdict::Go),
        ] {
            assert_eq!(verdict(&with(fields), &tag()), is, "{fields:?}");
        }
    }

    #[test]
    fn a_range_of_another_file_is_the_whole_file() {
        for (value, holds) in [
            ("\"5-a\"", true),
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("W/\"5-a\"", false),
            ("\"x\"", false),
        ] {
            assert_eq!(range_holds(&with(&[(header::IF_RANGE, value)]), &tag()), holds, "{value}");
        }
        assert!(range_holds(&HeaderMap::new(), &tag()));
    }
}
