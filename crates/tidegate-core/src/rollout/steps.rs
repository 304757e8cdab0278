//! When a step is over, and what follows.

use crate::model::{Cause, Held, Inconclusive, Judged, Step, Strategy, Verdict};
use crate::time::{Millis, Moment};

/// What follows a step that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It lasts on, until then if nothing is heard.
    Stay(Moment),
    /// The next step, with what is told about it.
    On(Option<String>),
    /// A person has to say so.
    Hold(Held),
    /// The candidate is taken back.
    Back(Cause),
}

/// What follows `step`, in force since `since`.
pub fn decide_next(
    step: &Step,
    since: Moment,
    strategy: &Strategy,
    judged: Option<&Judged>,
    now: Moment,
) -> Next {
    match step {
        Step::Weight { hold, .. } | Step::Audience { hold, .. } | Step::Mirror { hold, .. } => {
            after(since + *hold, now)
        }
        Step::Scale(_) => Next::On(None),
        Step::Pause { .. } => Next::Hold(Held::Pause),
        Step::Approve => Next::Hold(Held::Approval),
        Step::Analyse { max } | Step::Check { max, .. } => {
            analyse(since, *max, strategy.inconclusive, judged, now)
        }
    }
}

/// Only a verdict ends an analysis well; time alone never does, unless the strategy says so.
fn analyse(
    since: Moment,
    max: Millis,
    inconclusive: Inconclusive,
    judged: Option<&Judged>,
    now: Moment,
) -> Next {
    if let Some(good) = judged.filter(|judged| judged.verdict == Verdict::Promote) {
        return Next::On(Some(good.message.clone()));
    }
    let over = since + max;
    if now < over {
        return Next::Stay(over);
    }
    let message = undecided(max, judged);
    match inconclusive {
        Inconclusive::Hold => Next::Hold(Held::Inconclusive),
        Inconclusive::Abort => Next::Back(Cause { code: "inconclusive".to_owned(), message, instance: None }),
        Inconclusive::Promote => Next::On(Some(format!("{message}; the strategy says to go on"))),
    }
}

fn after(over: Moment, now: Moment) -> Next {
    if now >= over { Next::On(None) } else { Next::Stay(over) }
}

/// `nothing was decided within 30m: too few requests`.
pub fn undecided(max: Millis, judged: Option<&Judged>) -> String {
    let why = judged.filter(|judged| !judged.message.is_empty());
    let why = why.map(|judged| format!(": {}", judged.message)).unwrap_or_default();
    format!("nothing was decided within {max}{why}")
}

/// The verdict that takes a candidate back, at any step and in the bake time.
pub fn condemned(judged: Option<&Judged>) -> Option<Cause> {
    let judged = judged.filter(|judged| judged.verdict == Verdict::Abort)?;
    let Judged { code, message, instance, .. } = judged.clone();
    Some(Cause { code, message, instance })
}

/// Why a rollout does not go on without a person, for people.
pub fn why_held(held: Held, step: Option<&Step>, judged: Option<&Judged>) -> String {
    match held {
        Held::Pause => "the step is a pause".to_owned(),
        Held::Approval => "the step needs an approval".to_owned(),
        Held::Inconclusive => match step {
            Some(Step::Analyse { max } | Step::Check { max, .. }) => undecided(*max, judged),
            Some(_) | None => "nothing was decided".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StrategyKind;

    const MAX: Millis = Millis::seconds(60);

    fn judged(verdict: Verdict) -> Judged {
        Judged { verdict, code: "error-rate".into(), message: "figures".into(), instance: None }
    }

    fn next(inconclusive: Inconclusive, judged: Option<&Judged>, at: u64) -> Next {
        let strategy = Strategy { inconclusive, ..Strategy::new(StrategyKind::Canary) };
        decide_next(&Step::Analyse { max: MAX }, Moment(0), &strategy, judged, Moment(at))
    }

    #[test]
    fn an_analysis_ends_by_a_verdict_and_time_alone_is_never_success() {
        let (good, unsure) = (judged(Verdict::Promote), judged(Verdict::Inconclusive));
        let hold = Inconclusive::Hold;
        assert_eq!(next(hold, Some(&good), 1), Next::On(Some("figures".to_owned())));
        assert_eq!(next(hold, Some(&unsure), 1), Next::Stay(Moment(60_000)));
        assert_eq!(next(hold, None, 59_999), Next::Stay(Moment(60_000)));
        for said in [None, Some(&unsure)] {
            assert_eq!(next(hold, said, 60_000), Next::Hold(Held::Inconclusive));
            assert!(
                matches!(next(Inconclusive::Abort, said, 60_000), Next::Back(cause) if cause.code == "inconclusive")
            );
            let Next::On(Some(told)) = next(Inconclusive::Promote, said, 60_000) else {
                panic!("it goes on")
            };
            assert!(told.starts_with("nothing was decided within 1m"), "{told}");
        }
    }

    #[test]
    fn only_a_bad_verdict_condemns() {
        for verdict in [Verdict::Continue, Verdict::Promote, Verdict::Inconclusive] {
            assert_eq!(condemned(Some(&judged(verdict))), None);
        }
        assert_eq!(condemned(Some(&judged(Verdict::Abort))).unwrap().code, "error-rate");
        assert_eq!(condemned(None), None);
    }
}
