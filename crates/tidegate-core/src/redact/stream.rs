//! A stream without values of secrets, wherever it was cut.

use super::{Redactor, SHORTEST};

/// What is held back of a stream. Never more than the longest value, less one byte.
#[derive(Default)]
pub struct Redacting {
    held: Vec<u8>,
    /// How many of the bytes held are of a value that was named already.
    covered: usize,
}

impl Redacting {
    /// Takes the next bytes and writes what is sure by now to `out`.
    pub fn feed(&mut self, redactor: &Redactor, bytes: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(bytes);
        let open = redactor.open_from(&self.held);
        self.write(redactor, open, out);
    }

    /// Writes the rest. What may be a large part of a value is named as if it were all of it.
    pub fn finish(&mut self, redactor: &Redactor, out: &mut Vec<u8>) {
        let open = redactor.open_from(&self.held);
        self.write(redactor, open, out);
        let cut_off = redactor.begun(&self.held).filter(|_| self.held.len() >= SHORTEST);
        match cut_off {
            Some(name) => redactor.write_name(name, out),
            None => self.write(redactor, self.held.len(), out),
        }
        self.forget();
    }

    /// Forgets what is held back: it is left out of what is kept.
    pub fn forget(&mut self) {
        self.held.clear();
        self.covered = 0;
    }

    /// Writes what is held up to `open`, with names in place of values, and holds the rest. A value that is named may go on beyond
    /// `open`: those bytes are covered.
    fn write(&mut self, redactor: &Redactor, open: usize, out: &mut Vec<u8>) {
        let mut at = 0;
        for span in redactor.spans(&self.held, self.covered) {
            if span.start >= open {
                break;
            }
            out.extend_from_slice(&self.held[at..span.start]);
            if let Some(name) = span.name {
                redactor.write_name(name, out);
            }
            at = span.end;
        }
        if at < open {
            out.extend_from_slice(&self.held[at..open]);
        }
        self.covered = at.max(self.covered).saturating_sub(open);
        self.held.drain(..open);
    }
}
