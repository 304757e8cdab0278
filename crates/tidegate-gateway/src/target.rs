//! Targets: what one may be made of, on every way into the gateway. Some clients send signs as they are that have to be escaped
//! there; they are escaped here, so that it makes no difference which way a request goes. Pure.

/// Whether a byte of a target goes on as it is.
pub(crate) fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!' | b'$'..=b';' | b'=' | b'?'..=b'_' | b'a'..=b'~')
}

/// Whether a byte is taken, and goes on escaped. What is neither this nor plain is in no target: white space, control
/// characters, what is not ASCII, and `#`.
pub(crate) fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'`')
}

/// The target as it goes on; `None`: as it is.
pub(crate) fn escape(target: &[u8]) -> Option<Vec<u8>> {
    if !target.iter().copied().any(is_escaped) {
        return None;
    }
    let mut out = Vec::with_capacity(target.len() + 16);
    for byte in target {
        push(*byte, &mut out);
    }
    Some(out)
}

/// One byte as it goes on.
pub(crate) fn push(byte: u8, out: &mut Vec<u8>) {
    if is_escaped(byte) {
        let digit = |half: u8| b"0123456789ABCDEF"[usize::from(half)];
        out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
    } else {
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_plain_or_escaped_or_in_no_target() {
        for byte in 0..=u8::MAX {
            let taken = byte.is_ascii_graphic() && byte != b'#';
            assert_eq!(is_plain(byte) || is_escaped(byte), taken, "{byte}");
            assert!(!(is_plain(byte) && is_escaped(byte)), "{byte}");
        }
    }

    #[test]
    fn what_must_be_escaped_is() {
        assert_eq!(escape(b"/a{b}|^%22?[c]"), None);
        assert_eq!(escape(br#"/<a>?b="`""#).unwrap(), b"/%3Ca%3E?b=%22%60%22");
    }
}
