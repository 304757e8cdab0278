//! The lines of a text, looked at from its beginning to its end and each byte once: a line may be as long as the file.

/// What begins a line that is a comment.
const MARKS: [&[u8]; 6] = [b"//", b"#", b"*", b"/*", b"--", b"<!--"];

/// See the module.
pub(super) struct Lines<'t> {
    bytes: &'t [u8],
    /// How far it was looked.
    seen: usize,
    /// The line there, from 1, and where it begins.
    number: usize,
    begin: usize,
    /// Whether that line is a comment, where somebody asked.
    comment: Option<bool>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(bytes: &'t [u8]) -> Self {
        Lines { bytes, seen: 0, number: 1, begin: 0, comment: None }
    }

    /// The line of a place, from 1. Places come in their order.
    pub(super) fn number(&mut self, at: usize) -> usize {
        self.go(at);
        self.number
    }

    /// Whether the line of a place begins as a comment does.
    pub(super) fn is_comment(&mut self, at: usize) -> bool {
        self.go(at);
        let line = &self.bytes[self.begin..];
        *self.comment.get_or_insert_with(|| {
            let line = line.trim_ascii_start();
            MARKS.iter().any(|mark| line.starts_with(mark))
        })
    }

    fn go(&mut self, to: usize) {
        for end in memchr::memchr_iter(b'\n', &self.bytes[self.seen..to]) {
            self.number += 1;
            self.begin = self.seen + end + 1;
            self.comment = None;
        }
        self.seen = to;
    }
}
