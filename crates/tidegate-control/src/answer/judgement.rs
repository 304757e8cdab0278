//! What live traffic says of a rollout: its arms, what the judge makes of them, and the proof of it.

use tidegate_core::judge::{Bundle, Count, Window};
use tidegate_core::judgement::{Comparison, DIFFERS, Effect, Judgement, Trial};
use tidegate_core::model::{
    ArmRole, CountsReport, Histogram, RevisionNo, Rollout, RolloutId, ServiceKey, StrategyKind,
};
use tidegate_core::view::{ArmView, ComparisonView, JudgementView, OutcomeView, SampleView};

use super::{Answers, service_of, store_trouble};
use crate::plane::{Refusal, RefusalKind, ServiceRef, TrafficView};

/// Windows of a proof: as many as are kept.
const MOST_WINDOWS: usize = 200_000;

/// What each side answered.
pub(super) fn arms(answers: &Answers<'_>, rollout: &Rollout, kept: &Judgement) -> Vec<ArmView> {
    let served = kept.served();
    let arm = |role, revision, tally: tidegate_core::judge::Tally| {
        let recent = latencies(answers, &rollout.key, revision);
        let ms = |share| recent.quantile_ns(share).map(|ns| ns as f64 / 1e6);
        ArmView {
            role,
            revision,
            requests: tally.n,
            bad: tally.bad,
            p50_ms: ms(0.5),
            p95_ms: ms(0.95),
            p99_ms: ms(0.99),
        }
    };
    let stable = rollout.from.map(|from| arm(ArmRole::Stable, from, served.stable));
    stable.into_iter().chain([arm(ArmRole::Candidate, rollout.to, served.candidate)]).collect()
}

/// Latencies of about the last minute.
fn latencies(answers: &Answers<'_>, key: &ServiceKey, revision: RevisionNo) -> Histogram {
    let Some(now) = &answers.state.gateway.counts else { return Histogram::default() };
    let all = of_revision(now, key, revision);
    let before = answers.state.earlier.counts().filter(|before| before.incarnation == now.incarnation);
    before.map_or_else(|| all.clone(), |before| all.since(&of_revision(before, key, revision)))
}

fn of_revision(counts: &CountsReport, key: &ServiceKey, revision: RevisionNo) -> Histogram {
    let upstream = key.to_string();
    let rows = counts.rows.iter().filter(|row| row.upstream == upstream && row.revision == revision);
    let mut all = Histogram::default();
    rows.for_each(|row| all.merge(&row.latencies));
    all
}

/// What the judge says.
pub(super) fn view(kept: &Judgement) -> JudgementView {
    let (judged, judge) = (kept.judged(), kept.judge());
    JudgementView {
        verdict: judged.verdict.as_str().to_owned(),
        message: judged.message,
        errors: judge.evidence(Count::ErrorRate).into(),
        latency: judge.evidence(Count::Latency).into(),
        promotion: judge.evidence_for().into(),
        comparison: kept.comparison().map(compared),
        carried: Some(judge.policy().carried.about.clone()).filter(|about| !about.is_empty()),
    }
}

/// What users of both sides did.
pub(super) fn outcomes(rollout: &Rollout, kept: &Judgement) -> Vec<OutcomeView> {
    let effects = kept.trial().map(Trial::effects).unwrap_or_default();
    let rules = &rollout.effective.strategy.outcomes;
    let view = |effect: Effect| {
        let rule = rules.iter().find(|rule| rule.name == effect.name);
        let Effect { name, stable, candidate, difference, between } = effect;
        let counts = rule.map(ToString::to_string).unwrap_or_default();
        OutcomeView { name, counts, stable, candidate, difference, between }
    };
    effects.into_iter().map(view).collect()
}

fn compared(comparison: &Comparison) -> ComparisonView {
    let (stable, candidate) = comparison.judge().totals();
    ComparisonView {
        compared: candidate.n,
        differing: candidate.bad,
        stable_differing: stable.bad,
        against: comparison.evidence().into(),
        promotion: comparison.judge().evidence_for().into(),
        samples: comparison.samples().iter().map(SampleView::from).collect(),
    }
}

/// The proof of a rollout's verdict: of the given one, or of the service's last.
pub fn proof(
    answers: &Answers<'_>,
    service: &ServiceRef,
    rollout: Option<RolloutId>,
) -> Result<Bundle, Refusal> {
    let state = service_of(answers.store, service)?;
    let found = match rollout {
        Some(id) => answers.store.rollout(id).map_err(store_trouble)?.filter(|found| found.key == state.key),
        None => answers.store.rollouts_of(&state.key, 1).map_err(store_trouble)?.pop(),
    };
    let Some(found) = found else {
        let message = match rollout {
            Some(id) => format!("{} has no rollout {id}", state.key),
            None => format!("{} has had no rollout yet", state.key),
        };
        return Err(Refusal::new(RefusalKind::NotFound, "rollout::unknown", message)
            .help("`tidegate events` lists them"));
    };
    let Some(kept) = answers.store.judgement(found.id).map_err(store_trouble)? else {
        let message = format!("rollout {} was not judged: nothing served beside its candidate", found.id);
        return Err(Refusal::new(RefusalKind::NotFound, "rollout::not-judged", message)
            .help("`tidegate rollout show` says what came of it"));
    };
    let taken = answers.store.windows(found.id, MOST_WINDOWS).map_err(store_trouble)?;
    let about = format!("rollout {} of {} to {}", found.id, found.key, found.to);
    if let Some(comparison) = kept.comparison().filter(|_| is_about_answers(&found)) {
        let windows = taken.into_iter().filter_map(|taken| taken.compared).collect();
        let about = format!("{about}: answers to copies, with those that differ as the bad ones");
        let samples = comparison.samples().iter().map(|sample| sample.request.clone()).collect();
        return Ok(Bundle::of(about, comparison.judge().policy().clone(), windows, samples));
    }
    let judged = |window: &Window| kept.judged_after().is_none_or(|second| window.second > second);
    let windows = taken.into_iter().map(|taken| taken.window).filter(judged).collect();
    let samples = kept.samples().iter().map(ToString::to_string).collect();
    Ok(Bundle::of(about + &without(&kept), kept.judge().policy().clone(), windows, samples))
}

/// ` (without web-7 since second 31)`, where an instance was found to be bad by itself: the judgement began anew then.
fn without(kept: &Judgement) -> String {
    let left_out = kept.left_out().iter();
    left_out.map(|bad| format!(" (without {} since second {})", bad.instance, bad.second)).collect()
}

/// Whether it was decided by answers to copies.
fn is_about_answers(rollout: &Rollout) -> bool {
    let copies = rollout.effective.strategy.kind == StrategyKind::ParallelRun;
    copies || rollout.cause.as_ref().is_some_and(|cause| cause.code == DIFFERS)
}

/// What a service's stable revision answered in the past, second by second.
pub fn traffic(answers: &Answers<'_>, service: &ServiceRef) -> Result<TrafficView, Refusal> {
    let state = service_of(answers.store, service)?;
    Ok(TrafficView { windows: answers.store.traffic(&state.key).map_err(store_trouble)? })
}
