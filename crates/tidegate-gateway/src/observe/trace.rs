//! W3C Trace Context: `traceparent` as the recommendation has it, level 1 and what level 2 adds to reading. Pure.
//!
//! `pass` (the default) leaves `traceparent` and `tracestate` as they came: no byte more for a request, no time, and an app
//! that is traced sees its caller as before. `make` takes part: a request without a valid parent gets one, one that has it
//! goes on in the same trace with a new parent id of the gateway's own. It costs a field in every request, which nobody pays
//! who has nothing to read it.

use http::header::{HeaderMap, HeaderName, HeaderValue};

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The flags there are: sampled, and made of random numbers.
const KNOWN: u8 = 0b11;

/// `00-<trace id>-<parent id>-<flags>`.
const LENGTH: usize = 55;

/// What a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    trace: u128,
    span: u64,
    flags: u8,
}

impl Parent {
    /// Reads a value, strictly. A higher version than ours may have more after the flags, set off by a dash.
    pub(crate) fn parse(value: &[u8]) -> Option<Parent> {
        let (known, rest) = value.split_at_checked(LENGTH)?;
        if known[2] != b'-' || known[35] != b'-' || known[52] != b'-' {
            return None;
        }
        let version = hex(&known[..2])?;
        let fits = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.is_empty() || rest[0] == b'-',
        };
        let (trace, span) = (hex(&known[3..35])?, hex(&known[36..52])? as u64);
        let flags = hex(&known[53..])? as u8;
        (fits && trace != 0 && span != 0).then_some(Parent { trace, span, flags })
    }

    /// The beginning of a trace, of random numbers. It is marked as sampled: apps that go by their parent, as most are set
    /// up to, would record nothing otherwise.
    pub(crate) fn root(trace: u128, span: u64) -> Parent {
        // Of all-zero ids the recommendation says that they are none.
        Parent { trace: trace.max(1), span: span.max(1), flags: KNOWN }
    }

    /// The next step of the same trace. Of the flags only those that this version knows go on.
    pub(crate) fn child(self, span: u64) -> Parent {
        Parent { span: span.max(1), flags: self.flags & KNOWN, ..self }
    }

    /// As a header value.
    pub(crate) fn write(self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        text[..2].copy_from_slice(b"00");
        put(&mut text[3..35], self.trace);
        put(&mut text[36..52], self.span.into());
        put(&mut text[53..], self.flags.into());
        text
    }

    /// The trace id as it is written.
    pub(crate) fn trace_hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        put(&mut text, self.trace);
        text
    }
}

/// The parent that a request goes upstream with: the next step of its own, or a new trace.
fn next(sent: Option<&[u8]>, mut random: impl FnMut() -> u64) -> (Parent, Begun) {
    let span = random();
    match sent.and_then(Parent::parse) {
        Some(parent) => (parent.child(span), Begun::Elsewhere),
        None => {
            let trace = u128::from(random()) << 64 | u128::from(random());
            (Parent::root(trace, span), Begun::Here)
        }
    }
}

/// Where a trace began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begun {
    Here,
    /// Its `tracestate` goes on with it.
    Elsewhere,
}

/// Has the gateway take part in a request's trace.
pub(crate) fn participate(headers: &mut HeaderMap, random: impl FnMut() -> u64) {
    let mut values = headers.get_all(TRACEPARENT).iter();
    // Two parents are none: nobody can say which is meant.
    let sent = values.next().filter(|_| values.next().is_none());
    let (parent, begun) = next(sent.map(HeaderValue::as_bytes), random);
    if begun == Begun::Here {
        headers.remove(TRACESTATE);
    }
    if let Ok(value) = HeaderValue::from_bytes(&parent.write()) {
        headers.insert(TRACEPARENT, value);
    }
}

/// Lower-case hexadecimal digits and nothing else.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u128::from(digit))
    })
}

fn put(digits: &mut [u8], mut value: u128) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 15) as usize];
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn participated(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        let mut next = 6;
        participate(&mut headers, || {
            next += 1;
            next
        });
        headers
    }

    #[test]
    fn a_valid_parent_goes_on_with_a_new_span() {
        let headers = participated(&[(TRACEPARENT, GOOD), (TRACESTATE, "a=1")]);
        assert_eq!(headers[TRACEPARENT], "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01");
        assert_eq!(headers[TRACESTATE], "a=1");
    }

    #[test]
    fn without_a_valid_parent_a_trace_begins_here() {
        let new = "00-00000000000000080000000000000009-0000000000000007-03";
        for sent in [&[][..], &[(TRACEPARENT, "00-x")], &[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)]] {
            let headers = participated(&[sent, &[(TRACESTATE, "a=1")]].concat());
            assert_eq!(headers.get_all(TRACEPARENT).iter().collect::<Vec<_>>(), [new]);
            assert_eq!(headers.get(TRACESTATE), None);
        }
    }

    #[test]
    fn what_is_no_parent() {
        for value in [
            "",
            "00",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-011",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Parent::parse(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn a_later_version_is_read_and_goes_on_as_ours() {
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-f7-what-the-future-holds";
        let headers = participated(&[(TRACEPARENT, later)]);
        assert_eq!(headers[TRACEPARENT], "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-03");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace: u128, span: u64) {
            let parent = Parent::root(trace, span);
            prop_assert_eq!(Parent::parse(&parent.write()), Some(parent));
        }

        #[test]
        fn any_bytes_are_read_without_harm(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Parent::parse(&value);
        }
    }
}
