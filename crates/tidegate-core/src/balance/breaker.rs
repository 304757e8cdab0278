//! The circuit breaker of an arm: closed, open, and half-open with one request on trial.

use crate::model::Breaker;

/// Parts of the window; the oldest is forgotten at once.
const SLICES: u64 = 10;

/// Whether a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// As usual.
    Go,
    /// It goes, and how it ends decides. Its end must be told, whatever it is.
    Trial,
    /// Not before so many microseconds.
    Refused(u64),
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Requests are refused from now on.
    Opened,
    /// Requests go again.
    Closed,
}

/// See the module. The rules come with each event: a new routing table may change them.
#[derive(Clone, Debug, Default)]
pub struct Circuit {
    state: State,
    slices: [Slice; SLICES as usize],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Until then, in microseconds.
    Open(u64),
    /// Since a request is on trial.
    HalfOpen,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slice {
    /// Which part of time.
    number: u64,
    requests: u64,
    failures: u64,
}

impl Circuit {
    /// Whether requests go as usual, without being asked one by one.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Asks for one request.
    pub fn pass(&mut self, now: u64, rules: &Breaker) -> Pass {
        match self.state {
            State::Closed => Pass::Go,
            State::Open(until) if now < until => Pass::Refused(until - now),
            State::Open(_) => {
                self.state = State::HalfOpen;
                Pass::Trial
            }
            State::HalfOpen => Pass::Refused(span(rules.open.0)),
        }
    }

    /// How a request ended that went as usual.
    pub fn on_end(&mut self, failed: bool, now: u64, rules: &Breaker) -> Option<Change> {
        // What began before it opened says nothing new.
        if self.state != State::Closed {
            return None;
        }
        let number = now / slice(rules);
        let slice = &mut self.slices[(number % SLICES) as usize];
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice.requests += 1;
        slice.failures += u64::from(failed);
        if failed && self.is_too_bad(number, rules) { Some(self.open(now, rules)) } else { None }
    }

    /// How the request on trial ended. `None`: nothing was learned, and the next one may try.
    pub fn on_trial(&mut self, failed: Option<bool>, now: u64, rules: &Breaker) -> Option<Change> {
        if self.state != State::HalfOpen {
            return None;
        }
        match failed {
            None => {
                self.state = State::Open(now);
                None
            }
            Some(true) => Some(self.open(now, rules)),
            Some(false) => {
                *self = Circuit::default();
                Some(Change::Closed)
            }
        }
    }

    fn open(&mut self, now: u64, rules: &Breaker) -> Change {
        *self = Circuit { state: State::Open(now.saturating_add(span(rules.open.0))), ..Circuit::default() };
        Change::Opened
    }

    fn is_too_bad(&self, number: u64, rules: &Breaker) -> bool {
        let recent = self.slices.iter().filter(|slice| slice.number + SLICES > number);
        let (requests, failures) =
            recent.fold((0, 0), |sum, slice| (sum.0 + slice.requests, sum.1 + slice.failures));
        requests >= u64::from(rules.min_requests) && failures * 100 >= requests * u64::from(rules.failures)
    }
}

/// Milliseconds as microseconds, never none.
fn span(ms: u64) -> u64 {
    ms.saturating_mul(1_000).max(1)
}

fn slice(rules: &Breaker) -> u64 {
    (span(rules.window.0) / SLICES).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Millis;

    const SECOND: u64 = 1_000_000;
    const RULES: Breaker =
        Breaker { failures: 50, min_requests: 10, window: Millis::seconds(10), open: Millis::seconds(5) };

    fn opened() -> Circuit {
        let mut circuit = Circuit::default();
        let changes = (0..10).filter_map(|_| circuit.on_end(true, 0, &RULES));
        assert_eq!(changes.last(), Some(Change::Opened));
        circuit
    }

    #[test]
    fn it_opens_at_the_share_and_not_before_enough_requests() {
        let mut circuit = Circuit::default();
        for _ in 0..9 {
            assert_eq!(circuit.on_end(true, 0, &RULES), None);
        }
        assert_eq!(circuit.pass(0, &RULES), Pass::Go);
        assert_eq!(circuit.on_end(true, 0, &RULES), Some(Change::Opened));
        assert_eq!(circuit.pass(SECOND, &RULES), Pass::Refused(4 * SECOND));
        let mut circuit = Circuit::default();
        for _ in 0..100 {
            for failed in [true, false, false] {
                assert_eq!(circuit.on_end(failed, 0, &RULES), None);
            }
        }
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut circuit = Circuit::default();
        for n in 0..100 {
            assert_eq!(circuit.on_end(true, n * 2 * SECOND, &RULES), None);
        }
    }

    #[test]
    fn one_request_is_on_trial_and_decides() {
        let mut circuit = opened();
        assert_eq!(circuit.pass(5 * SECOND, &RULES), Pass::Trial);
        assert!(matches!(circuit.pass(5 * SECOND, &RULES), Pass::Refused(_)));
        assert_eq!(circuit.on_end(true, 5 * SECOND, &RULES), None);
        assert_eq!(circuit.on_trial(Some(true), 6 * SECOND, &RULES), Some(Change::Opened));
        assert_eq!(circuit.pass(11 * SECOND - 1, &RULES), Pass::Refused(1));
        assert_eq!(circuit.pass(11 * SECOND, &RULES), Pass::Trial);
        assert_eq!(circuit.on_trial(None, 12 * SECOND, &RULES), None);
        assert_eq!(circuit.pass(12 * SECOND, &RULES), Pass::Trial);
        assert_eq!(circuit.on_trial(Some(false), 13 * SECOND, &RULES), Some(Change::Closed));
        assert_eq!(circuit.pass(13 * SECOND, &RULES), Pass::Go);
        assert_eq!(circuit.on_end(true, 13 * SECOND, &RULES), None);
    }

    proptest! {
        #[test]
        fn at_most_one_is_on_trial(events in prop::collection::vec((0_u8..5, 0_u64..3 * SECOND), 1..200)) {
            let (mut circuit, mut now, mut on_trial) = (opened(), 0, false);
            for (event, step) in events {
                now += step;
                match event {
                    0 | 1 => match circuit.pass(now, &RULES) {
                        Pass::Trial => {
                            prop_assert!(!on_trial);
                            on_trial = true;
                        }
                        Pass::Go => prop_assert!(!on_trial && circuit.is_closed()),
                        Pass::Refused(_) => prop_assert!(!circuit.is_closed()),
                    },
                    2 => drop(circuit.on_end(true, now, &RULES)),
                    _ if on_trial => {
                        let failed = [Some(true), Some(false)][usize::from(event) % 2];
                        circuit.on_trial(failed, now, &RULES);
                        on_trial = false;
                    }
                    _ => {}
                }
            }
        }
    }
}
