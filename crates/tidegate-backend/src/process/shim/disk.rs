//! How much a unit writes to the disk. One that writes without end is ended before anybody else has no room left.
//!
//! Looked at while it runs, which is cheap: its files are counted only once free space has shrunk by what it may still write.

use std::fs::{self, File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tidegate_core::units::ByteSize;
use tidegate_os::clock::unix_ms;
use tidegate_os::file::{free_bytes, total_bytes};

use crate::process::ownership::{DEEPEST, open_dir};
use crate::process::spec::ShimSpec;

/// From one look to the next, in milliseconds.
const EVERY_MS: u64 = 250;
/// So much is left to what serves, or this part of the disk, whichever is less.
const LEFT_TO_OTHERS: u64 = 512 << 20;
const PART_LEFT: u64 = 20;

/// The disk as one unit takes from it.
pub(super) struct Disk {
    most: u64,
    /// What is left to others.
    least_free: u64,
    /// Where it may write.
    trees: Vec<PathBuf>,
    /// What of that others get after it.
    kept: Vec<PathBuf>,
    /// Whom it became: what belongs to others is not its own to give back.
    uid: Option<u32>,
    /// When it began, by the clock that files are dated by.
    since_unix_ms: u64,
    look_at_ms: u64,
    /// When its files were last counted: what was free, and what it had written.
    counted: (u64, u64),
}

impl Disk {
    /// Of a unit that is about to start, its folders prepared. `None`: it may write what it wants.
    pub(super) fn of(spec: &ShimSpec, now_ms: u64) -> Option<Disk> {
        let most = spec.unit.limits.disk?.0;
        let kept = spec.isolation.kept.clone();
        let trees: Vec<PathBuf> = spec.isolation.writable.iter().chain(&kept).cloned().collect();
        let place = trees.first()?;
        let (free, total) = (free_bytes(place).ok()?, total_bytes(place).ok()?);
        // What is short before it began is no fault of its own.
        let least_free = LEFT_TO_OTHERS.min(total / PART_LEFT).min(free / 2);
        let (since_unix_ms, look_at_ms) = (unix_ms(), now_ms + EVERY_MS);
        let uid = spec.isolation.user.map(|(uid, _)| uid);
        Some(Disk { most, least_free, trees, kept, uid, since_unix_ms, look_at_ms, counted: (free, 0) })
    }

    /// When to look again.
    pub(super) fn deadline_ms(&self) -> u64 {
        self.look_at_ms
    }

    /// Why the unit is to end, where it took too much.
    pub(super) fn on_time(&mut self, now_ms: u64) -> Option<String> {
        if now_ms < self.look_at_ms {
            return None;
        }
        self.look_at_ms = now_ms + EVERY_MS;
        let free = free_bytes(self.trees.first()?).ok()?;
        let (free_before, had) = self.counted;
        let short = free < self.least_free;
        if !short && free_before.saturating_sub(free) <= self.most.saturating_sub(had) {
            return None;
        }
        let wrote = self.trees.iter().map(|tree| self.written(tree)).sum();
        self.counted = (free, wrote);
        let [wrote_so, most, left] = [wrote, self.most, free].map(ByteSize);
        if wrote > self.most {
            return Some(format!("it wrote {wrote_so} to the disk, and may write {most}"));
        }
        // Whoever wrote less than what is left did not take it: others did.
        (short && wrote >= free).then(|| {
            format!("the disk is nearly full: {left} are left, it wrote {wrote_so} of what is there")
        })
    }

    fn written(&self, tree: &Path) -> u64 {
        let mut bytes = 0;
        self.each_new(tree, |_, meta| bytes += meta.blocks() * 512);
        bytes
    }

    /// Gives room back that would be taken for ever: what it wrote where others would get it. Nothing of it runs any more.
    pub(super) fn give_back(&self) {
        for kept in &self.kept {
            self.each_new(kept, |path, meta| {
                if self.uid.is_none_or(|uid| meta.uid() == uid) {
                    // What cannot be removed is met by the next one, which is ended as well.
                    let _ = fs::remove_file(path);
                }
            });
        }
    }

    /// What is no folder and was written, or otherwise changed, since it began, by paths that go through its folder's descriptor. No
    /// link is followed, not even one that others put in a folder's place meanwhile; what goes away meanwhile is left out.
    fn each_new(&self, tree: &Path, mut with: impl FnMut(&Path, &Metadata)) {
        if let Ok(folder) = fs::canonicalize(tree).and_then(|tree| open_dir(&tree)) {
            self.each_new_below(&folder, 0, &mut with);
        }
    }

    fn each_new_below(&self, folder: &File, depth: u32, with: &mut dyn FnMut(&Path, &Metadata)) {
        let through = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
        let Ok(items) = fs::read_dir(through) else { return };
        let mut folders = Vec::new();
        for item in items.flatten() {
            let Ok(meta) = item.metadata() else { continue };
            if meta.is_dir() {
                folders.push(item.path());
            } else if changed_unix_ms(&meta) > self.since_unix_ms {
                with(&item.path(), &meta);
            }
        }
        if depth >= DEEPEST {
            return;
        }
        for inner in folders {
            if let Ok(inner) = open_dir(&inner) {
                self.each_new_below(&inner, depth + 1, with);
            }
        }
    }
}

/// When its content or anything else of it changed last; nobody can date that back.
fn changed_unix_ms(meta: &Metadata) -> u64 {
    u64::try_from(meta.ctime() * 1_000 + meta.ctime_nsec() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(trees: &[&Path], kept: &[&Path]) -> Disk {
        let owned = |paths: &[&Path]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        let kept = owned(kept);
        let trees = owned(trees).into_iter().chain(kept.clone()).collect();
        let counted = (u64::MAX, 0);
        let (since_unix_ms, uid) = (unix_ms(), None);
        Disk { most: 2 << 20, least_free: 0, trees, kept, uid, since_unix_ms, look_at_ms: 0, counted }
    }

    /// Files are dated by a clock that goes in steps.
    fn a_step_of_the_clock() {
        std::thread::sleep(std::time::Duration::from_millis(15));
    }

    #[test]
    fn what_was_there_before_is_not_counted_and_links_are_not_followed() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let inner = dir.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("before"), vec![1; 4 << 20]).unwrap();
        a_step_of_the_clock();
        let mut disk = disk(&[dir.path()], &[]);
        a_step_of_the_clock();
        fs::write(other.path().join("large"), vec![1; 4 << 20]).unwrap();
        std::os::unix::fs::symlink(other.path(), inner.join("link")).unwrap();
        fs::write(inner.join("file"), vec![1; 1 << 20]).unwrap();
        fs::File::create(inner.join("sparse")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(disk.on_time(1_000), None);
        let wrote = disk.counted.1;
        assert!(((1 << 20)..(2 << 20)).contains(&wrote), "{wrote}");
        fs::write(inner.join("more"), vec![1; 2 << 20]).unwrap();
        disk.counted.0 = u64::MAX; // as if free space had shrunk
        assert_eq!(disk.on_time(1_001), None, "it is not looked at that often");
        let why = disk.on_time(1_000 + EVERY_MS).unwrap();
        assert!(why.starts_with("it wrote 3") && why.ends_with("and may write 2MiB"), "{why}");
    }

    #[test]
    fn who_wrote_nothing_is_not_ended_for_a_full_disk() {
        let dir = tempfile::tempdir().unwrap();
        let mut disk = disk(&[dir.path()], &[]);
        disk.least_free = u64::MAX;
        assert_eq!(disk.on_time(1_000), None);
    }

    #[test]
    fn only_what_it_wrote_is_given_back() {
        let (own, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(kept.path().join("before"), "x").unwrap();
        a_step_of_the_clock();
        let mut disk = disk(&[own.path()], &[kept.path()]);
        a_step_of_the_clock();
        fs::write(own.path().join("own"), "x").unwrap();
        fs::create_dir(kept.path().join("new")).unwrap();
        fs::write(kept.path().join("new/file"), "x").unwrap();
        disk.uid = Some(u32::MAX);
        disk.give_back();
        assert!(kept.path().join("new/file").exists(), "it is somebody else's");
        disk.uid = None;
        disk.give_back();
        let there = ["before", "new/file"].map(|name| kept.path().join(name).exists());
        assert_eq!((there, own.path().join("own").exists()), ([true, false], true));
    }
}
