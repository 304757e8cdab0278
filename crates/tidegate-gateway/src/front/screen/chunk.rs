//! A chunked body, read as strictly as RFC 9112 allows: everything that readers are known to disagree on is refused.

use super::Refusal;
use crate::trailer;

const SIZE_DIGITS: u8 = 15;
const LONGEST_EXTENSION: u16 = 256;
/// Of all extensions of a body together, besides a share of what came of the body itself: what carries next to nothing must
/// not cost as much as what carries a lot.
const MOST_EXTENSIONS: u64 = 16 * 1024;
const SHARE_OF_DATA: u64 = 8;
const LONGEST_TRAILERS: u16 = 8 * 1024;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Size,
    Extension(u16),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// Inside trailers; whether the line has begun, and whether its name has ended.
    Trailer {
        begun: bool,
        named: bool,
    },
    TrailerLf {
        empty: bool,
    },
}

/// Reads along.
#[derive(Debug)]
pub(crate) struct Chunks {
    next: Next,
    digits: u8,
    left: u64,
    extensions: u64,
    trailers: u16,
    data: u64,
    name: Name,
    of_answer: bool,
}

/// What so many bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// What is around the chunks.
    Framing(usize),
    /// Of the body itself.
    Data(usize),
    /// Behind the last chunk.
    Trailers(usize),
    /// The same, up to the body's end.
    End(usize),
}

impl Default for Chunks {
    fn default() -> Self {
        Chunks {
            next: Next::Size,
            digits: 0,
            left: 0,
            extensions: 0,
            trailers: 0,
            data: 0,
            name: Name::default(),
            of_answer: false,
        }
    }
}

impl Chunks {
    /// Of an answer, whose trailers may say more than a request's.
    pub(crate) fn of_answer() -> Self {
        Chunks { of_answer: true, ..Chunks::default() }
    }

    /// Bytes used, and whether the body ended with them.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<(usize, bool), Refusal> {
        self.advance_with(bytes, |_| {})
    }

    /// As [`Chunks::advance`]; `on_data` gets the pieces of the body itself.
    pub(crate) fn advance_with(
        &mut self,
        bytes: &[u8],
        mut on_data: impl FnMut(&[u8]),
    ) -> Result<(usize, bool), Refusal> {
        let mut at = 0;
        while at < bytes.len() {
            if self.next == Next::Data {
                let used = self.skip_data(bytes.len() - at);
                on_data(&bytes[at..at + used]);
                at += used;
                continue;
            }
            let ended = self.on_byte(bytes[at])?;
            at += 1;
            if ended {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// As [`Chunks::advance`], up to where something else begins: so the pieces of the body can be taken without copying them.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Result<Step, Refusal> {
        if self.in_data() {
            return Ok(Step::Data(self.skip_data(bytes.len())));
        }
        let trailers = self.in_trailers();
        let mut at = 0;
        while at < bytes.len() && !self.in_data() && self.in_trailers() == trailers {
            let ended = self.on_byte(bytes[at])?;
            at += 1;
            if ended {
                return Ok(Step::End(at));
            }
        }
        Ok(if trailers { Step::Trailers(at) } else { Step::Framing(at) })
    }

    /// Whether the next byte is one of the body itself.
    pub(crate) fn in_data(&self) -> bool {
        self.next == Next::Data
    }

    fn in_trailers(&self) -> bool {
        matches!(self.next, Next::Trailer { .. } | Next::TrailerLf { .. })
    }

    /// How many bytes of the body itself went by.
    pub(crate) fn data(&self) -> u64 {
        self.data
    }

    fn skip_data(&mut self, most: usize) -> usize {
        let used = usize::try_from(self.left).unwrap_or(usize::MAX).min(most);
        self.left -= used as u64;
        self.data += used as u64;
        if self.left == 0 {
            self.next = Next::DataCr;
        }
        used
    }

    fn on_byte(&mut self, byte: u8) -> Result<bool, Refusal> {
        match self.next {
            Next::Size => self.on_size(byte)?,
            Next::Extension(length) => {
                self.count_extension()?;
                self.next = extension(byte, length)?;
            }
            Next::SizeLf => {
                expect(byte, b'\n', "a chunk size ends without LF")?;
                let last = self.left == 0;
                self.next = if last { Next::Trailer { begun: false, named: false } } else { Next::Data };
                self.digits = 0;
            }
            Next::Data => {} // taken in bulk by `skip_data`
            Next::DataCr => {
                expect(byte, b'\r', "a chunk is longer than its size")?;
                self.next = Next::DataLf;
            }
            Next::DataLf => {
                expect(byte, b'\n', "a chunk ends without LF")?;
                self.next = Next::Size;
            }
            Next::Trailer { begun, named } => self.next = self.on_trailer(byte, begun, named)?,
            Next::TrailerLf { empty } => {
                expect(byte, b'\n', "a trailer ends without LF")?;
                self.next = Next::Trailer { begun: false, named: false };
                return Ok(empty);
            }
        }
        Ok(false)
    }

    fn on_size(&mut self, byte: u8) -> Result<(), Refusal> {
        match (char::from(byte).to_digit(16), byte) {
            (Some(digit), _) if self.digits < SIZE_DIGITS => {
                self.left = self.left * 16 + u64::from(digit);
                self.digits += 1;
            }
            (None, b';') if self.digits > 0 => self.next = Next::Extension(0),
            (None, b'\r') if self.digits > 0 => self.next = Next::SizeLf,
            _ => return Err(Refusal::bad("a chunk size is not a number")),
        }
        Ok(())
    }

    fn count_extension(&mut self) -> Result<(), Refusal> {
        self.extensions += 1;
        let few = self.extensions < MOST_EXTENSIONS + self.data / SHARE_OF_DATA;
        if few { Ok(()) } else { Err(Refusal::bad("the chunk extensions are too large")) }
    }

    fn takes_forbidden_name(&mut self) -> bool {
        let name = std::mem::take(&mut self.name);
        let forbidden = if self.of_answer { trailer::is_forbidden_in_answers } else { trailer::is_forbidden };
        forbidden(&name.bytes[..usize::from(name.length)])
    }

    fn on_trailer(&mut self, byte: u8, begun: bool, named: bool) -> Result<Next, Refusal> {
        self.trailers += 1;
        if self.trailers > LONGEST_TRAILERS {
            return Err(Refusal { status: 431, why: "the trailers are too large" });
        }
        match byte {
            b'\r' if begun && !named => Err(Refusal::bad("a trailer has no colon")),
            b'\r' => Ok(Next::TrailerLf { empty: !begun }),
            b':' if begun && !named && self.takes_forbidden_name() => {
                Err(Refusal::bad("a trailer says what only a head may say"))
            }
            b':' if begun => Ok(Next::Trailer { begun: true, named: true }),
            _ if !named && !super::head::is_token(byte) => Err(Refusal::bad("a trailer name is not a token")),
            _ if named && is_control(byte) => Err(Refusal::bad("a trailer has a control character")),
            _ => {
                if !named {
                    self.name.push(byte);
                }
                Ok(Next::Trailer { begun: true, named })
            }
        }
    }
}

/// A trailer's name, as far as it tells whether it may be one.
#[derive(Clone, Copy, Debug, Default)]
struct Name {
    bytes: [u8; trailer::TELLING],
    length: u8,
}

impl Name {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length += 1;
        }
    }
}

/// What no line of text has.
fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

fn extension(byte: u8, length: u16) -> Result<Next, Refusal> {
    match byte {
        b'\r' => Ok(Next::SizeLf),
        b'\n' => Err(Refusal::bad("a chunk extension ends without CR")),
        _ if length >= LONGEST_EXTENSION => Err(Refusal::bad("a chunk extension is too long")),
        _ if is_control(byte) => Err(Refusal::bad("a chunk extension has a control character")),
        _ => Ok(Next::Extension(length + 1)),
    }
}

fn expect(byte: u8, wanted: u8, why: &'static str) -> Result<(), Refusal> {
    if byte == wanted { Ok(()) } else { Err(Refusal::bad(why)) }
}
