//! Backups that are made by themselves, and what `tidegate doctor` says of backups.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tidegate_backup::{
    BackupError, LastBackup, Made, Order, Success, Trouble, back_up, file_name, prune, recipients_of,
};
use tidegate_control::Handle;
use tidegate_core::event::Event;
use tidegate_core::time::Millis;
use tidegate_core::units::ByteSize;
use tidegate_core::view::{DoctorFinding, Severity};
use tidegate_os::clock::unix_ms;

use crate::commands::backup::ago;

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(5);
/// One that failed is tried again after this, or when the next is due.
const AGAIN_MS: u64 = 15 * 60_000;
/// An installation whose last backup is older has as good as none.
const OLD_MS: u64 = 7 * 86_400_000;
/// No more often than this.
const SHORTEST_MS: u64 = 60_000;

/// As typed.
#[derive(Clone, Debug, Args)]
pub struct BackupsArgs {
    /// Make backups by itself, in this folder, for the keys of `tidegate backup key`
    #[arg(long, value_name = "DIR")]
    backup_dir: Option<PathBuf>,
    /// How often
    #[arg(long, value_name = "TIME", default_value = "24h", requires = "backup_dir", value_parser = parse_period)]
    backup_every: Millis,
    /// How many stay
    #[arg(long, value_name = "N", default_value_t = 7, requires = "backup_dir", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    backup_keep: u32,
}

fn parse_period(text: &str) -> Result<Millis, String> {
    let period: Millis =
        text.parse().map_err(|error: tidegate_core::time::DurationError| error.to_string())?;
    if period.0 < SHORTEST_MS { Err("once a minute is the most".to_owned()) } else { Ok(period) }
}

impl BackupsArgs {
    /// How long the last one may be ago; `None`: none are made by themselves.
    fn late_after_ms(&self) -> Option<u64> {
        self.backup_dir.as_ref().map(|_| self.backup_every.0.saturating_mul(2).saturating_add(AGAIN_MS))
    }
}

/// Makes backups on a thread of its own, for as long as the process lives, where that was asked for. Killed in the middle of one it
/// leaves those there were.
pub fn start(handle: &Arc<Handle>, data: &Path, args: &BackupsArgs) -> std::io::Result<()> {
    let Some(folder) = args.backup_dir.clone() else { return Ok(()) };
    // As it is meant now, wherever the process goes.
    let folder = std::path::absolute(folder)?;
    let (handle, data, args) = (Arc::clone(handle), data.to_owned(), args.clone());
    let keep = move || {
        loop {
            if is_due(&LastBackup::of(&data), args.backup_every.0, unix_ms()) {
                one(&handle, &data, &folder, args.backup_keep);
            }
            std::thread::sleep(LOOK);
        }
    };
    std::thread::Builder::new().name("backups".to_owned()).spawn(keep).map(drop)
}

fn is_due(last: &LastBackup, every_ms: u64, now: u64) -> bool {
    // A clock that was set back makes one at once rather than none for long.
    let over = |then: u64, ms: u64| then > now || now - then >= ms;
    let good = last.good.as_ref().is_none_or(|good| over(good.unix_ms, every_ms));
    good && last.trouble.as_ref().is_none_or(|trouble| over(trouble.unix_ms, AGAIN_MS.min(every_ms)))
}

fn one(handle: &Handle, data: &Path, folder: &Path, keep: u32) {
    let unix_ms = unix_ms();
    let made = make(data, folder, unix_ms, keep);
    let (kept, event) = match made {
        Ok(made) => {
            let (file, size) = (made.file.display(), ByteSize(made.bytes));
            let event = Event::platform("backup.made", format!("a backup was made: {file}, {size}"));
            (
                LastBackup::succeeded(data, Success { unix_ms, file: made.file.clone(), bytes: made.bytes }),
                event,
            )
        }
        Err(error) => {
            let why = error.to_string();
            let event = Event::platform("backup.failed", format!("no backup could be made: {why}"));
            (LastBackup::failed(data, Trouble { unix_ms, why }), event)
        }
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "what became of a backup could not be written down");
    }
    if let Err(error) = handle.tell(event) {
        tracing::warn!(%error, "what became of a backup is not in the timeline");
    }
}

fn make(data: &Path, folder: &Path, unix_ms: u64, keep: u32) -> Result<Made, BackupError> {
    let recipients = recipients_of(data)?.ok_or_else(|| BackupError::Mistake {
        what: "there is no key to encrypt it for".to_owned(),
        help: "make one with `tidegate backup key > key.txt` and keep the file elsewhere".to_owned(),
    })?;
    let made = fs::create_dir_all(folder);
    made.map_err(|source| BackupError::Io { what: "make", path: folder.to_owned(), source })?;
    let made = back_up(&Order {
        data,
        to: &folder.join(file_name(unix_ms)),
        recipients: &recipients,
        opens: None,
        logs: false,
        caches: false,
        version: env!("CARGO_PKG_VERSION"),
        unix_ms,
    })?;
    // Only now that there is a newer one.
    prune(folder, keep as usize)?;
    Ok(made)
}

/// What is to be said of the backups of a data directory.
pub fn findings(data: &Path, args: &BackupsArgs) -> DoctorFinding {
    found(&LastBackup::of(data), args.late_after_ms(), unix_ms())
}

fn found(last: &LastBackup, late_after_ms: Option<u64>, now: u64) -> DoctorFinding {
    let warning = |message: String, help: &str| finding(Severity::Warning, message, Some(help));
    if let Some(trouble) = &last.trouble {
        let good = last.good.as_ref().map_or_else(|| "never".to_owned(), |good| ago(good.unix_ms));
        let message = format!("the last backup failed: {}; the last good one: {good}", trouble.why);
        return warning(message, "mend it, then `tidegate backup`");
    }
    match (&last.good, late_after_ms) {
        (None, Some(_)) => warning(
            "no backup was made yet".to_owned(),
            "the first is made soon; make one now with `tidegate backup`",
        ),
        (None, None) => finding(
            Severity::Ok,
            "no backup was ever made".to_owned(),
            Some("`tidegate backup key`, then `tidegate up --backup-dir DIR` makes one a day"),
        ),
        (Some(good), late) => {
            let message = format!("the last backup was made {}: {}", ago(good.unix_ms), good.file.display());
            if now.saturating_sub(good.unix_ms) > late.unwrap_or(OLD_MS) {
                return warning(message, "make one now with `tidegate backup`");
            }
            finding(Severity::Ok, message, None)
        }
    }
}

fn finding(severity: Severity, message: String, help: Option<&str>) -> DoctorFinding {
    DoctorFinding { severity, check: "backup".to_owned(), message, help: help.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(good: Option<u64>, trouble: Option<u64>) -> LastBackup {
        LastBackup {
            good: good.map(|unix_ms| Success { unix_ms, file: "/b".into(), bytes: 1 }),
            trouble: trouble.map(|unix_ms| Trouble { unix_ms, why: "no room is left".to_owned() }),
        }
    }

    #[test]
    fn one_is_due_when_the_last_good_one_is_old_and_a_failure_is_not_repeated_at_once() {
        let (day, now) = (86_400_000, 1_000 * 86_400_000);
        assert!(is_due(&last(None, None), day, now));
        assert!(!is_due(&last(Some(now - day + 1), None), day, now));
        assert!(is_due(&last(Some(now - day), None), day, now));
        assert!(is_due(&last(Some(now + day), None), day, now), "the clock was set back");
        assert!(!is_due(&last(None, Some(now - 1)), day, now));
        assert!(is_due(&last(None, Some(now - AGAIN_MS)), day, now));
        assert!(is_due(&last(None, Some(now - SHORTEST_MS)), SHORTEST_MS, now));
    }

    #[test]
    fn doctor_warns_of_what_failed_and_of_what_is_late() {
        let now = unix_ms();
        let severity = |last, late| found(&last, late, now).severity;
        assert_eq!(severity(last(None, None), None), Severity::Ok);
        assert_eq!(severity(last(None, None), Some(1)), Severity::Warning);
        assert_eq!(severity(last(Some(now), None), Some(1_000)), Severity::Ok);
        assert_eq!(severity(last(Some(now - 2_000), None), Some(1_000)), Severity::Warning);
        assert_eq!(severity(last(Some(now - OLD_MS - 1), None), None), Severity::Warning);
        let failed = found(&last(Some(now), Some(now)), None, now);
        assert_eq!(failed.severity, Severity::Warning);
        assert!(failed.message.contains("no room is left") && failed.message.contains("just now"));
    }
}
