//! The access log's file: appended to, rotated by size, opened anew when somebody moved it away. Used by the writer's
//! thread alone, which a slow disk may stop.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Client addresses are nobody else's business; the group is for what ships logs.
const MODE: u32 = 0o640;

/// See the module.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    rotate_bytes: u64,
    keep: u32,
    file: Option<File>,
    /// Whether the file ends in the middle of a line.
    torn: bool,
}

/// Why not all lines of a piece are in the file.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct Lost {
    /// How many of its bytes are there, whole lines.
    pub(super) kept: usize,
    pub(super) source: io::Error,
}

impl LogFile {
    pub(super) fn new(path: &Path, rotate_bytes: u64, keep: u32) -> Self {
        LogFile { path: path.to_owned(), rotate_bytes, keep, file: None, torn: false }
    }

    /// Opens the file anew with the next piece.
    pub(super) fn reopen(&mut self) {
        self.file = None;
    }

    /// Appends a piece of whole lines.
    pub(super) fn append(&mut self, lines: &[u8]) -> Result<(), Lost> {
        self.prepare(lines.len()).map_err(|source| Lost { kept: 0, source })?;
        let Some(file) = &mut self.file else {
            return Err(Lost { kept: 0, source: io::ErrorKind::NotFound.into() });
        };
        let mut torn = self.torn;
        let result = write(file, lines, &mut torn);
        self.torn = torn;
        result
    }

    /// Sees to it that the file of this name is open and has room.
    fn prepare(&mut self, more: usize) -> io::Result<()> {
        let found = match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found?),
        };
        let full = |found: &fs::Metadata| found.len() > 0 && found.len() + more as u64 > self.rotate_bytes;
        if found.as_ref().is_some_and(|found| found.is_file() && full(found)) {
            self.rotate()?;
            self.file = None;
        } else if !found.is_some_and(|found| self.has_open(&found)) {
            self.file = None;
        }
        if self.file.is_none() {
            self.file = Some(open(&self.path)?);
            self.torn = false;
        }
        Ok(())
    }

    fn has_open(&self, found: &fs::Metadata) -> bool {
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        open.is_some_and(|open| (open.dev(), open.ino()) == (found.dev(), found.ino()))
    }

    fn rotate(&self) -> io::Result<()> {
        if self.keep == 0 {
            return fs::remove_file(&self.path);
        }
        for age in (1..self.keep).rev() {
            match fs::rename(self.aged(age), self.aged(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.aged(1))
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe waits for its reader, for ever if need be.
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !is_character_device(&found)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}

fn is_character_device(found: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&found.file_type())
}

/// Writes lines; what is left of a line that broke off is taken back, or ended where it cannot be.
fn write(file: &mut File, lines: &[u8], torn: &mut bool) -> Result<(), Lost> {
    if *torn {
        file.write_all(b"\n").map_err(|source| Lost { kept: 0, source })?;
        *torn = false;
    }
    let mut written = 0;
    while written < lines.len() {
        match file.write(&lines[written..]) {
            Ok(0) => return Err(take_back(file, &lines[..written], torn, io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(take_back(file, &lines[..written], torn, error)),
        }
    }
    Ok(())
}

fn take_back(file: &File, written: &[u8], torn: &mut bool, source: io::Error) -> Lost {
    let kept = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = (written.len() - kept) as u64;
    if rest > 0 {
        let cut = file.metadata().and_then(|found| file.set_len(found.len().saturating_sub(rest)));
        *torn = cut.is_err();
    }
    Lost { kept, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn files_are_rotated_by_size_and_so_many_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let mut log = LogFile::new(&path, 4, 2);
        for line in ["1\n", "2\n", "3\n", "4\n", "5\n", "a longer line\n", "6\n"] {
            log.append(line.as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "6\n");
        assert_eq!(read(&dir.path().join("access.log.1")), "a longer line\n");
        assert_eq!(read(&dir.path().join("access.log.2")), "5\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_that_was_moved_or_removed_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let mut log = LogFile::new(&path, 1_000, 2);
        log.append(b"1\n").unwrap();
        fs::rename(&path, dir.path().join("mine")).unwrap();
        log.append(b"2\n").unwrap();
        fs::remove_file(&path).unwrap();
        log.append(b"3\n").unwrap();
        assert_eq!((read(&dir.path().join("mine")), read(&path)), ("1\n".to_owned(), "3\n".to_owned()));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_full_disk_is_told() {
        let mut log = LogFile::new(Path::new("/dev/full"), 1, 2);
        for _ in 0..2 {
            let lost = log.append(b"1\n").unwrap_err();
            assert_eq!((lost.kept, lost.source.kind()), (0, io::ErrorKind::StorageFull));
        }
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let lost = LogFile::new(dir.path(), 1_000, 2).append(b"1\n").unwrap_err();
        assert_eq!(lost.source.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn half_a_line_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        fs::write(&path, "1\n2\n3").unwrap();
        let (file, mut torn) = (open(&path).unwrap(), false);
        let lost = take_back(&file, b"2\n3", &mut torn, io::ErrorKind::StorageFull.into());
        assert_eq!((lost.kept, torn, read(&path).as_str()), (2, false, "1\n2\n"));
    }
}
