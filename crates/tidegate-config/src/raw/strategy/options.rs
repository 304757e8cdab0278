//! What can be said of a strategy besides its name, and which option belongs to which.

use tidegate_core::model::{
    Inconclusive, JudgeOptions, Millionths, Step, Sticky, Strategy, StrategyKind as Kind,
};
use tidegate_core::time::Millis;

use super::check::{self, RawCheck};
use super::compare::{RawCompare, copies_of};
use super::map::Hold;
use super::outcomes::{RawOutcome, outcomes_of};
use super::step::{self, Cohorts, Known, RawSteps};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::list;
use crate::raw::choice::{Choice, Word};
use crate::raw::decimal::{Factor, Share};
use crate::raw::field::Field;
use crate::raw::flag::Flag;
use crate::raw::list::Named;
use crate::raw::percent::Percent;
use crate::raw::record::record;
use crate::raw::text::Text;
use crate::raw::time::{DAY, Lasting, SECOND};
use crate::raw::traffic::{RawCohort, RawSticky, cohort_of};
use crate::raw::whole::Whole;
use crate::span::Span;

record! { replaced
    /// Options of a strategy.
    #[schemars(rename = "StrategyOptions")]
    RawOptions is "a strategy" {
        /// How many instances move at a time, for the rolling strategies. Default 1.
        batch: Whole<1, 100>,
        /// How long the candidate is watched once it has all the traffic, stable kept warm where the strategy allows.
        /// Default 30s.
        bake: Lasting<0, DAY>,
        /// Longest time without progress before the rollout is aborted. A step that is in force has a time of its own.
        /// Default 10m.
        deadline: Lasting<SECOND, DAY>,
        /// What comes before the candidate gets all the traffic (canary). Default: 5% for 1m, analyse until decided (max
        /// 30m), 25% for 2m, 50% for 2m.
        steps: RawSteps,
        /// The groups of users that get the candidate one after another (phased).
        waves: RawSteps,
        /// How long a wave without a time of its own lasts (phased). Default 10m.
        each: Hold,
        /// The candidate's share of the clients (a-b). Default 50%.
        share: Percent<1>,
        /// How long both revisions serve side by side (a-b, default 7d), or how long copies are sent at least (parallel-run,
        /// default 10m).
        r#for: Hold,
        /// What keeps a client on its arm (a-b). Default `cookie`.
        sticky: RawSticky,
        /// What is counted of the users of both sides (a-b): names, and answers like `POST /checkout 2xx` or `GET /search/* 2xx
        /// under 300ms`. Errors (`* /* 5xx`) always are.
        outcomes: Named<Text<RawOutcome>>,
        /// The share of requests that are copied (parallel-run). Default 100%.
        mirror: Percent<1>,
        /// Most copies that may be answered differently, over what stable itself answers differently when it is asked twice
        /// (parallel-run, default 1%; canary with `mirror` steps, where answers are judged only if this is said).
        max_differing: Share<1, 500_000>,
        /// Whether requests that can change something are copied too (parallel-run, canary). Default: GET, HEAD and OPTIONS
        /// only.
        unsafe_methods: Flag,
        /// What of the answers to copies is compared (parallel-run, canary).
        compare: RawCompare,
        /// The longest time to decide (parallel-run). Default 1h.
        max: Hold,
        /// Whose requests reach the candidate (parallel-adoption): steps like `header x-new=1` and `cookie new=1`.
        users: RawSteps,
        /// Groups of clients by name, for steps like `cohort staff`.
        cohorts: Named<RawCohort>,
        /// What else is asked about the candidate, by name: at the steps that name it (`check smoke`), otherwise over the whole
        /// rollout.
        checks: Named<RawCheck>,
        /// What happens where an analysis or a check decides nothing in its time: `hold` (default), `abort` or `promote`.
        inconclusive: Word<Inconclusive>,
        /// What is asked of the judge.
        judge: RawJudge,
        /// How long instances of a candidate that was taken back are kept, out of rotation, to be looked at. Default: they
        /// are stopped.
        keep_failed: Lasting<0, DAY>,
    }
}

record! { replaced
    /// What is asked of the judge.
    #[schemars(rename = "Judge")]
    RawJudge is "`judge`" {
        /// Most healthy candidates taken back. Default 1%.
        alpha: Share<1, 500_000>,
        /// Most candidates promoted that are `rho_m` times worse. Default 5%.
        beta: Share<1, 500_000>,
        /// How many times stable's share of bad answers is still as good. Default 1.25.
        rho0: Factor<1_000_000, 100_000_000>,
        /// How many times worse a candidate must be shown not to be. Default 2.
        rho_m: Factor<1_000_000, 100_000_000>,
        /// An excess of bad answers below this is nothing. Default 0.05%.
        floor: Share<0, 1_000_000>,
    }
}

impl Choice for Inconclusive {
    const WHAT: &'static str = "what inconclusive means";
    const ALL: &'static [(&'static str, Self)] =
        &[("hold", Inconclusive::Hold), ("abort", Inconclusive::Abort), ("promote", Inconclusive::Promote)];
}

const EACH: Millis = Millis::seconds(600);
const AB_FOR: Millis = Millis(7 * DAY);
const COPIES_FOR: Millis = Millis::seconds(600);
const COPIES_MAX: Millis = Millis::seconds(3_600);
const DIFFERING: Millionths = Millionths(10_000);

/// The strategy with these options. A canary's usual steps are filled in later: they depend on the service.
pub(super) fn compile(kind: Kind, at: Span, options: &RawOptions, findings: &mut Findings<'_>) -> Strategy {
    check_meaning(kind, options, findings);
    let plain = Strategy::new(kind);
    let mut judge = judge_of(options.judge.value());
    let said = options.max_differing.value().map(|share| share.0);
    judge.max_differing = if kind == Kind::ParallelRun { said.or(Some(DIFFERING)) } else { said };
    let steps = steps_of(kind, at, options, findings);
    Strategy {
        kind,
        checks: check::compile(&options.checks, &steps, findings),
        batch: options.batch.value().map_or(plain.batch, |batch| batch.0),
        bake: options.bake.value().map_or(plain.bake, |bake| bake.0),
        deadline: options.deadline.value().map_or(plain.deadline, |deadline| deadline.0),
        steps,
        inconclusive: options.inconclusive.value().map(|word| word.0).unwrap_or_default(),
        judge,
        keep_failed: options.keep_failed.value().map(|keep| keep.0).unwrap_or_default(),
        sticky: (kind == Kind::AB).then(|| sticky_of(options)),
        copies: copies_of(options, findings),
        outcomes: if kind == Kind::AB { outcomes_of(options, findings) } else { Vec::new() },
    }
}

fn steps_of(kind: Kind, at: Span, options: &RawOptions, findings: &mut Findings<'_>) -> Vec<Step> {
    let known = Known { cohorts: cohorts_of(options, findings), checks: check::names(&options.checks) };
    match kind {
        Kind::AllAtOnce | Kind::Rolling | Kind::RollingWithExtraBatch | Kind::Immutable | Kind::BlueGreen => {
            Vec::new()
        }
        Kind::Canary => {
            options.steps.get().map(|steps| step::compile(steps, &known, findings)).unwrap_or_default()
        }
        Kind::Phased => waves(at, options, &known, findings),
        Kind::AB => {
            let percent = options.share.value().map_or(50, |share| share.0);
            if percent == 100 {
                findings.push(whole_share(options));
            }
            let hold = options.r#for.value().map_or(AB_FOR, |hold| hold.0);
            vec![Step::Weight { percent, hold }, Step::Pause { hold: None }]
        }
        Kind::ParallelRun => {
            let percent = options.mirror.value().map_or(100, |share| share.0);
            let hold = options.r#for.value().map_or(COPIES_FOR, |hold| hold.0);
            let max = options.max.value().map_or(COPIES_MAX, |max| max.0);
            vec![Step::Mirror { percent, hold }, Step::Analyse { max }]
        }
        Kind::ParallelAdoption => adopters(at, options, &known, findings),
    }
}

fn waves(at: Span, options: &RawOptions, known: &Known, findings: &mut Findings<'_>) -> Vec<Step> {
    let Some(waves) = options.waves.get() else {
        if options.waves.is_absent() {
            let help = "write the groups in order: `waves: [cohort staff for 1h, \"country NZ, AU then EU for 2h\"]`";
            findings.push(missing("phased", "waves", at).help(help));
        }
        return Vec::new();
    };
    let each = options.each.value().map_or(EACH, |each| each.0);
    let mut steps = step::compile(waves, known, findings);
    for step in &mut steps {
        if let Step::Weight { hold, .. } | Step::Audience { hold, .. } = step
            && *hold == Millis::ZERO
        {
            *hold = each;
        }
    }
    steps
}

fn adopters(at: Span, options: &RawOptions, known: &Known, findings: &mut Findings<'_>) -> Vec<Step> {
    let Some(users) = options.users.get() else {
        if options.users.is_absent() {
            let help = "say how users choose: `users: [header x-new=1, cookie new=1]`";
            findings.push(missing("parallel-adoption", "users", at).help(help));
        }
        return Vec::new();
    };
    let mut steps = step::compile(users, known, findings);
    if steps.iter().any(|step| !matches!(step, Step::Audience { .. })) {
        findings.push(
            Diagnostic::error(
                codes::STRATEGY_OPTION,
                "`users` says who reaches the candidate, and nothing else",
            )
            .at(users.span, "")
            .help("it has `header`, `cookie`, `cohort` and `country`; for shares choose `canary` or `a-b`"),
        );
    }
    steps.push(Step::Pause { hold: None });
    steps
}

fn missing(kind: &str, option: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::MISSING_KEY, format!("the strategy `{kind}` has no `{option}`"))
        .at(at, format!("`{option}` is missing"))
}

fn whole_share(options: &RawOptions) -> Diagnostic {
    let at = options.share.get().map(|share| share.span).unwrap_or_default();
    Diagnostic::error(codes::OUT_OF_RANGE, "`share` leaves nothing to stable")
        .at(at, "out of range")
        .help("write 1% to 99%")
}

fn sticky_of(options: &RawOptions) -> Sticky {
    let lasts = options.r#for.value().map_or(AB_FOR, |hold| hold.0);
    options.sticky.value().map_or(Sticky::Cookie { max_age: lasts }, |sticky| sticky.0.clone())
}

fn cohorts_of(options: &RawOptions, findings: &mut Findings<'_>) -> Cohorts {
    let named = options.cohorts.value().map_or(&[][..], |named| &named.0);
    let mut cohorts = Cohorts::new();
    for entry in named {
        let members = entry.value.get().and_then(|cohort| cohort_of(&cohort.value, cohort.key, findings));
        // A broken one was reported; what names it is not wrong as well.
        let members = members.unwrap_or(tidegate_core::model::Match::Path(String::new()));
        cohorts.insert(entry.name.to_string(), members);
    }
    cohorts
}

fn judge_of(raw: Option<&RawJudge>) -> JudgeOptions {
    let plain = JudgeOptions::default();
    let Some(raw) = raw else { return plain };
    JudgeOptions {
        alpha: raw.alpha.value().map_or(plain.alpha, |share| share.0),
        beta: raw.beta.value().map_or(plain.beta, |share| share.0),
        rho0: raw.rho0.value().map_or(plain.rho0, |factor| factor.0),
        rho_m: raw.rho_m.value().map_or(plain.rho_m, |factor| factor.0),
        floor: raw.floor.value().map_or(plain.floor, |share| share.0),
        max_differing: None,
        // An environment says so, for all of its services.
        carries_from: None,
    }
}

const ROLLING: &[Kind] = &[Kind::Rolling, Kind::RollingWithExtraBatch];
const COPYING: &[Kind] = &[Kind::Canary, Kind::ParallelRun];
const BY_STEPS: &[Kind] = &[Kind::Canary, Kind::Phased, Kind::AB, Kind::ParallelRun, Kind::ParallelAdoption];

/// Reports options that belong to other strategies.
fn check_meaning(kind: Kind, options: &RawOptions, findings: &mut Findings<'_>) {
    let meant: [(&str, Option<Span>, &[Kind]); 17] = [
        ("batch", key_of(&options.batch), ROLLING),
        ("steps", key_of(&options.steps), &[Kind::Canary]),
        ("waves", key_of(&options.waves), &[Kind::Phased]),
        ("each", key_of(&options.each), &[Kind::Phased]),
        ("share", key_of(&options.share), &[Kind::AB]),
        ("for", key_of(&options.r#for), &[Kind::AB, Kind::ParallelRun]),
        ("sticky", key_of(&options.sticky), &[Kind::AB]),
        ("outcomes", key_of(&options.outcomes), &[Kind::AB]),
        ("mirror", key_of(&options.mirror), &[Kind::ParallelRun]),
        ("max_differing", key_of(&options.max_differing), COPYING),
        ("unsafe_methods", key_of(&options.unsafe_methods), COPYING),
        ("compare", key_of(&options.compare), COPYING),
        ("max", key_of(&options.max), &[Kind::ParallelRun]),
        ("users", key_of(&options.users), &[Kind::ParallelAdoption]),
        ("cohorts", key_of(&options.cohorts), &[Kind::Canary, Kind::Phased, Kind::ParallelAdoption]),
        ("inconclusive", key_of(&options.inconclusive), BY_STEPS),
        ("judge", key_of(&options.judge), BY_STEPS),
    ];
    for (option, span, kinds) in meant {
        if let Some(span) = span.filter(|_| !kinds.contains(&kind)) {
            findings.push(without_meaning(kind, option, kinds, span));
        }
    }
}

fn key_of<T>(field: &Field<T>) -> Option<Span> {
    field.get().map(|value| value.key)
}

fn without_meaning(kind: Kind, option: &str, kinds: &[Kind], span: Span) -> Diagnostic {
    let owners = list(kinds.iter().map(|kind| kind.as_str()));
    Diagnostic::error(codes::STRATEGY_OPTION, format!("`{option}` has no meaning for the strategy `{kind}`"))
        .at(span, "")
        .help(format!(
            "it belongs to {owners}: remove it or choose {}",
            if kinds.len() == 1 { "that" } else { "one of them" }
        ))
}
