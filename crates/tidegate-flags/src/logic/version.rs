//! `sem_ver`: versions compared by what their numbers mean.

use std::cmp::Ordering;

use super::node::Args;
use super::scope::{Env, Scope};
use super::value::Val;
use crate::resolution::Fault;

/// Longer versions are none.
const LONGEST: usize = 256;
/// As flagd's JavaScript evaluator: numbers that are not exact in a double are none.
const LARGEST: u64 = 9_007_199_254_740_991;

/// Version, operator, version; null if any of them is none.
pub(super) fn evaluate<'a>(args: &'a Args, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let Some([left, how, right]) = args.exactly(env, scope)? else { return Ok(Val::Null) };
    let (left, right, how) = (left.to_text(), right.to_text(), how.to_text());
    let (Some(left), Some(right)) = (Version::parse(&left), Version::parse(&right)) else {
        return Ok(Val::Null);
    };
    Ok(holds(&how, &left, &right).map_or(Val::Null, Val::Bool))
}

fn holds(how: &str, left: &Version<'_>, right: &Version<'_>) -> Option<bool> {
    let order = left.compare(right);
    Some(match how {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "^" => left.numbers[0] == right.numbers[0],
        "~" => left.numbers[..2] == right.numbers[..2],
        _ => return None,
    })
}

/// A version of semver 2; a leading `v`, and one or two numbers alone, are accepted.
#[derive(Debug, PartialEq, Eq)]
struct Version<'t> {
    numbers: [u64; 3],
    /// Empty: a release.
    before: &'t str,
}

impl<'t> Version<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text).trim();
        if text.len() > LONGEST {
            return None;
        }
        let (text, build) = split(text, '+');
        let (core, before) = split(text, '-');
        if !build.is_none_or(|build| build.split('.').all(is_identifier)) {
            return None;
        }
        if !before.is_none_or(|before| before.split('.').all(is_before)) {
            return None;
        }
        let short = before.is_none() && build.is_none();
        Some(Self { numbers: numbers(core, short)?, before: before.unwrap_or_default() })
    }

    fn compare(&self, other: &Version<'_>) -> Ordering {
        let of_release = || match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_before(self.before, other.before),
        };
        self.numbers.cmp(&other.numbers).then_with(of_release)
    }
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

/// Three numbers; fewer only where nothing else follows, and then zeros at their start do not matter.
fn numbers(core: &str, short: bool) -> Option<[u64; 3]> {
    let mut numbers = [0; 3];
    let count = core.split('.').count();
    if count > 3 || (count < 3 && !short) {
        return None;
    }
    for (number, text) in numbers.iter_mut().zip(core.split('.')) {
        *number = if count < 3 { digits(text)? } else { exact(text)? };
    }
    Some(numbers)
}

fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if all { text.parse().ok().filter(|n| *n <= LARGEST) } else { None }
}

fn exact(text: &str) -> Option<u64> {
    if text.len() > 1 && text.starts_with('0') { None } else { digits(text) }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A number among the identifiers before a release has no zeros at its start.
fn is_before(text: &str) -> bool {
    let numeric = text.bytes().all(|b| b.is_ascii_digit());
    is_identifier(text) && !(numeric && text.len() > 1 && text.starts_with('0'))
}

fn compare_before(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => compare_identifiers(left, right),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers by size and before words, words by their letters.
fn compare_identifiers(left: &str, right: &str) -> Ordering {
    let numeric = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    match (numeric(left), numeric(right)) {
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, how: &str, right: &str) -> Option<bool> {
        holds(how, &Version::parse(left)?, &Version::parse(right)?)
    }

    #[test]
    fn versions_are_ordered_as_semver_says() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0",
            "2.1.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(check(pair[0], "<", pair[1]), Some(true), "{pair:?}");
            assert_eq!(check(pair[0], ">=", pair[1]), Some(false), "{pair:?}");
        }
        assert_eq!(check("1.0.0+a", "=", "1.0.0+b"), Some(true));
        assert_eq!(check("v1", "=", "V1.0.0"), Some(true));
        assert_eq!(check("1.5.0", "^", "1"), Some(true));
        assert_eq!(check("3.1.0", "~", "3.0.9"), Some(false));
        assert_eq!(check("1.0.0", "===", "1.0.0"), None);
    }

    #[test]
    fn what_is_no_version_is_none() {
        for text in [
            "",
            "2.0.0.0",
            "not-a-version",
            "1.0.0-",
            "01.0.0",
            "1.0.0-01",
            "1-alpha",
            "1.0+b",
            "1..0",
            "1.0.0+",
        ] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
