//! JSON, as much of it as a line of the access log needs, written to bytes without an allocation. What clients send may be
//! anything: it comes out as valid UTF-8, escaped, and no longer than is asked for.

/// An object being written.
#[derive(Debug)]
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, first: true }
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }

    /// Text of the gateway's own or of a client, cut after `longest` bytes.
    pub(super) fn text(&mut self, name: &str, value: &[u8], longest: usize) {
        self.name(name);
        self.out.push(b'"');
        for chunk in value[..value.len().min(longest)].utf8_chunks() {
            escape(chunk.valid().as_bytes(), self.out);
            if !chunk.invalid().is_empty() {
                self.out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
        self.out.push(b'"');
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        decimal(value, 1, self.out);
    }

    /// Milliseconds to the microsecond.
    pub(super) fn millis(&mut self, name: &str, value: std::time::Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        self.name(name);
        decimal(micros / 1_000, 1, self.out);
        self.out.push(b'.');
        decimal(micros % 1_000, 3, self.out);
    }

    /// A text that `write` makes of characters that need no escape.
    pub(super) fn plain(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

fn decimal(mut value: u64, least: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut at = digits.len();
    while value > 0 || digits.len() - at < least {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    // Most texts have nothing to escape: whole runs are copied.
    for piece in text.split_inclusive(|byte| matches!(byte, 0..0x20 | b'"' | b'\\' | 0x7f)) {
        let (last, before) = piece.split_last().unwrap_or((&b' ', &[]));
        match last {
            b'"' | b'\\' => {
                out.extend_from_slice(before);
                out.extend_from_slice(&[b'\\', *last]);
            }
            0..0x20 | 0x7f => {
                out.extend_from_slice(before);
                let (high, low) = (HEX[usize::from(last >> 4)], HEX[usize::from(last & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => out.extend_from_slice(piece),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn written(write: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        write(&mut object);
        object.end();
        String::from_utf8(out).expect("a line is UTF-8")
    }

    #[test]
    fn fields_follow_each_other() {
        let text = written(|object| {
            object.text("a", b"x", 9);
            object.number("b", 0);
            object.number("c", u64::MAX);
            object.millis("d", Duration::from_nanos(1_234_567_999));
            object.millis("e", Duration::from_micros(7));
            object.plain("f", |out| out.extend_from_slice(b"y"));
        });
        assert_eq!(text, r#"{"a":"x","b":0,"c":18446744073709551615,"d":1234.567,"e":0.007,"f":"y"}"#);
    }

    #[test]
    fn what_ends_a_line_or_a_text_is_escaped() {
        let text = written(|object| object.text("a", b"q\" b\\ n\n r\r z\0 d\x7f \xff \xc3\xa4", 99));
        assert_eq!(text, "{\"a\":\"q\\\" b\\\\ n\\u000a r\\u000d z\\u0000 d\\u007f \u{fffd} ä\"}");
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_as_a_reader_would_show_them(
            value in proptest::collection::vec(any::<u8>(), 0..200),
            longest in 0..250_usize,
        ) {
            let text = written(|object| object.text("a", &value, longest));
            let read: serde_json::Value = serde_json::from_str(&text).unwrap();
            let wanted = String::from_utf8_lossy(&value[..value.len().min(longest)]).into_owned();
            prop_assert_eq!(read["a"].as_str(), Some(wanted.as_str()));
            prop_assert!(!text.bytes().any(|byte| byte < 0x20 || byte == 0x7f));
        }
    }
}
