//! Where a head ends. Looks at every byte once, however the head is cut into pieces.

use memchr::memchr;

/// How far a head was looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    seen: usize,
    line: usize,
}

/// What is known of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It goes on.
    More,
    /// It has this many bytes, with its last empty line.
    Head(usize),
    /// Not a head that is taken here: a line that ends without CR, or an empty first line.
    Odd,
}

impl Lines {
    /// Looks on; `bytes` is all there is of the head so far.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Found {
        while let Some(at) = memchr(b'\n', &bytes[self.seen..]) {
            let end = self.seen + at;
            if end == 0 || bytes[end - 1] != b'\r' || end - self.line == 1 && self.line == 0 {
                return Found::Odd;
            }
            let empty = end - self.line == 1;
            (self.seen, self.line) = (end + 1, end + 1);
            if empty {
                return Found::Head(end + 1);
            }
        }
        self.seen = bytes.len();
        Found::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(Lines::default().find(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest"), Found::Head(27));
        assert_eq!(Lines::default().find(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), Found::More);
        for odd in [&b"\r\nGET"[..], b"\nGET", b"GET\n", b"GET / HTTP/1.1\r\nHost: a\n\r\n"] {
            assert_eq!(Lines::default().find(odd), Found::Odd, "{odd:?}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "[ab\r\n]{0,40}", cuts in proptest::collection::vec(0usize..40, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let mut lines = Lines::default();
            let pieces = cuts.iter().map(|cut| lines.find(&bytes[..*cut]));
            let found = pieces.into_iter().find(|found| *found != Found::More).unwrap_or(Found::More);
            prop_assert_eq!(found, Lines::default().find(bytes));
        }
    }
}
