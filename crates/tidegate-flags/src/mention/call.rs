//! Whether a literal is the key in a call that evaluates a flag, found by looking back from it.

use super::Language;

/// How far is looked back for the beginning of a call, in bytes.
const FARTHEST: usize = 300;
/// What languages that name arguments call the key.
const LABELS: [&str; 3] = ["key", "flag_key", "flagKey"];

/// Whether the literal from `quote` to `end` is the key of such a call. A key is followed by the default (or the context): a
/// function with one argument alone is somebody else's. That it stands in a comment is not seen here.
pub(super) fn asks_for(bytes: &[u8], quote: usize, end: usize, language: Language) -> bool {
    let behind = bytes[end + 1..].iter().find(|byte| !byte.is_ascii_whitespace());
    if behind != Some(&b',') {
        return false;
    }
    let before = without_label(trimmed(&bytes[quote.saturating_sub(FARTHEST)..quote]));
    let Some((before, arguments)) = opening(before) else { return false };
    arguments == language.key_at() && language.evaluates(name(without_types(before)))
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_end()
}

/// Without `key:` or `flag_key:` at the end.
fn without_label(before: &[u8]) -> &[u8] {
    let Some(named) = before.strip_suffix(b":") else { return before };
    let named = trimmed(named);
    let label = name(named);
    if LABELS.contains(&label) { trimmed(&named[..named.len() - label.len()]) } else { before }
}

/// What stands before the parenthesis that is open at the end, and how many arguments are between it and the end.
fn opening(before: &[u8]) -> Option<(&[u8], usize)> {
    let (mut depth, mut arguments) = (0_usize, 0);
    for (at, byte) in before.iter().enumerate().rev() {
        match byte {
            b')' | b']' | b'}' => depth += 1,
            b'(' if depth == 0 => return Some((trimmed(&before[..at]), arguments)),
            b'(' | b'[' | b'{' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => arguments += 1,
            b';' => return None,
            _ => {}
        }
    }
    None
}

/// Without `<…>`, `::<…>` and `?.` at the end.
fn without_types(before: &[u8]) -> &[u8] {
    let before = before.strip_suffix(b"?.").unwrap_or(before);
    if !before.ends_with(b">") {
        return before;
    }
    let mut depth = 0_usize;
    for (at, byte) in before.iter().enumerate().rev() {
        match byte {
            b'>' => depth += 1,
            b'<' if depth == 1 => return trimmed(before[..at].strip_suffix(b"::").unwrap_or(&before[..at])),
            b'<' => depth -= 1,
            _ => {}
        }
    }
    before
}

/// The name at the end.
fn name(before: &[u8]) -> &str {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = before.iter().rev().take_while(|byte| is_of_name(byte)).count();
    str::from_utf8(&before[before.len() - length..]).unwrap_or_default()
}
