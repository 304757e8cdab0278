//! The `baggage` field (W3C): what services further down get to know of a request. Ours are added, and a client's in our name
//! are taken out. Pure.

use http::{HeaderMap, HeaderName, HeaderValue};

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
/// How the names of our members begin.
const OURS: &str = "tidegate.flag.";
/// What everybody has to pass on at least. Beyond it a client's members are left out, the last ones first: else whoever sends
/// enough of them would take ours away.
const LONGEST: usize = 8_192;
const MOST: usize = 64;

/// Adds a member for each flag. Values that are no plain text are written by percent signs.
pub(super) fn write<'a>(headers: &mut HeaderMap, flags: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut members = theirs(headers);
    let ours: Vec<String> = flags.map(|(flag, variant)| member(flag, variant)).collect();
    let length = |members: &[String]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    while !ours.is_empty()
        && !members.is_empty()
        && (members.len() + ours.len() > MOST || length(&members) + length(&ours) > LONGEST)
    {
        members.pop();
    }
    members.extend(ours);
    put(headers, &members);
}

/// Takes out what a client says in our name, whether its service watches flags or not: those further down believe it.
pub(crate) fn strip(headers: &mut HeaderMap) {
    if headers.get_all(BAGGAGE).into_iter().any(|field| speaks_for_us(field.as_bytes())) {
        let members = theirs(headers);
        put(headers, &members);
    }
}

/// Whether any member of a field is in our name.
pub(crate) fn speaks_for_us(field: &[u8]) -> bool {
    field.split(|byte| *byte == b',').any(|member| is_ours(member.trim_ascii()))
}

/// Whether a member's name begins as ours do. Some readers decode percent signs in names, so they are read here as well.
fn is_ours(member: &[u8]) -> bool {
    let mut rest = member;
    OURS.bytes().all(|wanted| {
        let (byte, after) = first(rest);
        rest = after;
        byte.is_some_and(|byte| byte.eq_ignore_ascii_case(&wanted))
    })
}

/// The first byte of a name, decoded, and what follows it.
fn first(name: &[u8]) -> (Option<u8>, &[u8]) {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match name {
        [b'%', high, low, rest @ ..] => match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => (u8::try_from(high * 16 + low).ok(), rest),
            _ => (Some(b'%'), &name[1..]),
        },
        [byte, rest @ ..] => (Some(*byte), rest),
        [] => (None, name),
    }
}

fn put(headers: &mut HeaderMap, members: &[String]) {
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
    members.filter(|member| !member.is_empty() && !is_ours(member.as_bytes())).map(str::to_owned).collect()
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
    fn no_number_of_members_takes_ours_away() {
        let long = format!("b=1,a={}", "x".repeat(LONGEST - 10));
        assert_eq!(written(&[&long], &[("x", "on")]).unwrap(), "b=1,tidegate.flag.x=on");
        assert_eq!(written(&[&long], &[]), Some(long), "nothing of ours is to be said");
        let said = written(&[&vec!["a=1"; MOST].join(",")], &[("x", "on")]).unwrap();
        assert_eq!((said.split(',').count(), said.ends_with(",tidegate.flag.x=on")), (MOST, true));
    }

    #[test]
    fn our_name_is_ours_however_it_is_spelt() {
        for ours in [
            "tidegate.flag.x=on",
            "a=1, %74idegate.flag.x=on",
            "Tidegate%2Eflag%2ex=on",
            "%74%69degate.flag.",
        ] {
            assert!(speaks_for_us(ours.as_bytes()), "{ours}");
        }
        for theirs in ["", "a=tidegate.flag.x", "tidegate=1", "%7", "%zzidegate.flag.x=1", "tidegate.flags=1"]
        {
            assert!(!speaks_for_us(theirs.as_bytes()), "{theirs}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(BAGGAGE, HeaderValue::from_static("k=v,%74idegate.flag.x=on"));
        strip(&mut headers);
        assert_eq!(headers[BAGGAGE], "k=v");
    }
}
