//! `tidegate experiment` as text.

use tidegate_core::experiment::{Design, LeftOut};
use tidegate_core::view::{ArmFigures, ExperimentList, ExperimentView, MetricFigures};

use super::table::{or_dash, table};

/// A line for each experiment.
pub fn experiments(list: &ExperimentList) -> String {
    if list.experiments.is_empty() {
        return "there are no experiments; a flag is one whose metadata says `class: experiment`\n"
            .to_owned();
    }
    let rows: Vec<_> = list.experiments.iter().map(row).collect();
    table(["FLAG", "ID", "STATE", "VERDICT", "USERS", "MESSAGE"], &rows)
}

fn row(view: &ExperimentView) -> [String; 6] {
    let users = view.design.as_ref().map(|design| format!("{} of {}", view.counted, design.users));
    [
        view.flag.clone(),
        or_dash(view.id),
        view.state.clone(),
        view.verdict.clone(),
        or_dash(users),
        view.message.clone(),
    ]
}

/// What an experiment has found, a line for each metric of each variant.
pub fn experiment(view: &ExperimentView) -> String {
    let number = view.id.map_or(String::new(), |id| format!(" {id}"));
    let mut lines = vec![
        format!("experiment{number} on {}: {}", view.flag, view.state),
        format!("  verdict    {}: {}", view.verdict, view.message),
    ];
    if let (Some(design), Some(_)) = (&view.design, view.id) {
        lines.push(users(view, design));
        let invalid = view.alarmed_at_unix_ms.is_some();
        let control = &design.drawn[0].variant;
        lines.extend(view.variants.iter().flat_map(|arm| variant(arm, control, invalid)));
        lines.push(format!(
            "  sure       all intervals hold at all times together with {} %",
            plain((1.0 - design.alpha) * 100.0)
        ));
        lines.push(split(view));
        lines.extend(gateway(design));
        lines.extend(left_out(&view.left_out));
    }
    if let Some(end) = &view.end {
        let why = end.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
        lines.push(format!("  ended      by {}{why}", end.by));
    }
    lines.extend(next(view));
    lines.join("\n") + "\n"
}

fn users(view: &ExperimentView, design: &Design) -> String {
    let open = view.seen.saturating_sub(view.counted + view.left_out.crossed);
    let open = if open == 0 || view.state != "running" {
        String::new()
    } else {
        format!("; {open} more within {}", design.within)
    };
    format!("  users      {} seen, {} counted of {}{open}", view.seen, view.counted, design.users)
}

/// `  on         1012 of 2000 counted`, and a line for each of its metrics.
fn variant(arm: &ArmFigures, control: &str, invalid: bool) -> Vec<String> {
    let mut lines = vec![format!(
        "  {:<10} {} users, {} counted, meant {} %",
        arm.variant,
        arm.seen,
        arm.counted,
        plain(arm.share * 100.0)
    )];
    lines.extend(arm.metrics.iter().map(|figures| metric(figures, control, invalid)));
    lines
}

fn metric(figures: &MetricFigures, control: &str, invalid: bool) -> String {
    let against = figures.difference.map_or(String::new(), |difference| {
        let between = match figures.between {
            Some((low, high)) => format!("between {} and {}{}", signed(low), signed(high), word(figures)),
            None if invalid => "not to be believed".to_owned(),
            None => "too little to say".to_owned(),
        };
        format!(", {} against {control}, {between}", signed(difference))
    });
    format!("    {:<8} {} a user{against}", figures.metric, plain(figures.mean))
}

/// What the interval says, where it says anything.
fn word(figures: &MetricFigures) -> &'static str {
    match (figures.between, figures.more) {
        (Some((low, _)), true) if low > 0.0 => ": better",
        (Some((_, high)), true) if high < 0.0 => ": worse",
        (Some((low, _)), false) if low > 0.0 => ": worse",
        (Some((_, high)), false) if high < 0.0 => ": better",
        _ => "",
    }
}

fn split(view: &ExperimentView) -> String {
    if view.alarmed_at_unix_ms.is_some() {
        return "  split      ALARM: users were not dealt out as meant; find out why before anything is believed"
            .to_owned();
    }
    format!("  split      as meant (evidence against it {:.1} of 6.9)", view.split_evidence.max(0.0))
}

/// How the gateway takes part, where it does.
fn gateway(design: &Design) -> Option<String> {
    let user: Vec<String> = design.user.iter().map(ToString::to_string).collect();
    (!user.is_empty()).then(|| format!("  gateway    tells users by {}", user.join(", ")))
}

fn left_out(left_out: &LeftOut) -> Option<String> {
    let LeftOut { crossed, not_drawn, over, late, events, outside, unseen, dropped } = *left_out;
    let parts = [
        (crossed, "users seen with more than one variant"),
        (not_drawn, "exposures to variants nobody is dealt out to"),
        (over, "users over the most"),
        (late, "events after their user's time"),
        (events, "events over the most"),
        (outside, "events outside of their user's time"),
        (unseen, "users the gateway never saw"),
        (dropped, "requests of users beyond the 1000 that the gateway tells in a second"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!said.is_empty()).then(|| format!("  left out   {}", said.join(", ")))
}

fn next(view: &ExperimentView) -> Option<String> {
    let decided = view.state == "running" && view.verdict != "running";
    decided.then(|| format!("next: `tidegate experiment stop {}`, then release what you keep", view.flag))
}

/// Four significant figures, without zeros at the end.
fn plain(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let whole = number.abs().log10().floor() as i32;
    let places = usize::try_from(3 - whole).unwrap_or(0).min(12);
    let text = format!("{number:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn signed(number: f64) -> String {
    let sign = if number < 0.0 { "" } else { "+" };
    format!("{sign}{}", plain(number))
}

#[cfg(test)]
#[path = "experiment_tests.rs"]
mod tests;
