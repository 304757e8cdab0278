//! The guard of a flag's release as text: a part of `tidegate flag show`.

use tidegate_core::view::{BlameView, GuardView, GuardedVariantView};

use super::table::table;

/// What came of the newest guarded release.
pub fn guard(guard: &GuardView) -> String {
    let head = if guard.at_work { "guarded by the gateway's traffic" } else { "its last guarded release" };
    let rows = [row(&guard.on), row(&guard.off)];
    let counts = table(["VARIANT", "REQUESTS", "BAD", "SHARE", "P50", "P95"], &rows);
    let evidence = format!(
        "evidence against {:.1} of {:.1}, for more users {:.1} of {:.1}; users seen in {} of {} groups\n",
        guard.against.log_e,
        guard.against.threshold,
        guard.growth.log_e,
        guard.growth.threshold,
        guard.seen,
        guard.groups
    );
    let beside = guard.beside.as_ref().map(blame).unwrap_or_default();
    format!("{head}: {}\n{}{}{beside}", guard.message, indented(&counts), indented(&evidence))
}

fn row(side: &GuardedVariantView) -> [String; 6] {
    let ms = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
    [
        side.variant.clone(),
        side.requests.to_string(),
        side.bad.to_string(),
        share(side.bad, side.requests),
        ms(side.p50_ms),
        ms(side.p95_ms),
    ]
}

fn share(bad: u64, requests: u64) -> String {
    if requests == 0 { "-".to_owned() } else { format!("{:.2} %", bad as f64 * 100.0 / requests as f64) }
}

fn blame(blame: &BlameView) -> String {
    let rows: Vec<[String; 4]> = blame
        .cells
        .iter()
        .map(|cell| {
            [cell.revision.clone(), cell.variant.clone(), cell.requests.to_string(), cell.bad.to_string()]
        })
        .collect();
    let cells = table(["REVISION", "VARIANT", "REQUESTS", "FIRST BAD"], &rows);
    format!(
        "  {} {} beside {}: to blame is {}\n{}",
        blame.service,
        blame.candidate,
        blame.stable,
        blame.culprit,
        indented(&cells)
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::view::{BlameCellView, EvidenceView};

    fn side(variant: &str, requests: u64, bad: u64) -> GuardedVariantView {
        let (p50_ms, p95_ms) = (Some(2.25), None);
        GuardedVariantView { variant: variant.to_owned(), requests, bad, p50_ms, p95_ms }
    }

    #[test]
    fn the_figures_of_both_sides_and_whose_fault_it_is() {
        let cell = |revision: &str, variant: &str, bad| BlameCellView {
            revision: revision.to_owned(),
            variant: variant.to_owned(),
            requests: 100,
            bad,
        };
        let view = GuardView {
            at_work: false,
            verdict: "abort".to_owned(),
            message: "it was turned off: those with it met more bad answers".to_owned(),
            on: side("on", 40, 12),
            off: side("off", 0, 0),
            seen: 9,
            groups: 256,
            against: EvidenceView { log_e: 6.2, threshold: 5.3 },
            growth: EvidenceView { log_e: -3.0, threshold: 3.0 },
            beside: Some(BlameView {
                service: "web".to_owned(),
                stable: "r1".to_owned(),
                candidate: "r2".to_owned(),
                culprit: "the flag".to_owned(),
                cells: vec![cell("r1", "on", 7), cell("r1", "off", 0)],
            }),
        };
        insta::assert_snapshot!(guard(&view));
    }
}
