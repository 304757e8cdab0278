//! The probe machine: from answers to ready and live.

use crate::model::{Health, Probe, Probes};
use crate::time::{Millis, Moment};

/// Which probe a question belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Until it passes once.
    Startup,
    /// In and out of rotation.
    Ready,
    /// Restart.
    Live,
}

impl Which {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Which::Startup => "startup",
            Which::Ready => "ready",
            Which::Live => "live",
        }
    }
}

/// The state of one instance's probes. The shell asks [`Prober::due`] what to ask, asks it, and tells
/// [`Prober::on_answer`].
#[derive(Clone, Debug)]
pub struct Prober {
    probes: Probes,
    has_port: bool,
    born: Moment,
    startup: Track,
    ready: Track,
    live: Track,
}

#[derive(Clone, Debug)]
struct Track {
    next: Moment,
    passed: bool,
    bad_in_a_row: u32,
    failed: bool,
}

/// An instance that has not been ready yet is asked again after a quarter of the time it has had, within these bounds: one
/// that starts in no time is seen ready in no time, and one that takes long is not asked for nothing.
const EAGER_LEAST: Millis = Millis(5);
const EAGER_MOST: Millis = Millis(50);
/// After this long without an answer it is asked less often.
const EAGER_FOR: Millis = Millis(10_000);
const PATIENT: Millis = Millis(500);
/// An instance without port and probe is ready once it has run this long.
const SETTLE: Millis = Millis(1_000);

impl Prober {
    /// The machine of an instance whose process began at `born`. `known_ready`: it was ready when last seen (the control
    /// plane was restarted): it stays so until a probe says otherwise.
    pub fn new(probes: Probes, has_port: bool, born: Moment, known_ready: bool) -> Self {
        let track = |passed| Track { next: born, passed, bad_in_a_row: 0, failed: false };
        Prober {
            probes,
            has_port,
            born,
            startup: track(known_ready),
            ready: track(known_ready),
            live: track(true),
        }
    }

    /// The probe to ask now, if any.
    pub fn due(&self, now: Moment) -> Option<(Which, &Probe)> {
        self.tracks()
            .into_iter()
            .find(|(_, _, track)| track.next <= now)
            .map(|(which, probe, _)| (which, probe))
    }

    /// When something will be due next, or the health change by the passing of time.
    pub fn next_deadline(&self, now: Moment) -> Option<Moment> {
        let settle = (!self.has_probe()).then(|| self.born + SETTLE).filter(|settle| *settle > now);
        self.tracks().into_iter().map(|(_, _, track)| track.next).chain(settle).min()
    }

    /// An answer came, or none did in time (`good` is false then).
    pub fn on_answer(&mut self, which: Which, good: bool, now: Moment) {
        let started = self.startup.passed;
        let eager = match which {
            Which::Startup => !started,
            Which::Ready => !self.ready.passed,
            Which::Live => false,
        };
        let wait = if eager { self.eager_wait(now) } else { self.every(which) };
        let fail_after = self.probe(which).map_or(1, |probe| probe.fail_after.max(1));
        let track = self.track_mut(which);
        track.next = now + wait;
        if good {
            track.passed = true;
            track.bad_in_a_row = 0;
            track.failed = false;
        } else {
            track.bad_in_a_row = track.bad_in_a_row.saturating_add(1);
            track.failed = track.bad_in_a_row >= fail_after;
            // A probe that never passed is failing from its first bad answer.
        }
        if which == Which::Startup && good && !started {
            self.ready.next = now;
            self.live.next = now + self.every(Which::Live);
        }
        if self.probes.startup.is_none() && which == Which::Ready && good {
            self.startup.passed = true;
            if !started {
                self.live.next = now + self.every(Which::Live);
            }
        }
    }

    /// What the probes say now.
    pub fn health(&self, now: Moment) -> Health {
        let ready = if self.has_probe() {
            self.startup_passed() && self.ready_passing()
        } else {
            now.since(self.born) >= SETTLE || self.ready.passed
        };
        Health { ready, live: !self.live.failed }
    }

    fn has_probe(&self) -> bool {
        self.has_port || self.probes.ready.is_some() || self.probes.startup.is_some()
    }

    fn startup_passed(&self) -> bool {
        self.probes.startup.is_none() || self.startup.passed
    }

    fn ready_passing(&self) -> bool {
        self.probes.ready.is_none() || (self.ready.passed && !self.ready.failed)
    }

    fn tracks(&self) -> Vec<(Which, &Probe, &Track)> {
        let mut tracks = Vec::with_capacity(2);
        if let Some(probe) = self.probes.startup.as_ref().filter(|_| !self.startup.passed) {
            tracks.push((Which::Startup, probe, &self.startup));
            return tracks;
        }
        if let Some(probe) = &self.probes.ready {
            tracks.push((Which::Ready, probe, &self.ready));
        }
        if let Some(probe) =
            self.probes.live.as_ref().filter(|_| self.startup.passed || self.probes.ready.is_none())
        {
            tracks.push((Which::Live, probe, &self.live));
        }
        tracks
    }

    fn eager_wait(&self, now: Moment) -> Millis {
        let age = now.since(self.born);
        if age < EAGER_FOR { Millis(age.0 / 4).clamp(EAGER_LEAST, EAGER_MOST) } else { PATIENT }
    }

    fn every(&self, which: Which) -> Millis {
        self.probe(which).map_or(Millis::seconds(2), |probe| probe.every)
    }

    fn probe(&self, which: Which) -> Option<&Probe> {
        match which {
            Which::Startup => self.probes.startup.as_ref(),
            Which::Ready => self.probes.ready.as_ref(),
            Which::Live => self.probes.live.as_ref(),
        }
    }

    fn track_mut(&mut self, which: Which) -> &mut Track {
        match which {
            Which::Startup => &mut self.startup,
            Which::Ready => &mut self.ready,
            Which::Live => &mut self.live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Check;

    fn probes(startup: bool, ready: bool, live: bool) -> Probes {
        let probe = |on: bool| on.then(|| Probe::new(Check::Tcp));
        Probes {
            startup: probe(startup),
            start_within: Probes::START_WITHIN,
            ready: probe(ready),
            live: probe(live),
        }
    }

    #[test]
    fn an_instance_is_ready_at_the_first_good_answer_and_unready_after_three_bad_ones() {
        let mut prober = Prober::new(probes(false, true, false), true, Moment(0), false);
        assert!(!prober.health(Moment(0)).ready);
        prober.on_answer(Which::Ready, true, Moment(10));
        assert!(prober.health(Moment(10)).ready);
        for n in 1..=3 {
            prober.on_answer(Which::Ready, false, Moment(10 + n));
            assert_eq!(prober.health(Moment(10 + n)).ready, n < 3);
        }
        prober.on_answer(Which::Ready, true, Moment(20));
        assert!(prober.health(Moment(20)).ready);
    }

    #[test]
    fn ready_and_live_wait_for_startup() {
        let mut prober = Prober::new(probes(true, true, true), true, Moment(0), false);
        assert_eq!(prober.due(Moment(0)).unwrap().0, Which::Startup);
        prober.on_answer(Which::Startup, false, Moment(0));
        assert!(prober.due(Moment(4)).is_none());
        assert_eq!(prober.due(Moment(5)).unwrap().0, Which::Startup);
        prober.on_answer(Which::Startup, false, Moment(40));
        assert_eq!(prober.next_deadline(Moment(40)), Some(Moment(50)));
        prober.on_answer(Which::Startup, true, Moment(50));
        assert_eq!(prober.due(Moment(50)).unwrap().0, Which::Ready);
        assert!(!prober.health(Moment(50)).ready);
        prober.on_answer(Which::Ready, true, Moment(51));
        assert!(prober.health(Moment(51)).ready);
    }

    #[test]
    fn liveness_fails_after_its_count_and_only_then() {
        let mut prober = Prober::new(probes(false, true, true), true, Moment(0), false);
        prober.on_answer(Which::Ready, true, Moment(0));
        prober.on_answer(Which::Live, false, Moment(2_000));
        prober.on_answer(Which::Live, false, Moment(4_000));
        assert!(prober.health(Moment(4_000)).live);
        prober.on_answer(Which::Live, false, Moment(6_000));
        assert!(!prober.health(Moment(6_000)).live);
    }

    #[test]
    fn a_worker_without_probe_is_ready_after_a_second() {
        let prober = Prober::new(probes(false, false, false), false, Moment(0), false);
        assert!(!prober.health(Moment(999)).ready);
        assert!(prober.health(Moment(1_000)).ready);
        assert_eq!(prober.next_deadline(Moment(0)), Some(Moment(1_000)));
        assert_eq!(prober.next_deadline(Moment(1_000)), None);
    }

    #[test]
    fn a_worker_with_only_a_liveness_probe_is_asked_at_its_own_pace() {
        let mut prober = Prober::new(probes(false, false, true), false, Moment(0), false);
        prober.on_answer(Which::Live, false, Moment(0));
        assert_eq!(prober.next_deadline(Moment(1_500)), Some(Moment(2_000)));
        assert!(prober.health(Moment(1_500)).live);
    }

    #[test]
    fn an_adopted_instance_stays_ready_until_a_probe_says_otherwise() {
        let prober = Prober::new(probes(true, true, true), true, Moment(0), true);
        assert!(prober.health(Moment(0)).ready);
    }
}
