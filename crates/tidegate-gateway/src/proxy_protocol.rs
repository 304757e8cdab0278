//! The PROXY protocol, versions 1 and 2: what a load balancer in front of the gateway says of the client, before anything
//! the client says. Strict and pure: bytes in, who it is out; [`crate::door`] reads, and asks only those it trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::view::TlsVersion;

/// How a header of version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// How one of version 1 begins.
const WORD: &[u8] = b"PROXY ";
/// Signature, version and command, family, length.
const FIXED: usize = 16;
/// Longest line of version 1, with its line end.
const LONGEST_LINE: usize = 107;
/// Longest rest of version 2: addresses and a few hundred bytes of TLVs, with room.
const LONGEST_REST: usize = 2_048;

/// The extension that tells of TLS, the one of its own with the version, and its bit for a client that came with TLS.
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const CLIENT_SSL: u8 = 1;

/// Why the bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the connection does not begin with a PROXY header")]
    None,
    #[error("the PROXY header is too long")]
    Long,
    #[error("the PROXY line is not `PROXY TCP4|TCP6 address address port port`")]
    Line,
    #[error("the PROXY header is of a version that is not spoken")]
    Version,
    #[error("the PROXY header is of a family or protocol that is not spoken")]
    Family,
    #[error("the PROXY header has no room for its addresses")]
    Short,
    #[error("the PROXY header has an extension that is longer than the header")]
    Extension,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// The beginning of one.
    Partial,
    /// A whole one of so many bytes.
    Whole(usize, Told),
}

/// What a header tells of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its address. `None`: it tells of nobody, the connection is the proxy's own, or the client has none.
    pub(crate) source: Option<SocketAddr>,
    /// Whether it came to the proxy with TLS. Only version 2 can say so.
    pub(crate) secure: bool,
    /// The version of TLS, where that is told as well and known here.
    pub(crate) tls: Option<TlsVersion>,
}

/// Reads a header at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Header, ProxyError> {
    if begins(bytes, SIGNATURE) {
        binary(bytes)
    } else if begins(bytes, WORD) {
        line(bytes)
    } else {
        Err(ProxyError::None)
    }
}

/// How many of `bytes` surely belong to the header, as far as can be told: no byte of the client's is taken.
pub(crate) fn belongs(bytes: &[u8]) -> usize {
    if begins(bytes, WORD) && bytes.first() == WORD.first() {
        return bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    }
    let whole = bytes.get(14..FIXED).map_or(FIXED, |length| FIXED + number(length));
    whole.min(bytes.len())
}

/// Whether one begins with the other.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    let common = bytes.len().min(with.len());
    bytes[..common] == with[..common]
}

fn line(bytes: &[u8]) -> Result<Header, ProxyError> {
    let window = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() < LONGEST_LINE { Ok(Header::Partial) } else { Err(ProxyError::Long) };
    };
    let text = std::str::from_utf8(&bytes[..end]).ok().and_then(|text| text.strip_suffix('\r'));
    let text = text.ok_or(ProxyError::Line)?;
    let mut words = text.split(' ').skip(1);
    let source = match words.next() {
        Some("UNKNOWN") => return Ok(Header::Whole(end + 1, Told::default())),
        Some("TCP4") => source::<Ipv4Addr>(words),
        Some("TCP6") => source::<Ipv6Addr>(words),
        _ => None,
    };
    let source = Some(source.ok_or(ProxyError::Line)?);
    Ok(Header::Whole(end + 1, Told { source, ..Told::default() }))
}

fn source<'a, A>(mut words: impl Iterator<Item = &'a str>) -> Option<SocketAddr>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let mut address = || words.next()?.parse::<A>().ok();
    let (from, _to) = (address()?, address()?);
    let mut port = || port(words.next()?);
    let (from_port, _to_port) = (port()?, port()?);
    words.next().is_none().then(|| SocketAddr::new(from.into(), from_port))
}

/// Digits only, without a leading zero.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn binary(bytes: &[u8]) -> Result<Header, ProxyError> {
    let Some(fixed) = bytes.get(..FIXED) else { return Ok(Header::Partial) };
    let (command, family, length) = (fixed[12], fixed[13], number(&fixed[14..]));
    if length > LONGEST_REST {
        return Err(ProxyError::Long);
    }
    let Some(rest) = bytes.get(FIXED..FIXED + length) else { return Ok(Header::Partial) };
    let told = match command {
        // A health check of the proxy's own: whatever else is said means nothing.
        0x20 => Told::default(),
        0x21 => told(family, rest)?,
        _ => return Err(ProxyError::Version),
    };
    Ok(Header::Whole(FIXED + length, told))
}

fn told(family: u8, rest: &[u8]) -> Result<Told, ProxyError> {
    let (source, used) = match family {
        0x00 => (None, rest.len()),
        0x11 => (Some(address::<4>(rest)?), 12),
        0x21 => (Some(address::<16>(rest)?), 36),
        // A unix socket on the proxy's machine: a peer without an address.
        0x31 if rest.len() >= 216 => (None, 216),
        0x31 => return Err(ProxyError::Short),
        _ => return Err(ProxyError::Family),
    };
    let mut told = Told { source, ..Told::default() };
    for extension in extensions(&rest[used..]) {
        if let (SSL, value) = extension? {
            (told.secure, told.tls) = tls(value)?;
        }
    }
    Ok(told)
}

/// Source, destination, source port, destination port.
fn address<const N: usize>(rest: &[u8]) -> Result<SocketAddr, ProxyError>
where
    [u8; N]: Into<IpAddr>,
{
    let source: [u8; N] = rest.get(..N).and_then(|bytes| bytes.try_into().ok()).ok_or(ProxyError::Short)?;
    let port = rest.get(2 * N..2 * N + 2).ok_or(ProxyError::Short)?;
    rest.get(..2 * N + 4).ok_or(ProxyError::Short)?;
    Ok(SocketAddr::new(source.into(), number(port) as u16))
}

/// Type and value of each. Whatever of them is of use here, they must be what they say: type, length, value.
fn extensions(mut rest: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), ProxyError>> {
    std::iter::from_fn(move || {
        let kind = *rest.first()?;
        let value = rest.get(1..3).map(number).and_then(|length| rest.get(3..3 + length));
        // Nothing comes after one that is none.
        rest = value.map_or(&[][..], |value| &rest[3 + value.len()..]);
        Some(value.map(|value| (kind, value)).ok_or(ProxyError::Extension))
    })
}

/// Whether the client came with TLS, and with which. After the bits and four bytes of what a client's own certificate was
/// worth come extensions of their own.
fn tls(value: &[u8]) -> Result<(bool, Option<TlsVersion>), ProxyError> {
    let (bits, rest) = value.first().zip(value.get(5..)).ok_or(ProxyError::Extension)?;
    let mut version = None;
    for extension in extensions(rest) {
        match extension? {
            (SSL_VERSION, b"TLSv1.2") => version = Some(TlsVersion::V12),
            (SSL_VERSION, b"TLSv1.3") => version = Some(TlsVersion::V13),
            _ => {}
        }
    }
    let secure = bits & CLIENT_SSL != 0;
    Ok((secure, version.filter(|_| secure)))
}

/// Of two bytes, high one first.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend((rest.len() as u16).to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    fn told(bytes: &[u8]) -> Told {
        let Ok(Header::Whole(used, told)) = parse(bytes) else { panic!("{bytes:?}: {:?}", parse(bytes)) };
        assert_eq!(used, bytes.len());
        told
    }

    fn found(bytes: &[u8]) -> Option<SocketAddr> {
        told(bytes).source
    }

    const FOUR: [u8; 12] = [10, 0, 0, 9, 10, 0, 0, 1, 0x30, 0x39, 0, 80];

    #[test]
    fn both_versions_tell_who_it_is() {
        let nine = Some("10.0.0.9:12345".parse().unwrap());
        assert_eq!(found(b"PROXY TCP4 10.0.0.9 10.0.0.1 12345 80\r\n"), nine);
        assert_eq!(found(b"PROXY TCP6 ::9 ::1 1 2\r\n"), Some("[::9]:1".parse().unwrap()));
        assert_eq!(found(b"PROXY UNKNOWN\r\n"), None);
        assert_eq!(found(b"PROXY UNKNOWN whatever it says\r\n"), None);
        assert_eq!(found(&v2(0x21, 0x11, &FOUR)), nine);
        let mut six = [0; 36];
        (six[15], six[33]) = (9, 1);
        assert_eq!(found(&v2(0x21, 0x21, &six)), Some("[::9]:1".parse().unwrap()));
        assert_eq!(found(&v2(0x20, 0x00, &[])), None);
        assert_eq!(found(&v2(0x20, 0x11, &FOUR)), None, "a proxy's own check");
        assert_eq!(found(&v2(0x21, 0x31, &[0; 216])), None);
        let mut extended = FOUR.to_vec();
        extended.extend([4, 0, 2, 0xff, 0xff, 1, 0, 0]);
        assert_eq!(found(&v2(0x21, 0x11, &extended)), nine);
    }

    #[test]
    fn version_two_tells_of_tls() {
        let with = |command, extensions: &[u8]| told(&v2(command, 0x11, &[&FOUR[..], extensions].concat()));
        let version = b"\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv1.3";
        let bare = b"\x04\0\x01x\x20\0\x05\x01\0\0\0\0\x30\0\0";
        for (extensions, secure, tls) in [
            (&version[..], true, Some(TlsVersion::V13)),
            (b"\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv9.9", true, None),
            (&bare[..], true, None),
            (b"\x20\0\x05\x06\0\0\0\0", false, None),
            (b"\x04\0\x05\x01\0\0\0\0", false, None),
            (b"", false, None),
        ] {
            let source = Some("10.0.0.9:12345".parse().unwrap());
            assert_eq!(with(0x21, extensions), Told { source, secure, tls }, "{extensions:?}");
            assert_eq!(with(0x20, extensions), Told::default(), "a proxy's own check");
        }
        for short in [&b"\x20\0\0"[..], b"\x20\0\x04\x01\0\0\0", b"\x20\0\x07\x01\0\0\0\0\x21\0"] {
            let header = v2(0x21, 0x11, &[&FOUR[..], short].concat());
            assert_eq!(parse(&header), Err(ProxyError::Extension), "{short:?}");
        }
    }

    #[test]
    fn what_is_no_header() {
        for (bytes, error) in [
            (b"GET / HTTP/1.1\r\n".to_vec(), ProxyError::None),
            (b"proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n".to_vec(), ProxyError::None),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 ::1 ::1 1 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 +1 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n".to_vec(), ProxyError::Line),
            (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n".to_vec(), ProxyError::Line),
            ([WORD, &[b'x'; 200]].concat(), ProxyError::Long),
            (v2(0x11, 0x11, &FOUR), ProxyError::Version),
            (v2(0x22, 0x11, &FOUR), ProxyError::Version),
            (v2(0x21, 0x12, &FOUR), ProxyError::Family),
            (v2(0x21, 0x11, &FOUR[..11]), ProxyError::Short),
            (v2(0x21, 0x21, &FOUR), ProxyError::Short),
            (v2(0x21, 0x31, &FOUR), ProxyError::Short),
            (v2(0x21, 0x11, &[&FOUR[..], &[1]].concat()), ProxyError::Extension),
            (v2(0x21, 0x11, &[&FOUR[..], &[1, 0, 9, 1]].concat()), ProxyError::Extension),
            (v2(0x21, 0x11, &[0; LONGEST_REST + 1]), ProxyError::Long),
        ] {
            assert_eq!(parse(&bytes), Err(error), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_header_is_read_whole_and_nothing_after_it(cut in 0..200_usize, tail in proptest::collection::vec(any::<u8>(), 0..20)) {
            for whole in [b"PROXY TCP4 10.0.0.9 10.0.0.1 12345 80\r\n".to_vec(), v2(0x21, 0x11, &FOUR)] {
                let cut = cut.min(whole.len() - 1);
                prop_assert_eq!(parse(&whole[..cut]), Ok(Header::Partial));
                let all = [&whole[..], &tail].concat();
                let is_whole = |(used, told): (usize, Told)| used == whole.len() && told.source.is_some();
                let read = match parse(&all) {
                    Ok(Header::Whole(used, told)) => Some((used, told)),
                    _ => None,
                };
                prop_assert!(read.is_some_and(is_whole));
                prop_assert!(belongs(&all) == whole.len());
                prop_assert!(cut == 0 || (1..=cut).contains(&belongs(&whole[..cut])));
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..300), v2 in any::<bool>()) {
            let bytes = if v2 { [SIGNATURE.as_slice(), &bytes].concat() } else { bytes };
            let _ = parse(&bytes);
            prop_assert!(belongs(&bytes) <= bytes.len());
        }
    }
}
