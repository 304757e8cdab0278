//! When requests start.

use std::time::{Duration, Instant};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// On each connection the next as soon as the one before is answered.
    Closed,
    /// So many a second, whatever the proxy does; those it is too slow for wait, and their waiting counts.
    Open(f64),
    /// One on each connection, which then stays open.
    Once,
}

/// The timetable of an open pace.
#[derive(Debug)]
pub(super) struct Timetable {
    begin: Instant,
    end: Option<Instant>,
    rate: f64,
    taken: u64,
}

impl Timetable {
    pub(super) fn new(begin: Instant, rate: f64) -> Self {
        Timetable { begin, end: None, rate, taken: 0 }
    }

    /// Has no request due after now.
    pub(super) fn end(&mut self, now: Instant) {
        self.end.get_or_insert(now);
    }

    /// When the next request was due, if it is.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let at = self.begin + Duration::from_secs_f64(self.taken as f64 / self.rate);
        (at <= now && self.end.is_none_or(|end| at <= end)).then_some(at)
    }

    /// Takes the request that is due.
    pub(super) fn take(&mut self) {
        self.taken += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_waited_keep_their_time() {
        let begin = Instant::now();
        let mut table = Timetable::new(begin, 1_000.0);
        let late = begin + Duration::from_millis(2);
        for ms in 0..3 {
            assert_eq!(table.due(late), Some(begin + Duration::from_millis(ms)));
            table.take();
        }
        assert_eq!(table.due(late), None);
        table.end(late);
        assert_eq!(table.due(late + Duration::from_secs(1)), None);
    }
}
