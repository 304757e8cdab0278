//! The process table, read from `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// When it started, in clock ticks since boot: with the id, the same process for sure.
    pub started: u64,
    /// Whether it has ended and waits to be reaped.
    pub zombie: bool,
}

/// Every process there is.
pub fn all() -> Vec<Entry> {
    let Ok(listing) = fs::read_dir("/proc") else { return Vec::new() };
    listing.flatten().filter_map(|found| entry(found.file_name().to_str()?.parse().ok()?)).collect()
}

/// One process; `None` where there is none of that id.
pub fn entry(pid: u32) -> Option<Entry> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// When a process started; `None` where there is none of that id.
pub fn start_time(pid: u32) -> Option<u64> {
    entry(pid).map(|entry| entry.started)
}

/// The processes below `root`, itself not included.
pub fn descendants(root: u32) -> Vec<Entry> {
    let table = all();
    let mut known = BTreeSet::from([root]);
    loop {
        let before = known.len();
        known.extend(table.iter().filter(|e| known.contains(&e.parent)).map(|e| e.pid).collect::<Vec<_>>());
        if known.len() == before {
            return table.into_iter().filter(|e| e.pid != root && known.contains(&e.pid)).collect();
        }
    }
}

/// Whether a process was started with this `NAME=value` in its environment; false where that may not be read.
pub fn environ_has(pid: u32, variable: &[u8]) -> bool {
    let mut environ = Vec::new();
    let Ok(file) = fs::File::open(format!("/proc/{pid}/environ")) else { return false };
    let read = file.take(4 << 20).read_to_end(&mut environ);
    read.is_ok() && environ.split(|byte| *byte == 0).any(|entry| entry == variable)
}

/// The name of the program stands in parentheses and may hold anything, so the fields count from the last of them.
fn parse(stat: &str) -> Option<Entry> {
    let (head, tail) = stat.rsplit_once(')')?;
    let pid = head.split_once(' ')?.0.parse().ok()?;
    let fields: Vec<&str> = tail.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let id = |at: usize| u32::try_from(number(at)?).ok();
    let zombie = matches!(*fields.first()?, "Z" | "X");
    Some(Entry { pid, parent: id(1)?, group: id(2)?, session: id(3)?, started: number(19)?, zombie })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let line = "42 (a) b) (c) S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        let seen = parse(line).unwrap();
        assert_eq!(seen, Entry { pid: 42, parent: 7, group: 8, session: 9, started: 12345, zombie: false });
        assert_eq!(parse("garbage"), None);
    }

    #[test]
    fn a_child_is_among_the_descendants() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(descendants(std::process::id()).iter().any(|entry| entry.pid == child.id()));
        assert!(start_time(child.id()).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(start_time(child.id()), None);
    }
}
