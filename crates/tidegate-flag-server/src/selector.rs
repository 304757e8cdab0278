//! Which flags a client asks for: `flagSetId=NAME` in the header `flagd-selector`, or all.

use std::fmt;

use http::HeaderMap;

/// The header, over HTTP and over gRPC.
pub(crate) const HEADER: &str = "flagd-selector";
const FLAG_SET: &str = "flagSetId=";
/// Longest name of a flag set.
const LONGEST: usize = 256;

/// A selector that says nothing we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadSelector;

impl fmt::Display for BadSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the selector is to be `{FLAG_SET}NAME`, with at most {LONGEST} characters")
    }
}

/// The flag set in a request's header.
pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Option<&str>, BadSelector> {
    match headers.get(HEADER) {
        Some(value) => parse(value.to_str().map_err(|_| BadSelector)?),
        None => Ok(None),
    }
}

/// The flag set that a selector names.
pub(crate) fn parse(text: &str) -> Result<Option<&str>, BadSelector> {
    if text.is_empty() {
        return Ok(None);
    }
    let set = text.trim().strip_prefix(FLAG_SET).filter(|set| set.len() <= LONGEST);
    set.map(Some).ok_or(BadSelector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_sets_are_named_and_the_rest_is_refused() {
        assert_eq!(parse(""), Ok(None));
        assert_eq!(parse("flagSetId=checkout"), Ok(Some("checkout")));
        assert_eq!(parse("flagSetId="), Ok(Some("")));
        assert_eq!(parse("source=database"), Err(BadSelector));
        assert_eq!(parse(&format!("flagSetId={}", "x".repeat(257))), Err(BadSelector));
    }
}
