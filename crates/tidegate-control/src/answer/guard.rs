//! What came of a flag's newest guarded release.

use tidegate_core::guard::{Charge, Grid, Held, Watching};
use tidegate_core::model::{CountsReport, FLAG_CELLS, FlagKey, FlagState, Histogram, Name};
use tidegate_core::view::{BlameCellView, BlameView, GuardView, GuardedVariantView};

use super::{Answers, store_trouble};
use crate::plane::Refusal;

/// The view; `None` where the flag never had a guarded release.
pub(super) fn guard(
    answers: &Answers<'_>,
    (app, environment): (&Name, &Name),
    state: &FlagState,
) -> Result<Option<GuardView>, Refusal> {
    let kept = answers.store.flag_guard(app, environment, &state.key).map_err(store_trouble)?;
    let within = format!("{app}/{environment}/");
    let counts = answers.state.gateway.counts.as_ref();
    Ok(kept.map(|kept| view(&kept, state, &|variant| latencies(counts, &within, &state.key, variant))))
}

fn view(kept: &Watching, state: &FlagState, latencies: &dyn Fn(&str) -> Histogram) -> GuardView {
    let (at_work, condemned) = (state.guard.is_some() && kept.is_of(state.version), kept.condemned());
    let held = kept.told.filter(|_| at_work);
    let ((on, off), (with, without)) = (kept.variants(), kept.sides());
    let side = |variant: &str, side: tidegate_core::guard::Side| {
        let times = latencies(variant);
        let ms = |share| times.quantile_ns(share).map(|ns| ns as f64 / 1e6);
        let (requests, bad) = (side.requests, side.bad);
        GuardedVariantView { variant: variant.to_owned(), requests, bad, p50_ms: ms(0.5), p95_ms: ms(0.95) }
    };
    GuardView {
        at_work,
        verdict: verdict(condemned, held).to_owned(),
        message: message(at_work, condemned, held.map(|held| held.of(kept.unproven()))),
        on: side(on, with),
        off: side(off, without),
        seen: kept.users(),
        groups: FLAG_CELLS as u32,
        against: kept.evidence().into(),
        growth: kept.evidence_for().into(),
        beside: kept.grid().map(|(service, grid)| beside(service, grid, (on, off))),
    }
}

fn verdict(condemned: Option<&Charge>, held: Option<Held>) -> &'static str {
    match (condemned, held) {
        (Some(_), _) => "abort",
        (None, Some(_)) => "inconclusive",
        (None, None) => "continue",
    }
}

fn message(at_work: bool, condemned: Option<&Charge>, held: Option<String>) -> String {
    match (condemned, held) {
        (Some(_), _) => "it was turned off: those with it met more bad answers".to_owned(),
        (None, Some(held)) => format!("the share stays: {held}"),
        (None, None) if at_work => "nothing speaks against it so far".to_owned(),
        (None, None) => "it is watched no more".to_owned(),
    }
}

fn beside(service: &str, grid: &Grid, (on, off): (&str, &str)) -> BlameView {
    let (stable, candidate) = grid.revisions();
    let places = [(stable, on), (stable, off), (candidate, on), (candidate, off)];
    let cells = places.iter().zip(grid.counts()).map(|((revision, variant), tally)| BlameCellView {
        revision: revision.to_string(),
        variant: (*variant).to_owned(),
        requests: tally.n,
        bad: tally.bad,
    });
    BlameView {
        service: service.rsplit('/').next().unwrap_or_default().to_owned(),
        stable: stable.to_string(),
        candidate: candidate.to_string(),
        culprit: grid.culprit().as_str().to_owned(),
        cells: cells.collect(),
    }
}

/// Since the share last grew, as long as it is watched.
fn latencies(counts: Option<&CountsReport>, within: &str, flag: &FlagKey, variant: &str) -> Histogram {
    let rows = counts.into_iter().flat_map(|counts| &counts.flags);
    let about =
        rows.filter(|row| row.upstream.starts_with(within) && row.flag == *flag && row.variant == *variant);
    let mut all = Histogram::default();
    about.for_each(|row| all.merge(&row.latencies));
    all
}
