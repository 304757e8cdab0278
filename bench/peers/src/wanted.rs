//! What is wanted of the gateway, held against what was measured.

use crate::case::Case;
use crate::contest::Outcome;
use crate::peer::Peer;

/// One promise and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was compared.
    pub what: String,
    /// The measured ratio, or why there is none.
    pub measured: Result<f64, String>,
    /// The least ratio that is wanted.
    pub wanted: f64,
}

impl Verdict {
    /// Whether the promise is kept.
    pub fn holds(&self) -> bool {
        self.measured.as_ref().is_ok_and(|measured| *measured >= self.wanted)
    }
}

/// What a case promises. Nothing where the gateway, or every proxy it is compared with, was left out on purpose.
pub fn verdicts(case: Case, outcome: &Outcome) -> Vec<Verdict> {
    let least = match case {
        Case::Small | Case::Middle | Case::Large | Case::Post => 1.3,
        Case::Connection => 1.05,
    };
    let mut all = Vec::new();
    if !outcome.contains_key(&Peer::Tidegate) {
        return all;
    }
    if [Peer::Haproxy, Peer::Nginx].iter().any(|peer| outcome.contains_key(peer)) {
        let measured = against(outcome, better_of_both(outcome));
        all.push(Verdict {
            what: format!("{}: of the better of HAProxy and nginx", case.name()),
            measured,
            wanted: least,
        });
    }
    if case == Case::Small && outcome.contains_key(&Peer::Floor) {
        let measured = against(outcome, speed(outcome, Peer::Floor));
        all.push(Verdict { what: format!("{}: of the floor", case.name()), measured, wanted: 0.85 });
    }
    all.extend(failures(case, outcome));
    all
}

/// Requests per processor second of a proxy.
pub fn speed(outcome: &Outcome, peer: Peer) -> Option<f64> {
    let figures = outcome.get(&peer)?.as_ref().ok()?;
    (figures.per_cpu_second > 0.0).then_some(figures.per_cpu_second)
}

/// The better of HAProxy and nginx.
pub fn better_of_both(outcome: &Outcome) -> Option<f64> {
    [Peer::Haproxy, Peer::Nginx].into_iter().filter_map(|peer| speed(outcome, peer)).max_by(f64::total_cmp)
}

fn against(outcome: &Outcome, other: Option<f64>) -> Result<f64, String> {
    let own = match outcome.get(&Peer::Tidegate) {
        Some(Err(why)) => return Err(why.clone()),
        _ => speed(outcome, Peer::Tidegate),
    };
    own.zip(other).map(|(own, other)| own / other).ok_or_else(|| "nothing to compare with".to_owned())
}

/// Speed does not make up for requests that failed.
fn failures(case: Case, outcome: &Outcome) -> Option<Verdict> {
    let figures = outcome.get(&Peer::Tidegate)?.as_ref().ok()?;
    let measured = Err(figures.troubles.join(", "));
    let what = format!("{}: every request answered", case.name());
    (!figures.troubles.is_empty()).then_some(Verdict { what, measured, wanted: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;

    fn outcome(speeds: &[(Peer, f64)]) -> Outcome {
        let figures = |speed| Figures { per_cpu_second: speed, ..Figures::default() };
        speeds.iter().map(|(peer, speed)| (*peer, Ok(figures(*speed)))).collect()
    }

    #[test]
    fn the_better_of_both_is_the_one_to_beat() {
        let outcome = outcome(&[
            (Peer::Haproxy, 10.0),
            (Peer::Nginx, 20.0),
            (Peer::Tidegate, 25.0),
            (Peer::Floor, 28.0),
        ]);
        let verdicts = verdicts(Case::Small, &outcome);
        assert_eq!(verdicts.len(), 2);
        assert_eq!(verdicts[0].measured, Ok(1.25));
        assert!(!verdicts[0].holds());
        assert!(verdicts[1].holds());
    }

    #[test]
    fn a_gateway_that_does_not_come_keeps_no_promise() {
        let mut outcome = outcome(&[(Peer::Haproxy, 10.0)]);
        assert!(verdicts(Case::Post, &outcome).is_empty());
        outcome.insert(Peer::Tidegate, Err("it does not start".into()));
        assert!(!verdicts(Case::Post, &outcome)[0].holds());
    }

    #[test]
    fn requests_that_failed_are_held_against_it() {
        let mut outcome = outcome(&[(Peer::Haproxy, 10.0), (Peer::Tidegate, 25.0)]);
        if let Some(Ok(figures)) = outcome.get_mut(&Peer::Tidegate) {
            figures.troubles.push("3 broken off".into());
        }
        assert!(verdicts(Case::Large, &outcome).iter().any(|verdict| !verdict.holds()));
    }
}
