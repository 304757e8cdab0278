//! What may not be released while an experiment runs: whoever moves users between variants takes away what it compares.

use super::findings::Verdict;
use super::running::Experiment;
use crate::model::Serving;

/// Why the flag of an experiment cannot be released like this now; `None` where it can. A kill always can: that ends the
/// experiment. So can anything once it has come to something.
pub fn frozen(experiment: &Experiment, before: &Serving, after: &Serving) -> Option<String> {
    let ends = matches!(after, Serving::Killed(_));
    if ends || before == after || !experiment.is_running() || experiment.verdict() != Verdict::Running {
        return None;
    }
    Some(format!(
        "an experiment on `{}` runs: {} of {} users are counted, and a release would move users between variants",
        experiment.key.flag,
        experiment.counted(),
        experiment.design.users
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Design;
    use crate::experiment::running::End;
    use crate::experiment::split::Drawn;
    use crate::experiment::{ExperimentKey, Metric};
    use crate::time::Millis;

    fn experiment() -> Experiment {
        let drawn = |variant: &str| Drawn { variant: variant.to_owned(), weight: 1 };
        let design = Design {
            version: 1,
            drawn: vec![drawn("off"), drawn("on")],
            metrics: vec![Metric { name: "bought".to_owned(), limit: 1.0, more: true }],
            users: 1_000,
            alpha: 0.05,
            within: Millis::seconds(1),
            worth: None,
            rule: serde_json::Value::Null,
        };
        let key = ExperimentKey {
            app: "shop".parse().unwrap(),
            environment: "production".parse().unwrap(),
            flag: "cart".parse().unwrap(),
        };
        Experiment::begin(1, key, design, 0)
    }

    #[test]
    fn only_a_kill_moves_users_while_it_runs() {
        let mut experiment = experiment();
        let (defined, on) = (Serving::Defined, Serving::Variant("on".to_owned()));
        assert!(frozen(&experiment, &defined, &on).unwrap().contains("0 of 1000 users"));
        assert_eq!(frozen(&experiment, &defined, &defined), None);
        assert_eq!(frozen(&experiment, &defined, &Serving::Killed("off".to_owned())), None);
        for _ in 0..200 {
            experiment.on_seen(0, 5);
        }
        assert_eq!(frozen(&experiment, &defined, &on), None, "its figures say nothing any more");
    }

    #[test]
    fn one_that_is_over_holds_nothing() {
        let mut experiment = experiment();
        experiment.end = Some(End { at_unix_ms: 1, by: "ann".to_owned(), why: None });
        assert_eq!(frozen(&experiment, &Serving::Defined, &Serving::Variant("on".to_owned())), None);
    }
}
