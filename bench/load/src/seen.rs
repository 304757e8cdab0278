//! Finds requests that the app handled twice, or answered without having handled them.
//!
//! The app appends the id of each request to a file before it answers; the files are read when all is over. Two bytes
//! are kept for each request, whatever the files hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The longest line looked at.
const LONGEST_LINE: u64 = 256;

/// Which attempts were acknowledged: the attempt's number plus one, 0 for none.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged(Vec<u8>);

/// What the logs say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Requests found in the logs.
    pub handled: u64,
    /// Ids handled more than once; the first of them.
    pub duplicated: Vec<String>,
    /// How many.
    pub duplicated_total: u64,
    /// Ids acknowledged and not in the logs; the first of them.
    pub missing: Vec<String>,
    /// How many.
    pub missing_total: u64,
}

impl Acknowledged {
    /// Notes that this attempt of a request was answered well.
    pub fn note(&mut self, sequence: u64, attempt: u8) {
        let index = sequence as usize;
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        self.0[index] = attempt + 1;
    }
}

/// Reads every file of `folder` and compares. `sent` is the number of requests made.
pub fn compare(folder: &Path, run: &str, sent: u64, acknowledged: &Acknowledged) -> io::Result<Seen> {
    let mut counts = [vec![0u8; sent as usize], vec![0u8; sent as usize]];
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            count_file(&entry.path(), run, &mut counts)?;
        }
    }
    let mut seen = Seen::default();
    for (attempt, counts) in counts.iter().enumerate() {
        for (sequence, count) in counts.iter().enumerate() {
            let answered = acknowledged.0.get(sequence) == Some(&(attempt as u8 + 1));
            seen.add(*count, answered, || format!("{run}-{sequence}-{attempt}"));
        }
    }
    Ok(seen)
}

impl Seen {
    const SHOWN: usize = 10;

    fn add(&mut self, count: u8, answered: bool, id: impl Fn() -> String) {
        self.handled += u64::from(count > 0);
        if count > 1 {
            self.duplicated_total += 1;
            self.duplicated.extend((self.duplicated.len() < Self::SHOWN).then(&id));
        }
        if count == 0 && answered {
            self.missing_total += 1;
            self.missing.extend((self.missing.len() < Self::SHOWN).then(id));
        }
    }
}

fn count_file(path: &Path, run: &str, counts: &mut [Vec<u8>; 2]) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if let Some((sequence, attempt)) = parse(&line, run)
            && let Some(count) = counts.get_mut(attempt).and_then(|counts| counts.get_mut(sequence))
        {
            *count = count.saturating_add(1);
        }
    }
}

fn parse(line: &[u8], run: &str) -> Option<(usize, usize)> {
    let text = std::str::from_utf8(line).ok()?.trim_end();
    let (sequence, attempt) = text.strip_prefix(run)?.strip_prefix('-')?.split_once('-')?;
    Some((sequence.parse().ok()?, attempt.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_and_missing_ids_are_found_across_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "run-0-0\nrun-1-0\nother-1-0\nnonsense\nrun-99-0\n").unwrap();
        std::fs::write(folder.path().join("b"), "run-1-0\nrun-2-0\nrun-2-1\n").unwrap();
        let mut acknowledged = Acknowledged::default();
        for (sequence, attempt) in [(0, 0), (1, 0), (2, 1), (3, 0)] {
            acknowledged.note(sequence, attempt);
        }
        let seen = compare(folder.path(), "run", 4, &acknowledged).unwrap();
        assert_eq!((seen.duplicated_total, seen.duplicated), (1, vec!["run-1-0".to_owned()]));
        assert_eq!((seen.missing_total, seen.missing), (1, vec!["run-3-0".to_owned()]));
        assert_eq!(seen.handled, 4, "0, 1 and both attempts of 2");
    }
}
