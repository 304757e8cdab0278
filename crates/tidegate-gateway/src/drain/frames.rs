//! Where WebSocket frames and messages begin and end in one direction of a connection (RFC 6455, 5.2). Reads headers,
//! skips payloads, keeps nothing but a header under way.

const LONGEST_HEADER: usize = 14;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PONG: u8 = 0xa;

/// One direction of a WebSocket. Feed it every byte that is relayed, in order, with [`Frames::advance`] or
/// [`Frames::advance_to_boundary`].
#[derive(Debug)]
pub(crate) struct Frames {
    /// Frames of clients are masked, those of servers are not.
    masked: bool,
    header: [u8; LONGEST_HEADER],
    filled: u8,
    /// Bytes left of the payload under way.
    payload: u64,
    /// The payload under way is that of a Close.
    closing: bool,
    /// A message was begun in fragments and its last is still to come.
    in_message: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A whole Close went by: no frame may follow.
    Closed,
    /// This is no WebSocket, whatever it is.
    Lost,
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy, Debug)]
struct Header {
    last: bool,
    opcode: u8,
    payload: u64,
}

impl Frames {
    /// From the client to the instance.
    pub(crate) fn of_client() -> Self {
        Frames::new(true)
    }

    /// From the instance to the client.
    pub(crate) fn of_instance() -> Self {
        Frames::new(false)
    }

    fn new(masked: bool) -> Self {
        Frames {
            masked,
            header: [0; LONGEST_HEADER],
            filled: 0,
            payload: 0,
            closing: false,
            in_message: false,
            phase: Phase::Open,
        }
    }

    /// Takes note of bytes that are passed on.
    pub(crate) fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.phase == Phase::Open {
            let used = self.step(bytes);
            bytes = &bytes[used..];
        }
    }

    /// As [`Frames::advance`], but only up to the next place between two messages: how many bytes that took, 0 where it is
    /// at one already. `None`: all of them, and there is none yet.
    pub(crate) fn advance_to_boundary(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut used = 0;
        while !self.is_between_messages() {
            if used == bytes.len() || self.phase != Phase::Open {
                return None;
            }
            used += self.step(&bytes[used..]);
        }
        Some(used)
    }

    /// Whether a Close frame may be put in here without cutting a message short.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.is_between_frames() && !self.in_message
    }

    /// Whether a control frame may be put in here.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.phase == Phase::Open && self.filled == 0 && self.payload == 0
    }

    /// Whether a Close frame went by.
    pub(crate) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether what went by is no WebSocket: nothing can be put into it.
    pub(crate) fn is_lost(&self) -> bool {
        self.phase == Phase::Lost
    }

    /// A piece of a header, or of a payload. `bytes` has some.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.payload > 0 {
            let take = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= take as u64;
            if self.payload == 0 && self.closing {
                self.phase = Phase::Closed;
            }
            return take;
        }
        self.header[usize::from(self.filled)] = bytes[0];
        self.filled += 1;
        if self.filled == self.header_length() {
            self.filled = 0;
            self.begin(self.read_header());
        }
        1
    }

    /// As far as the bytes so far tell.
    fn header_length(&self) -> u8 {
        if self.filled < 2 {
            return 2;
        }
        let extended = match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let key = if self.header[1] & 0x80 != 0 { 4 } else { 0 };
        2 + extended + key
    }

    /// `None`: not a frame that may stand here.
    fn read_header(&self) -> Option<Header> {
        let [first, second, ..] = self.header;
        let payload = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            127 => u64::from_be_bytes(self.header[2..10].try_into().ok()?),
            short => u64::from(short),
        };
        let header = Header { last: first & 0x80 != 0, opcode: first & 0x0f, payload };
        let masked = second & 0x80 != 0;
        (masked == self.masked && payload >> 63 == 0 && self.may_follow(header)).then_some(header)
    }

    fn may_follow(&self, header: Header) -> bool {
        match header.opcode {
            CONTINUATION => self.in_message,
            TEXT | BINARY => !self.in_message,
            CLOSE..=PONG => header.last && header.payload <= 125,
            _ => false,
        }
    }

    fn begin(&mut self, header: Option<Header>) {
        let Some(header) = header else {
            self.phase = Phase::Lost;
            return;
        };
        self.payload = header.payload;
        self.closing = header.opcode == CLOSE;
        if header.opcode <= BINARY {
            self.in_message = !header.last;
        }
        if self.closing && header.payload == 0 {
            self.phase = Phase::Closed;
        }
    }
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
