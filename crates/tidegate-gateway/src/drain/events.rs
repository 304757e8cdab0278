//! Where the events of a `text/event-stream` end: at a blank line, whatever ends its lines (`\n`, `\r\n` or `\r`).

/// An event stream. Feed it every byte that is relayed, in order.
#[derive(Debug)]
pub(crate) struct Events {
    /// Of the line under way.
    line: Line,
    /// A field of an event went by, and no blank line since.
    in_event: bool,
    /// A `\n` now belongs to the `\r` before it.
    after_return: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    /// Says nothing: servers send such lines to keep a connection open.
    Comment,
    Field,
}

impl Events {
    pub(crate) fn new() -> Self {
        Events { line: Line::Empty, in_event: false, after_return: false }
    }

    /// Whether the stream may end here without cutting an event short.
    pub(crate) fn is_between(&self) -> bool {
        !self.in_event && self.line == Line::Empty
    }

    /// Takes note of bytes that are passed on.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.step(*byte));
    }

    /// As [`Events::advance`], but only up to the next end of an event: how many bytes that took, 0 where it is at one
    /// already. `None`: all of them, and there is none yet.
    pub(crate) fn advance_to_boundary(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut used = 0;
        while !self.is_between() {
            self.step(*bytes.get(used)?);
            used += 1;
        }
        Some(used)
    }

    fn step(&mut self, byte: u8) {
        let second_half = byte == b'\n' && std::mem::take(&mut self.after_return);
        self.after_return = byte == b'\r';
        match byte {
            b'\n' if second_half => {}
            b'\n' | b'\r' => {
                self.in_event &= self.line != Line::Empty;
                self.line = Line::Empty;
            }
            b':' if self.line == Line::Empty => self.line = Line::Comment,
            _ if self.line == Line::Empty => (self.line, self.in_event) = (Line::Field, true),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places between events.
    fn boundaries(stream: &str) -> Vec<usize> {
        let mut events = Events::new();
        let mut found = vec![];
        for (index, byte) in stream.bytes().enumerate() {
            events.advance(&[byte]);
            if events.is_between() {
                found.push(index + 1);
            }
        }
        found
    }

    #[test]
    fn an_event_ends_at_a_blank_line_of_any_kind() {
        assert_eq!(boundaries("data: a\n\n"), [9]);
        assert_eq!(boundaries("data: a\r\rdata"), [9]);
        // The second half of the line's end may be missing: the event is whole without it.
        assert_eq!(boundaries("data: a\r\n\r\n"), [10, 11]);
        assert!(boundaries("data: a\ndata: b\n").is_empty());
        assert_eq!(boundaries("id: 1\r\ndata: a\n\rid"), [16]);
    }

    #[test]
    fn comments_between_events_are_no_events() {
        assert_eq!(boundaries(": hi\n"), [5]);
        assert_eq!(boundaries("data: a\n: hi\n\n"), [14]);
        assert_eq!(boundaries("\n\n"), [1, 2]);
    }

    #[test]
    fn it_stops_at_the_first_boundary() {
        let mut events = Events::new();
        assert_eq!(events.advance_to_boundary(b"data"), Some(0));
        events.advance(b"da");
        assert_eq!(events.advance_to_boundary(b"ta: a\n"), None);
        assert_eq!(events.advance_to_boundary(b"\ndata: b\n\n"), Some(1));
        assert!(events.is_between());
    }
}
