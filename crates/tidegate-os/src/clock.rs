//! The clocks: one for deciding, which never jumps, and one for showing.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// Milliseconds since the machine booted, sleep included. Never goes back; starts anew with [`boot_id`].
pub fn boot_ms() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("CLOCK_BOOTTIME exists since Linux 2.6.39");
    now.tv_sec().unsigned_abs() * 1_000 + now.tv_nsec().unsigned_abs() / 1_000_000
}

/// Which boot of the machine this is.
pub fn boot_id() -> io::Result<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned())
}

/// Milliseconds since the Unix epoch by the wall clock: for people, decides nothing.
pub fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_run() {
        let before = boot_ms();
        assert!(boot_ms() >= before && before > 0);
        assert!(unix_ms() > 1_600_000_000_000);
        assert_eq!(boot_id().unwrap().len(), 36);
    }
}
