//! The `baggage` field (W3C): what services further down get to know of a request. Ours are added, and a client's in our name
//! are taken out. Pure.

use http::{HeaderMap, HeaderName, HeaderValue};

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// How the names of our members begin.
const OURS: &str = "tidegate.flag.";
/// What everybody has to pass on at least; ours are left out rather than that theirs are cut.
const LONGEST: usize = 8_192;
const MOST: usize = 64;

/// Adds a member for each flag. Values that are no plain text are written by percent signs.
pub(super) fn write<'a>(headers: &mut HeaderMap, flags: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut members = theirs(headers);
    let ours: Vec<String> = flags.map(|(flag, variant)| member(flag, variant)).collect();
    let fits = members.len() + ours.len() <= MOST
        && members.iter().chain(&ours).map(|member| member.len() + 1).sum::<usize>() <= LONGEST;
    if fits {
        members.extend(ours);
    }
    headers.remove(BAGGAGE);
    if let Ok(value) = HeaderValue::try_from(members.join(","))
        && !members.is_empty()
    {
        headers.insert(BAGGAGE, value);
    }
}

/// A client's members but those in our name. A field that is not text has none.
fn theirs(headers: &HeaderMap) -> Vec<String> {
    let fields = headers.get_all(BAGGAGE).into_iter().filter_map(|field| field.to_str().ok());
    let members = fields.flat_map(|field| field.split(',')).map(str::trim);
    members.filter(|member| !member.is_empty() && !member.starts_with(OURS)).map(str::to_owned).collect()
}

fn member(flag: &str, variant: &str) -> String {
    let mut member = format!("{OURS}{flag}=");
    encode(variant, &mut member);
    member
}

/// Percent-encodes all but what needs none anywhere.
pub(super) fn encode(text: &str, out: &mut String) {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.extend(['%', HEX[usize::from(byte >> 4)].into(), HEX[usize::from(byte & 15)].into()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fields: &[&str], flags: &[(&str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(BAGGAGE, HeaderValue::from_str(field).unwrap());
        }
        write(&mut headers, flags.iter().copied());
        assert!(headers.get_all(BAGGAGE).iter().count() <= 1);
        headers.get(BAGGAGE).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn ours_follow_theirs_and_nobody_speaks_in_our_name() {
        let said = written(&["a=1;p, tidegate.flag.x=on", "b=2"], &[("x", "off"), ("y", "ä b")]);
        assert_eq!(said.unwrap(), "a=1;p,b=2,tidegate.flag.x=off,tidegate.flag.y=%C3%A4%20b");
        assert_eq!(written(&["tidegate.flag.x=on"], &[]), None);
        assert_eq!(written(&[], &[]), None);
    }

    #[test]
    fn theirs_are_never_cut_for_ours() {
        let long = format!("a={}", "x".repeat(LONGEST - 10));
        assert_eq!(written(&[&long], &[("x", "on")]), Some(long));
        let many = vec!["a=1"; MOST].join(",");
        assert_eq!(written(&[&many], &[("x", "on")]), Some(many));
    }
}
