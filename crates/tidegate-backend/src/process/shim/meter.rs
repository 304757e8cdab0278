//! How fast a unit writes: an app in an endless loop of output is told from one that has much to say.

/// More than this, in bytes a second, is no log any more.
const FLOOD: u64 = 8 << 20;
/// For this many seconds in a row.
const SECONDS: u32 = 3;
const SECOND_MS: u64 = 1_000;

/// Counts bytes by the second.
#[derive(Debug)]
pub(super) struct Meter {
    since_ms: u64,
    bytes: u64,
    hot: u32,
}

impl Meter {
    pub(super) fn new(now_ms: u64) -> Self {
        Meter { since_ms: now_ms, bytes: 0, hot: 0 }
    }

    /// Takes what was read now.
    pub(super) fn count(&mut self, bytes: u64, now_ms: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let elapsed = now_ms.saturating_sub(self.since_ms);
        if elapsed < SECOND_MS {
            return;
        }
        let fast = self.bytes.saturating_mul(SECOND_MS) / elapsed >= FLOOD;
        self.hot = if fast { self.hot.saturating_add(1) } else { 0 };
        self.bytes = 0;
        self.since_ms = now_ms;
    }

    /// Whether it has been too much for too long.
    pub(super) fn flooding(&self) -> bool {
        self.hot >= SECONDS
    }

    /// When to count even if nothing is read: the end of a flood is seen by silence.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        (self.hot > 0).then_some(self.since_ms + SECOND_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_that_lasts_and_it_ends_in_silence() {
        let mut meter = Meter::new(0);
        for tick in 1..=299 {
            meter.count(1 << 20, tick * 10);
            assert!(!meter.flooding());
        }
        meter.count(1 << 20, 3_000);
        assert!(meter.flooding());
        assert_eq!(meter.deadline_ms(), Some(4_000));
        meter.count(0, 4_000);
        assert!(!meter.flooding());
        assert_eq!(meter.deadline_ms(), None);
    }

    #[test]
    fn a_burst_and_a_busy_log_are_no_flood() {
        let mut meter = Meter::new(0);
        meter.count(100 << 20, 500);
        for second in 1..60 {
            meter.count(4 << 20, second * 1_000);
            assert!(!meter.flooding());
        }
    }
}
