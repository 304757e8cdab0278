//! The steps of a planned rollout as they will really happen, in words: for `tidegate plan`.

use tidegate_core::model::{Effective, Inconclusive, ServiceSpec, Step, Strategy, StrategyKind};
use tidegate_core::rollout::shape::keeps_stable_warm;
use tidegate_core::rollout::stage::Stage;
use tidegate_core::time::Millis;
use tidegate_core::view::PlannedTraffic;

use super::foresight::{Foresight, Needs};
use super::planned_checks;

/// What a rollout begins and ends with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned<'a> {
    /// The strategy really used.
    pub(super) effective: &'a Effective,
    /// Instances that serve now.
    pub(super) from: u32,
    /// Instances in the end.
    pub(super) to: u32,
    /// The service as the candidate has it.
    pub(super) spec: Option<&'a ServiceSpec>,
    /// What the service answered lately.
    pub(super) traffic: Option<PlannedTraffic>,
}

/// The steps as they will happen, and why some of them will decide nothing into `warnings`.
pub(super) fn steps(planned: &Planned<'_>, warnings: &mut Vec<String>) -> Vec<String> {
    let Planned { effective, from, to, .. } = *planned;
    if to == 0 {
        let line = "start 1 without requests until it is ready, and stop it again: nothing runs just now";
        return vec![line.to_owned()];
    }
    if from == 0 {
        return vec![format!("start {to}; each takes requests as soon as it is ready")];
    }
    let strategy = &effective.strategy;
    let mut steps =
        if strategy.steps.is_empty() { at_once(strategy, from, to) } else { by_steps(planned, warnings) };
    let bake = strategy.bake;
    if keeps_stable_warm(strategy.kind) {
        steps.push(format!("watch for {bake} with the stable revision warm, then drain and stop it"));
    } else {
        steps.push(format!("watch for {bake}; going back means starting the stable revision again"));
    }
    steps.extend(planned_checks::guards(strategy));
    if !strategy.steps.is_empty() {
        steps.push(time(strategy));
    }
    steps
}

fn at_once(strategy: &Strategy, from: u32, to: u32) -> Vec<String> {
    let batch = strategy.batch;
    match strategy.kind {
        StrategyKind::Immutable => vec![
            "start 1 beside those that serve; it takes its share when ready".to_owned(),
            format!("start {} more, each takes its share when ready", to.saturating_sub(1)),
        ],
        StrategyKind::BlueGreen => vec![
            format!("start {to} beside the {from} that serve, without requests"),
            "swap all requests at once".to_owned(),
        ],
        StrategyKind::Rolling => vec![format!(
            "replace {batch} at a time: drain, stop, start, wait until ready; never more than {} run",
            from.max(to)
        )],
        StrategyKind::RollingWithExtraBatch => vec![format!(
            "start {batch} more, then replace {batch} at a time; never fewer than {from} take requests"
        )],
        StrategyKind::AllAtOnce
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => vec![format!(
            "start {to} beside the {from} that serve; each takes requests as soon as it is ready"
        )],
    }
}

fn by_steps(planned: &Planned<'_>, warnings: &mut Vec<String>) -> Vec<String> {
    let strategy = &planned.effective.strategy;
    let takes_requests = planned.spec.is_none_or(ServiceSpec::has_port);
    let foresight = Foresight { strategy, traffic: planned.traffic.filter(|_| takes_requests) };
    let mut have = 0;
    let mut spell = Spell::default();
    let mut lines = Vec::new();
    for (index, step) in strategy.steps.iter().enumerate() {
        let stage = Stage::at(strategy, u32::try_from(index).unwrap_or(u32::MAX));
        let wanted = stage.candidates(planned.to, takes_requests);
        let instances = if wanted == have { String::new() } else { format!(", by {wanted} instances") };
        have = wanted;
        let line = in_words(step, strategy.inconclusive, planned, wanted);
        let Needs { sentence, warning } = foresight.of_step(step, &stage, spell.with(step, &stage));
        warnings.extend(warning);
        let needs = sentence.map(|needs| format!("; {needs}")).unwrap_or_default();
        lines.push(format!("{line}{instances}{needs}"));
    }
    let all = if have == planned.to { "have" } else { "start the rest and have" };
    lines.push(match takes_requests {
        true => format!("{all} all {} ready, then give them all requests at once", planned.to),
        false => format!("{all} all {} ready, then stop those of stable", planned.to),
    });
    lines
}

/// How long the candidate has had the same share and the same copies: the judge knows no steps.
#[derive(Debug, Default)]
struct Spell {
    share: (u32, Option<u32>),
    time: Millis,
}

impl Spell {
    /// Until this step is over.
    fn with(&mut self, step: &Step, stage: &Stage) -> Millis {
        let share = (stage.percent, stage.mirror);
        if share != self.share {
            *self = Spell { share, time: Millis::ZERO };
        }
        self.time = Millis(self.time.0 + step.lasts().unwrap_or_default().0);
        self.time
    }
}

fn in_words(step: &Step, inconclusive: Inconclusive, planned: &Planned<'_>, wanted: u32) -> String {
    match step {
        Step::Weight { percent, hold } if planned.spec.is_some_and(|spec| !spec.has_port()) => {
            let others = planned.from.saturating_sub(wanted).max(1);
            format!("{percent}%: {wanted} candidate instances beside {others} of stable{}", lasting(*hold))
        }
        Step::Weight { percent, hold } => {
            format!("{percent}% of requests go to the candidate{}", lasting(*hold))
        }
        Step::Audience { who, hold } => {
            format!("requests of {} go to the candidate{}", who.label, lasting(*hold))
        }
        Step::Mirror { percent, hold } => {
            format!("the candidate gets copies of {percent}% of requests{}", lasting(*hold))
        }
        Step::Scale(_) => "more candidate instances".to_owned(),
        Step::Pause { hold: None } => "wait for `tidegate rollout resume`".to_owned(),
        Step::Pause { hold: Some(hold) } => format!("wait for {hold}, or `tidegate rollout resume`"),
        Step::Approve => "wait for a person's approval: `tidegate rollout resume`".to_owned(),
        Step::Analyse { max } => {
            format!("compare with stable until decided; after {max} undecided: {}", then(inconclusive))
        }
        Step::Check { name, hold, max } => planned_checks::step(
            (name, planned.effective.strategy.checks.get(name)),
            *hold,
            &format!("after {max} undecided: {}", then(inconclusive)),
        ),
    }
}

fn lasting(hold: Millis) -> String {
    if hold == Millis::ZERO { String::new() } else { format!(" for {hold}") }
}

fn then(inconclusive: Inconclusive) -> &'static str {
    match inconclusive {
        Inconclusive::Hold => "wait for a person",
        Inconclusive::Abort => "take it back",
        Inconclusive::Promote => "go on",
    }
}

/// How long all of it takes, besides the time instances need to start.
fn time(strategy: &Strategy) -> String {
    let known = |step: &Step| match step {
        Step::Analyse { .. } | Step::Check { .. } => None,
        Step::Weight { .. }
        | Step::Audience { .. }
        | Step::Mirror { .. }
        | Step::Scale(_)
        | Step::Pause { .. }
        | Step::Approve => step.lasts(),
    };
    let sum = |of: &dyn Fn(&Step) -> Option<Millis>| {
        strategy.steps.iter().filter_map(of).map(|span| span.0).sum::<u64>() + strategy.bake.0
    };
    let (least, most) = (sum(&known), sum(&Step::lasts));
    let decided = if most > least { format!(", {} at most", rounded(most)) } else { String::new() };
    let waits = strategy.steps.iter().any(|step| step.lasts().is_none());
    let person = if waits { ", and as long as people take" } else { "" };
    format!("in all {}{decided}{person}, besides starting instances", rounded(least))
}

fn rounded(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    match minutes {
        0..=2 => Millis(ms).to_string(),
        3..=179 => format!("{minutes}m"),
        180..=2_879 => format!("{}h", minutes.div_ceil(60)),
        _ => format!("{}d", minutes.div_ceil(1_440)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{CheckSource, CheckSpec, Figure, Unreachable};

    fn planned(kind: StrategyKind, steps: Vec<Step>) -> Effective {
        let strategy = Strategy { steps, ..Strategy::new(kind) };
        Effective { strategy, why: None, zero_downtime: true }
    }

    #[test]
    fn the_usual_canary_in_words() {
        let effective = planned(StrategyKind::Canary, Strategy::default_steps(true));
        let traffic = Some(PlannedTraffic { rps: 1_000.0, bad_share: 0.001, seconds: 600 });
        let planned = Planned { effective: &effective, from: 10, to: 10, spec: None, traffic };
        let mut warnings = Vec::new();
        let said = steps(&planned, &mut warnings);
        assert_eq!(warnings, [""; 0]);
        let doubled = "errors of 0.2 % instead of 0.1 % take about";
        assert_eq!(
            said,
            [
                format!(
                    "5% of requests go to the candidate for 1m, by 2 instances; {doubled} 15 min (45849 requests to it), \
                     errors of 0.5 % or more show in that time"
                ),
                format!(
                    "compare with stable until decided; after 30m undecided: wait for a person; {doubled} 15 min (45849 \
                     requests to it); a good candidate is promoted after about 4 min (10972 requests to it)"
                ),
                format!(
                    "25% of requests go to the candidate for 2m, by 3 instances; {doubled} 4 min (65573 requests to it), \
                     errors of 0.5 % or more show in that time"
                ),
                format!(
                    "50% of requests go to the candidate for 2m, by 5 instances; {doubled} 4 min (114619 requests to it), \
                     errors of 0.5 % or more show in that time"
                ),
                "start the rest and have all 10 ready, then give them all requests at once".to_owned(),
                "watch for 30s with the stable revision warm, then drain and stop it".to_owned(),
                "in all 6m, 36m at most, besides starting instances".to_owned(),
            ]
        );
        let unknown = steps(&Planned { traffic: None, ..planned }, &mut warnings);
        assert_eq!(unknown[1], "compare with stable until decided; after 30m undecided: wait for a person");
    }

    #[test]
    fn checks_in_words() {
        let smoke = CheckSpec {
            source: CheckSource::Http {
                url: "http://{address}/ok?key=s3cret".into(),
                expect: None,
                token: None,
            },
            min: None,
            max: None,
            every: CheckSpec::EVERY,
            timeout: CheckSpec::TIMEOUT,
            failures: 2,
            unreachable: Unreachable::Hold,
            guard: false,
        };
        let query =
            CheckSource::Prometheus { url: "http://m:9090".into(), query: "up\n * 1".into(), token: None };
        let errors = CheckSpec { source: query, max: Figure::new(0.01), guard: true, ..smoke.clone() };
        let name = "smoke".to_owned();
        let step = Step::Check { name: name.clone(), hold: Millis::seconds(60), max: Millis::seconds(600) };
        let mut effective = planned(StrategyKind::Canary, vec![step]);
        effective.strategy.checks = [(name, smoke), ("errors".to_owned(), errors)].into();
        let planned = Planned { effective: &effective, from: 1, to: 1, spec: None, traffic: None };
        let lines = steps(&planned, &mut Vec::new());
        assert_eq!(
            lines[0],
            "until the check `smoke` passes for 1m: GET http://{address}/ok every 10s is to give status 200 to 299; 2 bad \
             answers in a row take it back; without an answer it waits; after 10m undecided: wait for a person, by 1 instances"
        );
        assert_eq!(
            lines[3],
            "from the candidate's first request to the end, the check `errors`: `up * 1` of http://m:9090 every 10s is to give at \
             most 0.01; 2 bad answers in a row take it back; without an answer it waits"
        );
        assert_eq!(lines[4], "in all 30s, 11m at most, besides starting instances");
    }

    #[test]
    fn people_take_their_time() {
        let effective = planned(StrategyKind::Canary, vec![Step::Approve]);
        let planned = Planned { effective: &effective, from: 1, to: 1, spec: None, traffic: None };
        let last = steps(&planned, &mut Vec::new()).pop().unwrap();
        assert_eq!(last, "in all 30s, and as long as people take, besides starting instances");
    }
}
