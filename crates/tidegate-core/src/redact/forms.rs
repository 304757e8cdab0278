//! The forms in which a value turns up: as it is, and as programs write it into addresses, headers and JSON.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::SHORTEST;

/// A line of a value that has several is looked for by itself from this length, in bytes.
const SHORTEST_LINE: usize = 12;
/// What `encodeURIComponent` leaves as it is besides letters and digits.
const LEFT_BY_SCRIPTS: &[u8] = b"-_.!~*'()";
/// What RFC 3986 leaves as it is besides letters and digits.
const UNRESERVED: &[u8] = b"-._~";

/// Every form of a value that is long enough to be looked for; none of a value that is too short itself.
pub(super) fn forms_of(value: &str) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let trimmed = value.trim();
    if trimmed.len() < SHORTEST {
        return forms;
    }
    for text in [value, trimmed] {
        forms.insert(text.as_bytes().to_vec());
        in_base64(text.as_bytes(), &mut forms);
        in_addresses(text.as_bytes(), &mut forms);
        in_json(text, &mut forms);
    }
    // A key of several lines is often written with something before each of them. What frames it is no secret.
    let lines = trimmed.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
    forms.extend(lines.filter(|line| !line.starts_with("-----")).map(|line| line.as_bytes().to_vec()));
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// In both alphabets; by itself, and within something longer, where it may begin at any of three places of a group.
fn in_base64(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    for alphabet in [&STANDARD, &URL_SAFE] {
        let whole = alphabet.encode(value);
        forms.insert(whole.trim_end_matches('=').as_bytes().to_vec());
        forms.insert(whole.into_bytes());
        for before in 0..3_usize {
            let mut longer = vec![0; before];
            longer.extend_from_slice(value);
            let text = alphabet.encode(&longer);
            // Characters that are of the value alone, not of its neighbours.
            let (first, last) = ((before * 8).div_ceil(6), longer.len() * 8 / 6);
            forms.extend(text.as_bytes().get(first..last).map(<[u8]>::to_vec));
        }
    }
}

fn in_addresses(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    for left in [UNRESERVED, LEFT_BY_SCRIPTS] {
        for upper in [true, false] {
            let escaped = percent(value, left, upper);
            forms.insert(escaped.replace("%20", "+").into_bytes());
            forms.insert(escaped.into_bytes());
        }
    }
}

fn percent(value: &[u8], left: &[u8], upper: bool) -> String {
    let mut out = String::with_capacity(value.len() * 3);
    for byte in value {
        match byte {
            byte if byte.is_ascii_alphanumeric() || left.contains(byte) => out.push(char::from(*byte)),
            byte if upper => out.push_str(&format!("%{byte:02X}")),
            byte => out.push_str(&format!("%{byte:02x}")),
        }
    }
    out
}

/// As most programs write it, with escaped slashes, and in ASCII alone.
fn in_json(value: &str, forms: &mut BTreeSet<Vec<u8>>) {
    let quoted = serde_json::Value::from(value).to_string();
    let escaped = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
    let mut ascii = String::with_capacity(escaped.len());
    for character in escaped.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            units.iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}")));
        }
    }
    forms.insert(escaped.replace('/', "\\/").into_bytes());
    forms.insert(escaped.into_bytes());
    forms.insert(ascii.into_bytes());
}
