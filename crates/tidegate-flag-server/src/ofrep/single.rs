//! One flag.

use std::borrow::Cow;
use std::time::SystemTime;

use http::StatusCode;
use tidegate_flags::ErrorCode;

use super::question::Question;
use super::refusal::Refusal;
use super::{Answer, Ofrep, Seen, answer, json, seconds};

/// Longer keys are nobody's.
const LONGEST_KEY: usize = 512;

impl Ofrep {
    /// Answers with what one flag is worth. `key` is as it stands in the path.
    pub(super) fn single(
        &self,
        key: &str,
        (pass, set): Seen<'_>,
        question: Result<Question, Refusal>,
    ) -> Result<Answer, Refusal> {
        let key = decoded(key).filter(|key| key.len() <= LONGEST_KEY).ok_or(Refusal::Key)?;
        let question = match question {
            Ok(question) => question,
            Err(refusal) => return Ok(refusal.of_flag(&key)),
        };
        let snapshot = pass.board().now();
        let selection = snapshot.select(set);
        let mut body = Vec::with_capacity(256);
        let now = seconds(SystemTime::now());
        self.hall.tally().evaluated.one();
        let status = match selection.set().resolve(&key, &question.context, now) {
            Ok(resolution) => {
                answer::resolved(&mut body, &key, &resolution, &selection);
                StatusCode::OK
            }
            Err(failure) => {
                self.hall.tally().failed.one();
                answer::failed(&mut body, &key, &failure);
                match failure.code {
                    ErrorCode::FlagNotFound => StatusCode::NOT_FOUND,
                    _ => StatusCode::BAD_REQUEST,
                }
            }
        };
        Ok(json(status, body))
    }
}

/// Without the escapes of the path: some clients write them, some do not.
fn decoded(key: &str) -> Option<Cow<'_, str>> {
    if !key.contains('%') {
        return Some(Cow::Borrowed(key));
    }
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn escapes_are_read_and_bad_ones_are_no_key() {
        assert_eq!(decoded("my-flag.v2_x").unwrap(), "my-flag.v2_x");
        assert_eq!(decoded("a%2Fb%20%c3%a4").unwrap(), "a/b ä");
        for bad in ["%", "%4", "a%zz", "%+1", "%ff"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }
}
