//! What is wanted of the gateway, held against what was measured.

use std::fmt;

use crate::case::Case;
use crate::contest::{Measured, Outcome, PerConnection};
use crate::figures::Figures;
use crate::peer::Peer;

/// One promise and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was compared.
    pub what: String,
    /// The measured value, or why there is none.
    pub measured: Result<f64, String>,
    /// What it has to be.
    pub wanted: Bound,
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(value) => write!(f, ">= {value:.2}"),
            Bound::AtMost(value) => write!(f, "<= {value:.2}"),
        }
    }
}

impl Verdict {
    /// Whether the promise is kept.
    pub fn holds(&self) -> bool {
        self.measured.as_ref().is_ok_and(|measured| match self.wanted {
            Bound::AtLeast(least) => *measured >= least,
            Bound::AtMost(most) => *measured <= most,
        })
    }
}

/// What a case promises. Nothing where the gateway, or every proxy it is compared with, was left out on purpose.
pub fn verdicts(case: Case, measured: &Measured) -> Vec<Verdict> {
    match measured {
        Measured::Memory(outcome) => memory(case, outcome),
        Measured::Speed(outcome, _) if outcome.contains_key(&Peer::Tidegate) => {
            let mut all: Vec<Verdict> = speeds(case, outcome);
            all.extend(failures(case, outcome));
            all
        }
        Measured::Speed(..) => Vec::new(),
    }
}

/// Requests per processor second of a proxy.
pub fn speed(outcome: &Outcome<Figures>, peer: Peer) -> Option<f64> {
    let figures = outcome.get(&peer)?.as_ref().ok()?;
    (figures.per_cpu_second > 0.0).then_some(figures.per_cpu_second)
}

/// The better of HAProxy and nginx.
pub fn better_of_both(outcome: &Outcome<Figures>) -> Option<f64> {
    [Peer::Haproxy, Peer::Nginx].into_iter().filter_map(|peer| speed(outcome, peer)).max_by(f64::total_cmp)
}

fn speeds(case: Case, outcome: &Outcome<Figures>) -> Vec<Verdict> {
    let has = |peer| outcome.contains_key(&peer);
    let verdict = |what: &str, other: Option<f64>, least: f64| Verdict {
        what: format!("{}: requests per CPU second, of {what}", case.name()),
        measured: against(outcome, other),
        wanted: Bound::AtLeast(least),
    };
    let best = |least| verdict("the better of HAProxy and nginx", better_of_both(outcome), least);
    let mut all = Vec::new();
    match case {
        Case::P99 if has(Peer::Haproxy) => all.push(latency(case, outcome)),
        Case::H2 | Case::H2c if has(Peer::Nginx) => {
            all.push(verdict("nginx", speed(outcome, Peer::Nginx), 1.0))
        }
        Case::P99 | Case::H2 | Case::H2c | Case::Idle => {}
        _ if !has(Peer::Haproxy) && !has(Peer::Nginx) => {}
        Case::Connection => all.push(best(1.05)),
        Case::Small | Case::Middle | Case::Large | Case::Post | Case::Tls | Case::Handshake => {
            all.push(best(1.3))
        }
    }
    if case == Case::Small && has(Peer::Floor) {
        all.push(verdict("the floor", speed(outcome, Peer::Floor), 0.85));
    }
    all
}

fn against(outcome: &Outcome<Figures>, other: Option<f64>) -> Result<f64, String> {
    own(outcome)?;
    let own = speed(outcome, Peer::Tidegate);
    own.zip(other).map(|(own, other)| own / other).ok_or_else(|| "nothing to compare with".to_owned())
}

fn latency(case: Case, outcome: &Outcome<Figures>) -> Verdict {
    let haproxy = outcome.get(&Peer::Haproxy).and_then(|figures| figures.as_ref().ok());
    let missing = || "HAProxy was not measured".to_owned();
    let measured = own(outcome)
        .and_then(|own| Ok(own.p99_ms / haproxy.map(|figures| figures.p99_ms).ok_or_else(missing)?));
    Verdict { what: format!("{}: p99, of HAProxy's", case.name()), measured, wanted: Bound::AtMost(1.0) }
}

fn memory(case: Case, outcome: &Outcome<PerConnection>) -> Vec<Verdict> {
    let verdict = |connections: String, measured| Verdict {
        what: format!("{}: KiB for each of {connections} connections", case.name()),
        measured,
        wanted: Bound::AtMost(3.0),
    };
    match outcome.get(&Peer::Tidegate) {
        None => Vec::new(),
        Some(Err(why)) => vec![verdict("the".into(), Err(why.clone()))],
        Some(Ok(kib)) => kib.iter().map(|(count, kib)| verdict(count.to_string(), Ok(*kib))).collect(),
    }
}

fn own(outcome: &Outcome<Figures>) -> Result<&Figures, String> {
    match outcome.get(&Peer::Tidegate) {
        Some(own) => own.as_ref().map_err(Clone::clone),
        None => Err("it was not measured".into()),
    }
}

/// Speed does not make up for requests that failed.
fn failures(case: Case, outcome: &Outcome<Figures>) -> Option<Verdict> {
    let figures = own(outcome).ok()?;
    let measured = Err(figures.troubles.join(", "));
    let what = format!("{}: every request answered", case.name());
    (!figures.troubles.is_empty()).then_some(Verdict { what, measured, wanted: Bound::AtLeast(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(speeds: &[(Peer, f64)]) -> Outcome<Figures> {
        let figures = |speed| Figures { per_cpu_second: speed, p99_ms: 1000.0 / speed, ..Figures::default() };
        speeds.iter().map(|(peer, speed)| (*peer, Ok(figures(*speed)))).collect()
    }

    fn of(case: Case, outcome: Outcome<Figures>) -> Vec<Verdict> {
        verdicts(case, &Measured::Speed(outcome, None))
    }

    #[test]
    fn the_better_of_both_is_the_one_to_beat() {
        let outcome = outcome(&[
            (Peer::Haproxy, 10.0),
            (Peer::Nginx, 20.0),
            (Peer::Tidegate, 25.0),
            (Peer::Floor, 28.0),
        ]);
        let verdicts = of(Case::Small, outcome);
        assert_eq!(verdicts.len(), 2);
        assert_eq!(verdicts[0].measured, Ok(1.25));
        assert!(!verdicts[0].holds());
        assert!(verdicts[1].holds());
    }

    #[test]
    fn http2_is_held_against_nginx_alone_and_latency_against_haproxy() {
        let outcome = outcome(&[(Peer::Haproxy, 30.0), (Peer::Nginx, 20.0), (Peer::Tidegate, 25.0)]);
        assert_eq!(of(Case::H2, outcome.clone())[0].measured, Ok(1.25));
        let latency = &of(Case::P99, outcome)[0];
        assert_eq!(latency.measured, Ok(1.2));
        assert!(!latency.holds());
    }

    #[test]
    fn a_gateway_that_does_not_come_keeps_no_promise() {
        let mut outcome = outcome(&[(Peer::Haproxy, 10.0)]);
        assert!(of(Case::Post, outcome.clone()).is_empty());
        outcome.insert(Peer::Tidegate, Err("it does not start".into()));
        assert!(!of(Case::Post, outcome)[0].holds());
        let memory = Measured::Memory([(Peer::Tidegate, Err("it does not start".into()))].into());
        assert!(!verdicts(Case::Idle, &memory)[0].holds());
    }

    #[test]
    fn memory_is_wanted_small_at_every_number_of_connections() {
        let kib = PerConnection::from([(2_000, 2.9), (10_000, 3.1)]);
        let verdicts = verdicts(Case::Idle, &Measured::Memory([(Peer::Tidegate, Ok(kib))].into()));
        assert_eq!(verdicts.iter().map(Verdict::holds).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn requests_that_failed_are_held_against_it() {
        let mut outcome = outcome(&[(Peer::Haproxy, 10.0), (Peer::Tidegate, 25.0)]);
        if let Some(Ok(figures)) = outcome.get_mut(&Peer::Tidegate) {
            figures.troubles.push("3 broken off".into());
        }
        assert!(of(Case::Large, outcome).iter().any(|verdict| !verdict.holds()));
    }
}
