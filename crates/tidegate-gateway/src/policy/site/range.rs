//! Which bytes a client wants (RFC 9110, 14). One range; several are answered with the whole file, as 14.2 allows: putting
//! them together costs more than it ever saves.

/// What a `Range` field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Everything: there is no range, or none that is understood.
    Whole,
    /// From the first to the last byte, both included.
    Part(u64, u64),
    /// Bytes that are not there.
    Nothing,
}

/// Reads the field, for a file of `size` bytes.
pub(super) fn wanted(field: Option<&str>, size: u64) -> Wanted {
    let Some(range) = field.and_then(single) else { return Wanted::Whole };
    match range {
        (Some(first), Some(last)) if last < first => Wanted::Whole,
        (Some(first), _) if first >= size => Wanted::Nothing,
        (Some(first), last) => Wanted::Part(first, last.unwrap_or(u64::MAX).min(size - 1)),
        (None, Some(0)) => Wanted::Nothing,
        (None, Some(_)) if size == 0 => Wanted::Nothing,
        (None, Some(length)) => Wanted::Part(size.saturating_sub(length), size - 1),
        (None, None) => Wanted::Whole,
    }
}

/// First and last of `bytes=first-last`.
fn single(field: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    Some((number(first)?, number(last)?))
}

/// Outer `None`: not a number.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    // No sign, and larger than any file is as good as any other such number.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_range_or_the_whole() {
        for (field, is) in [
            ("bytes=0-0", Wanted::Part(0, 0)),
            ("bytes=0-", Wanted::Part(0, 9)),
            ("bytes=5-99", Wanted::Part(5, 9)),
            ("bytes=-3", Wanted::Part(7, 9)),
            ("bytes=-99", Wanted::Part(0, 9)),
            ("Bytes=2-3", Wanted::Part(2, 3)),
            ("bytes=9-99999999999999999999999", Wanted::Part(9, 9)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(field), 10), is, "{field}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
        assert_eq!(wanted(Some("bytes=-1"), 0), Wanted::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_is_within_the_file(first in any::<Option<u8>>(), last in any::<Option<u8>>(), size in 0u64..300) {
            let text = |number: Option<u8>| number.map_or(String::new(), |number| number.to_string());
            let field = format!("bytes={}-{}", text(first), text(last));
            if let Wanted::Part(from, to) = wanted(Some(&field), size) {
                prop_assert!(from <= to && to < size);
            }
        }
    }
}
