//! Reads counts per second, many millions of them: one buffer, no allocation for a line, numbers read from the bytes.

use std::io::{self, Read};

use tidegate_core::judge::Window;

use super::columns::{Columns, MOST, Values};

/// What is read at once. A line that is longer than this part of it is none of counts.
const BUFFER: usize = 1 << 20;
const LONGEST_LINE: usize = 4096;
/// Numbers have at most so many digits: sums of a year of seconds still fit.
const MOST_DIGITS: usize = 12;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// The counts of the next second.
    Window(Window),
    /// The run is over; another may follow.
    RunEnds,
    /// Nothing more.
    End,
}

/// What is wrong with a line, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1. Filled in by the reader.
    pub line: u64,
    /// The byte in the line, from 1.
    pub column: usize,
    /// The field, from 0, where that is known instead of the byte.
    pub field: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to type.
    pub help: String,
}

impl Mistake {
    /// At a byte of a line.
    pub fn at(column: usize, message: impl Into<String>, help: impl Into<String>) -> Self {
        Mistake { line: 0, column, field: None, message: message.into(), help: help.into() }
    }
}

/// Why there are no counts.
#[derive(Debug)]
pub enum CountsError {
    /// The input cannot be read.
    Io(io::Error),
    /// A line of it.
    Mistake(Mistake),
}

impl From<Mistake> for CountsError {
    fn from(mistake: Mistake) -> Self {
        CountsError::Mistake(mistake)
    }
}

/// A reader of counts.
#[derive(Debug)]
pub struct Counts<R> {
    input: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    line: u64,
    columns: Columns,
    /// The last second of the run, where it has begun.
    last: Option<u64>,
    /// A run that begins by going back in time: its first window, while the end of the one before is told.
    kept: Option<Window>,
    /// Whether a second before the last one begins another run.
    many: bool,
}

impl<R: Read> Counts<R> {
    /// Reads one run, or many.
    pub fn new(input: R, many: bool) -> Self {
        let (buffer, columns) = (vec![0; BUFFER], Columns::default());
        Counts {
            input,
            buffer,
            start: 0,
            end: 0,
            at_end: false,
            line: 0,
            columns,
            last: None,
            kept: None,
            many,
        }
    }

    /// Whether it begins like JSON.
    pub fn is_json(&mut self) -> Result<bool, CountsError> {
        self.fill()?;
        let first = self.buffer[..self.end].iter().find(|byte| !byte.is_ascii_whitespace());
        Ok(first == Some(&b'{'))
    }

    /// Everything, from the beginning, up to a number of bytes.
    pub fn rest(&mut self, most: u64) -> io::Result<Vec<u8>> {
        let mut all = self.buffer[self.start..self.end].to_vec();
        self.start = self.end;
        (&mut self.input).take(most).read_to_end(&mut all)?;
        Ok(all)
    }

    /// The next window, or the end of a run.
    #[inline]
    pub fn next(&mut self) -> Result<Next, CountsError> {
        if let Some(window) = self.kept.take() {
            self.last = Some(window.second);
            return Ok(Next::Window(window));
        }
        while let Some((from, to)) = self.next_line()? {
            self.line += 1;
            let first = self.buffer[from..to].iter().copied().find(|byte| !byte.is_ascii_whitespace());
            let next = match first {
                Some(byte) if byte.is_ascii_digit() => Some(self.on_counts(from, to)?),
                None => self.end_run(),
                Some(byte) if byte.is_ascii_alphabetic() => self.on_names(from, to)?,
                Some(_) => Some(self.on_counts(from, to)?),
            };
            if let Some(next) = next {
                return Ok(next);
            }
        }
        Ok(self.end_run().unwrap_or(Next::End))
    }

    #[inline]
    fn on_counts(&mut self, from: usize, to: usize) -> Result<Next, CountsError> {
        let line = &self.buffer[from..to];
        let window = values(line, &self.columns).and_then(|values| self.columns.window(&values));
        let window = window.map_err(|mistake| placed(mistake, line, self.line))?;
        match self.last {
            Some(last) if window.second < last => self.on_going_back(window, last),
            _ => {
                self.last = Some(window.second);
                Ok(Next::Window(window))
            }
        }
    }

    fn on_going_back(&mut self, window: Window, last: u64) -> Result<Next, CountsError> {
        if !self.many {
            let message = format!("second {} comes after second {last}", window.second);
            let help = "sort the lines by second; for several runs in one file add --runs";
            return Err(Mistake { line: self.line, ..Mistake::at(1, message, help) }.into());
        }
        self.kept = Some(window);
        Ok(Next::RunEnds)
    }

    /// Names of columns begin a file; the same again begins a run.
    fn on_names(&mut self, from: usize, to: usize) -> Result<Option<Next>, CountsError> {
        let line = &self.buffer[from..to];
        self.columns = Columns::read(line).map_err(|mistake| placed(mistake, line, self.line))?;
        Ok(self.end_run())
    }

    fn end_run(&mut self) -> Option<Next> {
        self.last.take().map(|_| Next::RunEnds)
    }

    /// Where the next line is in the buffer, without its end.
    #[inline]
    fn next_line(&mut self) -> Result<Option<(usize, usize)>, CountsError> {
        loop {
            let rest = &self.buffer[self.start..self.end];
            if let Some(length) = memchr::memchr(b'\n', rest) {
                let from = self.start;
                self.start += length + 1;
                return Ok(Some((from, from + length)));
            }
            if rest.len() > LONGEST_LINE {
                let help = "write a line for each second, as `tidegate judge replay --help` says";
                let mistake = Mistake::at(1, format!("the line is longer than {LONGEST_LINE} bytes"), help);
                return Err(Mistake { line: self.line + 1, ..mistake }.into());
            }
            if self.at_end {
                let line = (self.start < self.end).then_some((self.start, self.end));
                self.start = self.end;
                return Ok(line);
            }
            self.fill()?;
        }
    }

    /// Moves what is left to the front and reads on.
    fn fill(&mut self) -> Result<(), CountsError> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let read = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(CountsError::Io)?,
            }
        };
        self.end += read;
        self.at_end = read == 0;
        Ok(())
    }
}

/// The numbers of a line, each in its place.
#[inline]
fn values(line: &[u8], columns: &Columns) -> Result<Values, Mistake> {
    let mut values = [0; MOST];
    let (mut at, mut field) = (0, 0);
    loop {
        let Some(meaning) = columns.meaning(field) else {
            return Err(wrong_count(line, columns));
        };
        let (number, after) = number(line, at)?;
        values[meaning] = number;
        field += 1;
        if after >= line.len() {
            break;
        }
        at = after + 1;
    }
    if field == columns.count() { Ok(values) } else { Err(wrong_count(line, columns)) }
}

/// The number at a byte, and where the comma after it or the end of the line is.
#[inline]
fn number(line: &[u8], at: usize) -> Result<(u64, usize), Mistake> {
    let mut number = 0u64;
    let mut end = at;
    while let Some(digit) = line.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    let ends = matches!(line.get(end), None | Some(b','));
    if ends && end > at && end - at <= MOST_DIGITS { Ok((number, end)) } else { spaced_number(line, at) }
}

/// The same with blanks around it, or what is wrong with it.
#[cold]
fn spaced_number(line: &[u8], at: usize) -> Result<(u64, usize), Mistake> {
    let end = memchr::memchr(b',', &line[at.min(line.len())..]).map_or(line.len(), |comma| at + comma);
    let text = String::from_utf8_lossy(&line[at.min(end)..end]);
    let trimmed = text.trim();
    let digits = !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit());
    let shown: String = trimmed.chars().take(40).collect();
    let message = match trimmed {
        "" => "there is no number".to_owned(),
        _ if digits && trimmed.len() <= MOST_DIGITS => {
            return trimmed.parse().map(|number| (number, end)).map_err(|_| Mistake::at(at + 1, shown, ""));
        }
        _ if digits => format!("`{shown}` is too large"),
        _ if trimmed.starts_with('-') => format!("`{shown}` is negative"),
        _ => format!("`{shown}` is no whole number"),
    };
    Err(Mistake::at(at + 1, message, format!("write a whole number of at most {MOST_DIGITS} digits")))
}

#[cold]
fn wrong_count(line: &[u8], columns: &Columns) -> Mistake {
    let found = line.iter().filter(|byte| **byte == b',').count() + 1;
    let message = format!("{found} numbers where there are {} columns", columns.count());
    Mistake::at(1, message, "write one number for each column; columns are named in the first line")
}

/// With the line, and the byte of the field it is about.
#[cold]
fn placed(mistake: Mistake, line: &[u8], number: u64) -> Mistake {
    let column = match mistake.field {
        Some(field) => {
            line.split(|byte| *byte == b',').take(field).map(|field| field.len() + 1).sum::<usize>() + 1
        }
        None => mistake.column,
    };
    Mistake { line: number, column, ..mistake }
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
