//! Names and values of header fields, and names of cookies.

use super::text::Rule;
use crate::codes::{self, Code};

/// The name of a field, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FieldName(pub(crate) String);

/// The value of a field, without white space at its ends.
#[derive(Clone, Debug)]
pub(crate) struct FieldValue(pub(crate) String);

/// The name of a cookie or a query parameter, as written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token(pub(crate) String);

const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 4096;

/// Whether the text is a token as RFC 9110 has it.
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(allowed)
}

impl Rule for FieldName {
    const WHAT: &'static str = "the name of a header field";
    const CODE: Code = codes::BAD_HEADER;
    const PATTERN: &'static str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$";

    fn parse(text: &str) -> Result<Self, String> {
        if is_token(text) {
            return Ok(FieldName(text.to_ascii_lowercase()));
        }
        Err(match text.split_once(':') {
            Some((name, _)) if is_token(name) => format!("leave out the colon: `{name}`"),
            _ => "letters, digits and `-`, at most 128".to_owned(),
        })
    }
}

impl Rule for FieldValue {
    const WHAT: &'static str = "the value of a header field";
    const CODE: Code = codes::BAD_HEADER;
    const PATTERN: &'static str = "^[ -~]{0,4096}$";

    fn parse(text: &str) -> Result<Self, String> {
        let value = text.trim();
        let visible = value.bytes().all(|b| (b' '..=b'~').contains(&b));
        if visible && value.len() <= LONGEST_VALUE {
            Ok(FieldValue(value.to_owned()))
        } else {
            Err("one line of visible ASCII characters, at most 4096".to_owned())
        }
    }
}

impl Rule for Token {
    const WHAT: &'static str = "a name";
    const CODE: Code = codes::BAD_HEADER;
    const PATTERN: &'static str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$";

    fn parse(text: &str) -> Result<Self, String> {
        let advice = || "letters, digits, `-` and `_`, at most 128".to_owned();
        is_token(text).then(|| Token(text.to_owned())).ok_or_else(advice)
    }
}
