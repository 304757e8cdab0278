//! The writing side: keeps what fits in its room and rate, counts what does not, and never makes the unit wait.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_core::units::ByteSize;
use tidegate_os::clock;

use super::segment::{self, Stream};

/// A segment is closed when it has this many bytes, and this many segments are kept.
const SEGMENT: u64 = 1 << 20;
const SEGMENTS: u64 = 8;
/// A closed segment that nothing was written to for this long is removed.
const OLDEST: Duration = Duration::from_secs(14 * 24 * 3_600);
/// Lasting rate of output that is kept, in bytes a second, and how much may come at once.
const RATE: u64 = 1 << 20;
const BURST: u64 = 4 << 20;
/// After a flood lines are kept again once this much fits.
const CALM: u64 = 256 << 10;
/// A disk that refused a write is tried again after this long.
const RETRY_MS: u64 = 1_000;

/// The output of one unit.
#[derive(Debug)]
pub(in crate::process) struct Journal {
    dir: PathBuf,
    number: u64,
    file: Option<File>,
    size: u64,
    pending: Vec<u8>,
    pending_lines: u64,
    tokens: u64,
    refilled_ms: u64,
    flood: bool,
    lost: Lost,
    retry_ms: u64,
}

/// What was not kept since it was last said.
#[derive(Debug, Default)]
struct Lost {
    /// Bytes beyond the rate.
    flooded: u64,
    /// Lines the disk refused.
    refused: u64,
    why: Option<io::ErrorKind>,
}

impl Journal {
    /// Goes on where the unit's output ended. A disk that refuses is tried again later.
    pub(in crate::process) fn open(dir: PathBuf) -> Journal {
        let number = segment::numbers(&dir).ok().and_then(|found| found.last().copied()).unwrap_or(1);
        Journal {
            dir,
            number,
            file: None,
            size: 0,
            pending: Vec::new(),
            pending_lines: 0,
            tokens: BURST,
            refilled_ms: clock::boot_ms(),
            flood: false,
            lost: Lost::default(),
            retry_ms: 0,
        }
    }

    /// Whether more is coming than is kept: then the caller need not look for lines in it.
    pub(in crate::process) fn flooded(&mut self, now_ms: u64) -> bool {
        let gained = now_ms.saturating_sub(self.refilled_ms).saturating_mul(RATE) / 1_000;
        if gained > 0 {
            self.tokens = (self.tokens + gained).min(BURST);
            self.refilled_ms = now_ms;
        }
        if self.flood && self.tokens >= CALM {
            self.flood = false;
            self.note_flood();
        }
        self.flood
    }

    /// Takes a line, to be written at the next [`Journal::flush`].
    pub(in crate::process) fn push(&mut self, stream: Stream, line: &[u8]) {
        let cost = line.len() as u64 + 16;
        if self.flood || cost > self.tokens {
            self.flood = true;
            self.lost.flooded += cost;
            return;
        }
        self.tokens -= cost;
        self.append(stream, line);
        if self.pending.len() > 256 << 10 {
            self.flush();
        }
    }

    /// Counts bytes in which no lines were looked for.
    pub(in crate::process) fn leave_out(&mut self, bytes: usize) {
        self.lost.flooded += bytes as u64;
    }

    /// A line of Tidegate's own among the unit's.
    pub(in crate::process) fn note(&mut self, text: &str) {
        self.append(Stream::Err, format!("[tidegate] {text}").as_bytes());
    }

    /// Says what a flood cost that lasted to the end.
    pub(in crate::process) fn close(&mut self) {
        self.note_flood();
        self.retry_ms = 0;
        self.flush();
    }

    /// Writes what was taken. What the disk refuses is counted and given up.
    pub(in crate::process) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let now = clock::boot_ms();
        let lines = std::mem::take(&mut self.pending_lines);
        let mut bytes = std::mem::take(&mut self.pending);
        let written = if now < self.retry_ms { Err(None) } else { self.write(&bytes).map_err(Some) };
        if let Err(error) = written {
            self.lost.refused += lines;
            if let Some(error) = error {
                self.lost.why = Some(error.kind());
                self.retry_ms = now + RETRY_MS;
                self.file = None;
            }
        }
        bytes.clear();
        self.pending = bytes;
        self.pending.shrink_to(64 << 10);
    }

    fn note_flood(&mut self) {
        let bytes = std::mem::take(&mut self.lost.flooded);
        if bytes > 0 {
            self.note(&format!(
                "{} left out: more than {} of output a second",
                ByteSize(bytes),
                ByteSize(RATE)
            ));
        }
    }

    fn append(&mut self, stream: Stream, line: &[u8]) {
        segment::encode(&mut self.pending, clock::unix_ms(), stream, line);
        self.pending_lines += 1;
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.size >= SEGMENT {
            self.file = None;
            self.number += 1;
            self.drop_oldest();
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open_segment()?,
        };
        if self.lost.refused > 0 {
            let mut note = Vec::new();
            let why = self.lost.why.unwrap_or(io::ErrorKind::Other);
            let text = format!("[tidegate] {} lines lost: {why}", self.lost.refused);
            segment::encode(&mut note, clock::unix_ms(), Stream::Err, text.as_bytes());
            self.put(&mut file, &note)?;
            self.lost = Lost { flooded: self.lost.flooded, ..Lost::default() };
        }
        self.put(&mut file, bytes)?;
        self.file = Some(file);
        Ok(())
    }

    /// All of it or nothing: a part of a line would run into the next one.
    fn put(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = file.write_all(bytes) {
            let _ = file.set_len(self.size);
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn open_segment(&mut self) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        let path = segment::path(&self.dir, self.number);
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        self.size = file.metadata()?.len();
        if !ends_a_line(&mut file, self.size)? {
            // A writer was killed half-way through a line.
            self.put(&mut file, b"\n")?;
        }
        Ok(file)
    }

    fn drop_oldest(&mut self) {
        self.size = 0;
        for number in segment::numbers(&self.dir).unwrap_or_default() {
            let path = segment::path(&self.dir, number);
            let age =
                fs::metadata(&path).and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
            if number + SEGMENTS <= self.number || age.is_some_and(|age| age > OLDEST) {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn ends_a_line(file: &mut File, size: u64) -> io::Result<bool> {
    if size == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(size - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dir: &std::path::Path) -> String {
        let numbers = segment::numbers(dir).unwrap();
        numbers.iter().map(|number| fs::read_to_string(segment::path(dir, *number)).unwrap()).collect()
    }

    #[test]
    fn it_goes_on_after_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(segment::path(dir.path(), 3), "1 o torn").unwrap();
        let mut journal = Journal::open(dir.path().to_owned());
        journal.push(Stream::Out, b"next");
        journal.flush();
        let text = text(dir.path());
        assert!(text.starts_with("1 o torn\n") && text.ends_with(" o next\n"), "{text}");
    }

    #[test]
    fn a_flood_is_cut_to_its_rate_counted_and_noted() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path().to_owned());
        let line = [b'x'; 1_000];
        for _ in 0..20_000 {
            journal.push(Stream::Out, &line);
        }
        assert!(journal.flooded(clock::boot_ms()));
        let later = clock::boot_ms() + 1_000;
        assert!(!journal.flooded(later));
        journal.push(Stream::Out, b"calm again");
        journal.flush();
        let text = text(dir.path());
        assert!(text.len() < 6 << 20);
        assert!(
            text.contains("left out: more than 1MiB of output a second") && text.ends_with("calm again\n")
        );
    }

    #[test]
    fn only_so_many_segments_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path().to_owned());
        for round in 0..20 {
            journal.tokens = BURST;
            let line = vec![b'a' + round; 64 << 10];
            for _ in 0..16 {
                journal.push(Stream::Out, &line);
                journal.flush();
            }
        }
        let numbers = segment::numbers(dir.path()).unwrap();
        assert!(numbers.len() as u64 <= SEGMENTS, "{numbers:?}");
        assert!(text(dir.path()).len() as u64 <= SEGMENTS * (SEGMENT + (128 << 10)));
    }
}
