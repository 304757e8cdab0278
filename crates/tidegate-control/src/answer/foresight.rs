//! What the judge will need at each step of a planned rollout, by the traffic that was recorded: requests, time, and whether a
//! step is too short to decide anything.

use tidegate_core::judge::words::{percent, span};
use tidegate_core::judge::{Forecast, Policy, Scene, Window};
use tidegate_core::judgement::{policy_of, policy_of_answers};
use tidegate_core::model::{Step, Strategy};
use tidegate_core::rollout::stage::Stage;
use tidegate_core::time::Millis;
use tidegate_core::view::PlannedTraffic;

/// Candidates as bad as this are looked for, mildest first.
const FAULTS: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/// Answers of which so many differ are looked for.
const DIFFERING: f64 = 0.1;
/// With less than this nothing is known of a service's traffic.
const FEWEST_SECONDS: u64 = 10;

/// What can be said beforehand of a rollout by this strategy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foresight<'a> {
    /// The strategy really used.
    pub(super) strategy: &'a Strategy,
    /// `None`: how much traffic there is, is not known.
    pub(super) traffic: Option<PlannedTraffic>,
}

/// What is said of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// What it will find, or take.
    pub(super) sentence: Option<String>,
    /// Why it will decide nothing.
    pub(super) warning: Option<String>,
}

/// Traffic as it was recorded, second by second; seconds without a request are missing.
pub(super) fn traffic_of(windows: &[Window]) -> Option<PlannedTraffic> {
    let (first, last) = (windows.first()?.second, windows.last()?.second);
    let seconds = last.saturating_sub(first) + 1;
    if seconds < FEWEST_SECONDS {
        return None;
    }
    let sum = |of: fn(&Window) -> u64| windows.iter().map(of).sum::<u64>();
    let (requests, bad) = (sum(|window| window.stable.n), sum(|window| window.stable.bad));
    let rps = requests as f64 / seconds as f64;
    (requests > 0).then(|| PlannedTraffic { rps, bad_share: bad as f64 / requests as f64, seconds })
}

impl Foresight<'_> {
    /// `time`: how long the candidate has had its share, or its copies, when the step is over.
    pub(super) fn of_step(&self, step: &Step, stage: &Stage, time: Millis) -> Needs {
        let Some(traffic) = self.traffic else { return Needs::default() };
        let seconds = time.0 / 1_000;
        match step {
            Step::Weight { percent, .. } if seconds > 0 => self.of_share(&traffic, *percent, seconds, step),
            Step::Analyse { .. } => match (stage.mirror, stage.percent) {
                (Some(mirror), _) => self.of_answers(&traffic, mirror, seconds, step),
                // How many requests a group of users has is not known.
                (None, 0) => Needs::default(),
                (None, percent) => self.of_analysis(&traffic, percent, seconds, step),
            },
            Step::Weight { .. }
            | Step::Audience { .. }
            | Step::Mirror { .. }
            | Step::Scale(_)
            | Step::Pause { .. }
            | Step::Approve
            | Step::Check { .. } => Needs::default(),
        }
    }

    /// What a share of the requests shows within a time.
    fn of_share(&self, traffic: &PlannedTraffic, share: u32, seconds: u64, step: &Step) -> Needs {
        let look = Look { policy: policy_of(self.strategy), traffic, share };
        let mildest =
            FAULTS.into_iter().find(|bad| look.finds(*bad).is_some_and(|(_, took)| took <= seconds));
        let Some(mildest) = mildest else {
            let worst = look.finds(FAULTS[FAULTS.len() - 1]);
            let takes = worst.map(|(requests, took)| takes(requests, took)).unwrap_or_default();
            let warning = format!(
                "`{step}` is too short to decide anything at {}: even a candidate that fails half of its requests shows \
                 only after {takes}",
                rate(traffic.rps)
            );
            return Needs { sentence: None, warning: Some(warning) };
        };
        let shows = format!("errors of {} or more show in that time", percent(mildest));
        let sentence = match look.doubling() {
            Some((doubled, requests, took)) => {
                let also = if took > seconds { format!(", {shows}") } else { String::new() };
                format!(
                    "errors of {} instead of {} take {}{also}",
                    percent(doubled),
                    percent(traffic.bad_share),
                    takes(requests, took)
                )
            }
            None => shows,
        };
        Needs { sentence: Some(sentence), warning: None }
    }

    /// What an analysis takes that goes on until a good candidate is known to be good.
    fn of_analysis(&self, traffic: &PlannedTraffic, share: u32, seconds: u64, step: &Step) -> Needs {
        let look = Look { policy: policy_of(self.strategy), traffic, share };
        let found = self.of_share(traffic, share, seconds, step);
        let good = look.promotion();
        let good_takes = good
            .map(|(requests, took)| format!("a good candidate is promoted after {}", takes(requests, took)));
        let late = good.is_none_or(|(_, took)| took > seconds);
        let inconclusive = late.then(|| too_late(step, traffic, good_takes.as_deref()));
        let sentence = [found.sentence, good_takes].into_iter().flatten().collect::<Vec<_>>().join("; ");
        Needs {
            sentence: Some(sentence).filter(|text| !text.is_empty()),
            warning: found.warning.or(inconclusive),
        }
    }

    /// What comparing answers takes, where none differ by themselves.
    fn of_answers(&self, traffic: &PlannedTraffic, mirror: u32, seconds: u64, step: &Step) -> Needs {
        let Some(policy) = policy_of_answers(self.strategy) else { return Needs::default() };
        // Each copy is compared beside an answer of stable's own.
        let rps = traffic.rps * f64::from(mirror) / 50.0;
        let scene = Scene { rps, share: 0.5, base: 0.0, bad: DIFFERING.max(policy.floor * 2.0) };
        let forecast = Forecast::of(&policy, &scene);
        let good = forecast.promotion.map(|wait| (wait.candidate_requests, wait.seconds));
        let good_takes = good.map(|(requests, took)| {
            format!("one that answers alike is promoted after {}", takes(requests, took))
        });
        let found = forecast.detection.map(|wait| {
            format!(
                "answers of which {} differ take {}",
                percent(scene.bad),
                takes(wait.candidate_requests, wait.seconds)
            )
        });
        let late = good.is_none_or(|(_, took)| took > seconds);
        let warning = late.then(|| too_late(step, traffic, good_takes.as_deref()));
        let sentence = [found, good_takes].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let sentence = Some(sentence).filter(|text| !text.is_empty());
        Needs { sentence: sentence.map(|text| format!("{text}, where all requests may be copied")), warning }
    }
}

/// A share of the requests, and who judges it.
struct Look<'a> {
    policy: Policy,
    traffic: &'a PlannedTraffic,
    share: u32,
}

impl Look<'_> {
    fn forecast(&self, bad: f64) -> Forecast {
        let PlannedTraffic { rps, bad_share: base, .. } = *self.traffic;
        Forecast::of(&self.policy, &Scene { rps, share: f64::from(self.share) / 100.0, base, bad })
    }

    /// Requests to the candidate and seconds until it is found.
    fn finds(&self, bad: f64) -> Option<(u64, u64)> {
        self.forecast(bad).detection.map(|wait| (wait.candidate_requests, wait.seconds))
    }

    /// Errors twice as frequent as stable's, where that matters at all.
    fn doubling(&self) -> Option<(f64, u64, u64)> {
        let doubled = (self.traffic.bad_share * 2.0).min(1.0);
        self.finds(doubled).map(|(requests, took)| (doubled, requests, took))
    }

    fn promotion(&self) -> Option<(u64, u64)> {
        self.forecast(0.5).promotion.map(|wait| (wait.candidate_requests, wait.seconds))
    }
}

fn too_late(step: &Step, traffic: &PlannedTraffic, good: Option<&str>) -> String {
    let why = good.unwrap_or("a good candidate cannot be told from a bad one");
    format!("`{step}` will most likely be inconclusive at {}: {why}", rate(traffic.rps))
}

/// `about 716 requests to it, 8 min`.
fn takes(requests: u64, seconds: u64) -> String {
    format!("about {} ({requests} requests to it)", span(seconds))
}

/// `12 requests/s`.
pub(super) fn rate(rps: f64) -> String {
    let digits = if rps >= 10.0 {
        0
    } else if rps >= 1.0 {
        1
    } else {
        2
    };
    format!("{rps:.digits$} requests/s")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::judge::Tally;
    use tidegate_core::model::{Millionths, StrategyKind};

    fn traffic(rps: f64, bad_share: f64) -> Option<PlannedTraffic> {
        Some(PlannedTraffic { rps, bad_share, seconds: 3_600 })
    }

    fn needs(strategy: &Strategy, step: u32, traffic: Option<PlannedTraffic>) -> Needs {
        let steps = &strategy.steps;
        let (step, stage) = (&steps[step as usize], Stage::at(strategy, step));
        Foresight { strategy, traffic }.of_step(step, &stage, step.lasts().unwrap())
    }

    fn canary() -> Strategy {
        Strategy { steps: Strategy::default_steps(true), ..Strategy::new(StrategyKind::Canary) }
    }

    #[test]
    fn a_step_says_what_it_will_find_and_what_a_doubling_takes() {
        let first = needs(&canary(), 0, traffic(1_000.0, 0.005));
        assert_eq!(first.warning, None);
        let said = first.sentence.unwrap();
        assert!(said.starts_with("errors of 1 % instead of 0.5 % take about "), "{said}");
        assert!(said.ends_with("errors of 2 % or more show in that time"), "{said}");
        let clean = needs(&canary(), 0, traffic(1_000.0, 0.0)).sentence.unwrap();
        assert_eq!(clean, "errors of 0.1 % or more show in that time");
    }

    #[test]
    fn a_step_too_short_for_its_traffic_is_warned_of() {
        let first = needs(&canary(), 0, traffic(0.2, 0.001));
        assert_eq!(first.sentence, None);
        let warning = first.warning.unwrap();
        assert!(
            warning.starts_with("`5% for 1m` is too short to decide anything at 0.20 requests/s"),
            "{warning}"
        );
        let analysis = needs(&canary(), 1, traffic(12.0, 0.001));
        let warning = analysis.warning.unwrap();
        assert!(warning.contains("will most likely be inconclusive at 12 requests/s"), "{warning}");
        assert_eq!(needs(&canary(), 1, traffic(1_000.0, 0.001)).warning, None);
    }

    #[test]
    fn comparing_answers_takes_fewer_requests() {
        let steps = vec![
            Step::Mirror { percent: 100, hold: Millis::seconds(60) },
            Step::Analyse { max: Millis::seconds(600) },
        ];
        let mut strategy = Strategy { steps, ..Strategy::new(StrategyKind::ParallelRun) };
        strategy.judge.max_differing = Some(Millionths(10_000));
        let compared = needs(&strategy, 1, traffic(10.0, 0.5));
        assert_eq!(compared.warning, None);
        assert!(compared.sentence.unwrap().contains("one that answers alike is promoted after about 59 s"));
        assert!(needs(&strategy, 1, traffic(0.1, 0.0)).warning.is_some());
        assert_eq!(needs(&strategy, 0, traffic(10.0, 0.0)), Needs::default());
    }

    #[test]
    fn without_traffic_nothing_is_foretold() {
        assert_eq!(needs(&canary(), 0, None), Needs::default());
        let window = |second| Window { second, stable: Tally::of(50, 1), ..Window::default() };
        assert_eq!(traffic_of(&[]), None);
        assert_eq!(traffic_of(&[window(1), window(5)]), None, "too short a look");
        let seen = traffic_of(&[window(1), window(100)]).unwrap();
        assert_eq!((seen.rps, seen.bad_share, seen.seconds), (1.0, 0.02, 100));
    }
}
