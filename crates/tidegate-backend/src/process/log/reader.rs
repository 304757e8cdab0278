//! The reading side, for `logs`, `explain` and the room it all takes.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tidegate_core::model::InstanceId;
use tidegate_core::view::LogLine;

use super::segment;
use crate::process::place::safe;
use crate::{LogCursor, Logs};

/// The output of all units below one directory.
#[derive(Clone, Debug)]
pub struct SegmentLogs {
    dir: PathBuf,
}

/// A line and the place after it.
struct Placed {
    line: LogLine,
    after: (u64, u64),
}

impl SegmentLogs {
    /// The output kept in `dir` (`ProcessConfig::logs`), also without a backend.
    pub fn new(dir: PathBuf) -> Self {
        SegmentLogs { dir }
    }

    pub(in crate::process) fn dir_of(&self, unit: &InstanceId) -> PathBuf {
        self.dir.join(&unit.0)
    }

    fn last_of(&self, unit: &InstanceId, last: usize) -> io::Result<Vec<LogLine>> {
        let mut lines: VecDeque<LogLine> = VecDeque::new();
        let dir = self.dir_of(unit);
        for number in segment::numbers(&dir)?.into_iter().rev() {
            let earlier =
                read(&dir, number, 0)?.lines(unit, number, last.saturating_sub(lines.len()), Keep::Last);
            earlier.into_iter().rev().for_each(|placed| lines.push_front(placed.line));
            if lines.len() >= last {
                break;
            }
        }
        Ok(lines.into())
    }

    fn next_of(&self, unit: &InstanceId, from: (u64, u64), most: usize) -> io::Result<VecDeque<Placed>> {
        let dir = self.dir_of(unit);
        let mut lines = VecDeque::new();
        for number in segment::numbers(&dir)?.into_iter().filter(|number| *number >= from.0) {
            let offset = if number == from.0 { from.1 } else { 0 };
            let room = most.saturating_sub(lines.len());
            if room == 0 {
                break;
            }
            lines.extend(read(&dir, number, offset)?.lines(unit, number, room, Keep::First));
        }
        Ok(lines)
    }
}

impl Logs for SegmentLogs {
    fn tail(&self, units: &[InstanceId], last: usize) -> io::Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        for unit in units.iter().filter(|unit| safe(unit)) {
            lines.extend(self.last_of(unit, last)?);
        }
        lines.sort_by_key(|line| line.at_unix_ms);
        let surplus = lines.len().saturating_sub(last);
        Ok(lines.split_off(surplus))
    }

    fn after(
        &self,
        units: &[InstanceId],
        cursor: &LogCursor,
        most: usize,
    ) -> io::Result<(Vec<LogLine>, LogCursor)> {
        let mut cursor = cursor.clone();
        let mut queues = Vec::new();
        for unit in units.iter().filter(|unit| safe(unit)) {
            let from = cursor.0.get(unit).copied().unwrap_or_default();
            queues.push((unit, self.next_of(unit, from, most)?));
        }
        let mut lines = Vec::new();
        // The order within a unit holds even where the clock was set back.
        while lines.len() < most {
            let head = |queue: &VecDeque<Placed>| queue.front().map(|placed| placed.line.at_unix_ms);
            let next = queues.iter_mut().filter(|(_, q)| !q.is_empty()).min_by_key(|(_, q)| head(q));
            let Some((unit, placed)) = next.and_then(|(unit, queue)| Some((unit, queue.pop_front()?))) else {
                break;
            };
            cursor.0.insert(unit.clone(), placed.after);
            lines.push(placed.line);
        }
        Ok((lines, cursor))
    }

    fn end(&self, units: &[InstanceId]) -> io::Result<LogCursor> {
        let mut cursor = LogCursor::default();
        for unit in units.iter().filter(|unit| safe(unit)) {
            let dir = self.dir_of(unit);
            if let Some(number) = segment::numbers(&dir)?.into_iter().next_back() {
                cursor.0.insert(unit.clone(), (number, whole_lines(&segment::path(&dir, number))?));
            }
        }
        Ok(cursor)
    }

    fn prune(&self, keep: &[InstanceId], older_than_ms: u64, most_bytes: u64) -> io::Result<()> {
        let mut all = self.sizes()?;
        let mut total: u64 = all.iter().map(|unit| unit.bytes).sum();
        all.retain(|unit| !keep.iter().any(|kept| kept.0 == unit.name));
        all.sort_by_key(|unit| unit.changed);
        for unit in all {
            let age = unit.changed.elapsed().unwrap_or_default();
            if age >= Duration::from_millis(older_than_ms) || total > most_bytes {
                fs::remove_dir_all(self.dir.join(&unit.name))?;
                total -= unit.bytes;
            }
        }
        Ok(())
    }
}

/// How many bytes of a segment are whole lines. A line is at most 64 KiB and what stands before it.
fn whole_lines(segment: &Path) -> io::Result<u64> {
    const LONGEST: u64 = 128 << 10;
    let mut file = match File::open(segment) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LONGEST);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(LONGEST).read_to_end(&mut tail)?;
    Ok(tail.iter().rposition(|byte| *byte == b'\n').map_or(from, |place| from + place as u64 + 1))
}

/// What one unit's output takes.
struct Taken {
    name: String,
    bytes: u64,
    changed: SystemTime,
}

impl SegmentLogs {
    fn sizes(&self) -> io::Result<Vec<Taken>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let mut unit = Taken { name, bytes: 0, changed: entry.metadata()?.modified()? };
            for number in segment::numbers(&entry.path())? {
                let Ok(found) = fs::metadata(segment::path(&entry.path(), number)) else { continue };
                unit.bytes += found.len();
                unit.changed = unit.changed.max(found.modified()?);
            }
            all.push(unit);
        }
        Ok(all)
    }
}

#[derive(Clone, Copy)]
enum Keep {
    First,
    Last,
}

/// A part of a segment, up to its last complete line.
struct Part {
    bytes: Vec<u8>,
    offset: u64,
}

/// More than a segment ever has: its bound plus the longest line and the largest batch.
const LARGEST: u64 = 4 << 20;

fn read(dir: &Path, number: u64, offset: u64) -> io::Result<Part> {
    let mut bytes = Vec::new();
    match File::open(segment::path(dir, number)) {
        // Dropped since we listed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(mut file) => {
            file.seek(SeekFrom::Start(offset))?;
            file.take(LARGEST).read_to_end(&mut bytes)?;
        }
    }
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    bytes.truncate(complete);
    Ok(Part { bytes, offset })
}

impl Part {
    /// At most `most` lines from one end.
    fn lines(&self, unit: &InstanceId, number: u64, most: usize, keep: Keep) -> Vec<Placed> {
        let ends: Vec<usize> =
            self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
        let range = match keep {
            Keep::First => 0..ends.len().min(most),
            Keep::Last => ends.len().saturating_sub(most)..ends.len(),
        };
        let placed = |index: usize| {
            let start = if index == 0 { 0 } else { ends[index - 1] + 1 };
            let line = segment::decode(unit, &self.bytes[start..ends[index]])?;
            Some(Placed { line, after: (number, self.offset + ends[index] as u64 + 1) })
        };
        range.filter_map(placed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> (tempfile::TempDir, SegmentLogs, [InstanceId; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let logs = SegmentLogs::new(dir.path().to_owned());
        let units = ["web-1", "web-2"].map(|id| InstanceId(id.to_owned()));
        let put = |unit: &InstanceId, number, text: &str| {
            fs::create_dir_all(logs.dir_of(unit)).unwrap();
            fs::write(segment::path(&logs.dir_of(unit), number), text).unwrap();
        };
        put(&units[0], 4, "10 o a\n30 e c\n");
        put(&units[0], 5, "50 o e\n60 o torn");
        put(&units[1], 1, "20 o b\n40 o d\n");
        (dir, logs, units)
    }

    fn text(lines: &[LogLine]) -> String {
        lines.iter().map(|line| line.line.as_str()).collect()
    }

    #[test]
    fn the_last_lines_come_by_time_over_units_and_segments() {
        let (_dir, logs, units) = logs();
        assert_eq!(text(&logs.tail(&units, 3).unwrap()), "cde");
        assert_eq!(text(&logs.tail(&units, 100).unwrap()), "abcde");
        assert_eq!(text(&logs.tail(&units[..1], 2).unwrap()), "ce");
        assert_eq!(
            text(&logs.tail(&[InstanceId("../etc".into()), InstanceId("gone".into())], 9).unwrap()),
            ""
        );
    }

    #[test]
    fn a_cursor_goes_on_line_by_line_and_past_what_was_dropped() {
        let (_dir, logs, units) = logs();
        let mut cursor = LogCursor::default();
        let mut seen = String::new();
        loop {
            let (lines, next) = logs.after(&units, &cursor, 1).unwrap();
            if lines.is_empty() {
                break;
            }
            seen += &text(&lines);
            cursor = next;
        }
        assert_eq!(seen, "abcde");
        fs::write(segment::path(&logs.dir_of(&units[0]), 6), "70 o f\n").unwrap();
        fs::remove_file(segment::path(&logs.dir_of(&units[0]), 5)).unwrap();
        assert_eq!(text(&logs.after(&units, &cursor, 10).unwrap().0), "f");
    }

    #[test]
    fn pruning_spares_what_is_kept_and_stops_when_there_is_room() {
        let (_dir, logs, units) = logs();
        logs.prune(&units[..1], 3_600_000, 1 << 20).unwrap();
        assert_eq!(text(&logs.tail(&units, 9).unwrap()), "abcde");
        logs.prune(&units[..1], 3_600_000, 1).unwrap();
        assert_eq!(text(&logs.tail(&units, 9).unwrap()), "ace");
        logs.prune(&[], 0, 1 << 20).unwrap();
        assert_eq!(text(&logs.tail(&units, 9).unwrap()), "");
    }
}
