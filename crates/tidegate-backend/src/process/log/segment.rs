//! The files and lines of a unit's output.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_core::model::InstanceId;
use tidegate_core::view::LogLine;

/// Which of its two outputs a unit wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Stream {
    Out,
    Err,
}

impl Stream {
    const fn letter(self) -> char {
        match self {
            Stream::Out => 'o',
            Stream::Err => 'e',
        }
    }
}

/// The numbers of the segments in a directory, rising. No directory: none.
pub(super) fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let number = |name: &str| name.strip_suffix(".log")?.parse().ok();
    let mut found: Vec<u64> =
        entries.flatten().filter_map(|entry| number(entry.file_name().to_str()?)).collect();
    found.sort_unstable();
    Ok(found)
}

pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}

/// Appends a line as it stands in a segment.
pub(super) fn encode(into: &mut Vec<u8>, at_unix_ms: u64, stream: Stream, line: &[u8]) {
    into.extend_from_slice(format!("{at_unix_ms} {} ", stream.letter()).as_bytes());
    into.extend_from_slice(line);
    into.push(b'\n');
}

/// Reads a line without its end; `None` where it is torn.
pub(super) fn decode(unit: &InstanceId, line: &[u8]) -> Option<LogLine> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let at = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let stream = match parts.next()? {
        b"o" => "out",
        b"e" => "err",
        _ => return None,
    };
    let text = parts.next()?;
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let line = String::from_utf8_lossy(text).into_owned();
    Some(LogLine { at_unix_ms: at, instance: unit.0.clone(), stream: stream.to_owned(), line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_a_torn_one_is_refused() {
        let unit = InstanceId("web-1".into());
        let mut bytes = Vec::new();
        encode(&mut bytes, 17, Stream::Err, b"a b \xff c\r");
        let line = decode(&unit, bytes.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(
            (line.at_unix_ms, line.stream.as_str(), line.line.as_str()),
            (17, "err", "a b \u{fffd} c")
        );
        for torn in [&b""[..], b"17", b"17 o", b"x o y", b"17 q y"] {
            assert!(decode(&unit, torn).is_none(), "{torn:?}");
        }
    }
}
