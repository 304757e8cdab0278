//! A step as written, with its place: what is known of it before the whole list is.

use tidegate_core::model::{Audience, Candidates, Match, Step};
use tidegate_core::time::Millis;

use super::country;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::raw::time::{DAY, SECOND};
use crate::span::Span;

/// One step, or what only the last one can be.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) what: What,
    pub(super) span: Span,
}

/// What a step says.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A step of its own.
    Step(Step),
    /// All the traffic: what follows the last step anyway.
    Everything,
    /// A cohort by its name, which `cohorts` has to know.
    Cohort(String, Millis),
}

/// The longest time a step may hold.
const LONGEST: u64 = 90 * DAY;
/// A check without a time.
const CHECK: Millis = Millis::seconds(600);

/// The time of a step; a wrong one is reported.
pub(super) fn duration(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<Millis> {
    let problem = match text.parse::<Millis>() {
        Ok(span) if (SECOND..=LONGEST).contains(&span.0) => return Some(span),
        Ok(_) => Diagnostic::error(
            codes::OUT_OF_RANGE,
            format!("a step holds for {} to {}", Millis(SECOND), Millis(LONGEST)),
        )
        .at(span, "out of range"),
        Err(_) => Diagnostic::error(codes::BAD_DURATION, format!("{} is not a duration", quote(text)))
            .at(span, "not a duration")
            .help(match text.parse::<u32>() {
                Ok(number) => format!("add the unit: `{number}m` or `{number}s`"),
                Err(_) => "write a whole number and a unit without a space: `30s`, `5m`, `2h`".to_owned(),
            }),
    };
    findings.push(problem);
    None
}

/// A check that has to pass for so long; a time that is too short for that is reported.
pub(super) fn check(
    name: String,
    hold: Millis,
    max: Option<Millis>,
    at: Span,
    findings: &mut Findings<'_>,
) -> Option<What> {
    let max = max.unwrap_or(Millis(CHECK.0 + hold.0));
    if max <= hold {
        let message = format!("a check cannot pass for {hold} within {max}");
        findings.push(
            Diagnostic::error(codes::OUT_OF_RANGE, message)
                .at(at, "not enough time")
                .help("make `max` longer than `for`, or leave it out"),
        );
        return None;
    }
    Some(What::Step(Step::Check { name, hold, max }))
}

/// A share from 1 to 100; a wrong one is reported.
pub(super) fn percent(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<u32> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let whole = number.parse::<u32>().ok().filter(|_| text.ends_with('%') && !number.starts_with('+'));
    if let Some(percent) = whole.filter(|percent| (1..=100).contains(percent)) {
        return Some(percent);
    }
    let decimal = number.parse::<f64>().is_ok_and(|number| number > 0.0 && number < 100.0);
    let problem = if whole.is_some() {
        Diagnostic::error(codes::OUT_OF_RANGE, "a share is to be 1% to 100%").at(span, "out of range")
    } else if decimal && text.ends_with('%') {
        Diagnostic::error(codes::OUT_OF_RANGE, format!("{} is not a whole number of percent", quote(text)))
            .at(span, "not whole")
            .help("the gateway shares requests out in whole percent; copies (`mirror`) and groups (`header`, `cohort`) reach fewer")
    } else {
        let help = if number.parse::<u32>().is_ok() {
            format!("add the sign: `{number}%`")
        } else {
            "write a whole number of percent without a space, and a time behind it: `5%`, `5% for 2m`"
                .to_owned()
        };
        Diagnostic::error(codes::BAD_PERCENT, format!("{} is not a share", quote(text)))
            .at(span, "not a share")
            .help(help)
    };
    findings.push(problem);
    None
}

/// A step of a share.
pub(super) fn weight(
    percent: u32,
    hold: Option<Millis>,
    span: Span,
    findings: &mut Findings<'_>,
) -> Option<What> {
    match (percent, hold) {
        (100, None) => Some(What::Everything),
        (100, Some(hold)) => {
            findings.push(
                Diagnostic::error(codes::STEP_ORDER, "all the traffic is no step with a time of its own")
                    .at(span, "")
                    .help(format!("how long the candidate is watched then is `bake: {hold}`")),
            );
            None
        }
        (percent, hold) => Some(What::Step(Step::Weight { percent, hold: hold.unwrap_or_default() })),
    }
}

/// A number of instances, or a share of them.
pub(super) fn scale(text: &str, span: Span, findings: &mut Findings<'_>) -> Option<Candidates> {
    if text.ends_with('%') {
        return percent(text, span, findings).map(Candidates::Percent);
    }
    let count = text.parse::<u32>().ok().filter(|count| (1..=100).contains(count));
    if count.is_none() {
        findings.push(
            Diagnostic::error(codes::BAD_STEP, format!("{} is not a number of instances", quote(text)))
                .at(span, "not a number of instances")
                .help("write 1 to 100, or a share of the service's: `scale 3`, `scale 50%`"),
        );
    }
    count.map(Candidates::Count)
}

/// Countries, and continents by codes that are no country's.
pub(super) fn countries<'c>(
    codes_at: impl Iterator<Item = (&'c str, Span)>,
    findings: &mut Findings<'_>,
) -> Option<Audience> {
    let mut known = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut right = true;
    let mut label = Vec::new();
    for (text, span) in codes_at {
        let code = text.to_ascii_uppercase();
        if country::is_country(&code) {
            known.0.insert(code.clone());
        } else if country::is_continent(&code) {
            known.1.insert(code.clone());
        } else {
            findings.push(no_country(text, &code, span));
            right = false;
        }
        label.push(code);
    }
    let label = format!("country {}", label.join(", "));
    let countries = (!known.0.is_empty()).then_some(Match::Country(known.0));
    let regions = (!known.1.is_empty()).then_some(Match::Region(known.1));
    right.then(|| Audience { label, any: countries.into_iter().chain(regions).collect() })
}

fn no_country(text: &str, code: &str, span: Span) -> Diagnostic {
    let meant = country::meant(code).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    Diagnostic::error(codes::BAD_PLACE, format!("{} is not a country{meant}", quote(text)))
        .at(span, "not a country")
        .help(
            "write two letters of ISO 3166-1 each, or the continents `EU` and `OC`: `country NZ, AU then EU`",
        )
}

/// One thing requests are.
pub(super) fn audience(label: String, one: Match, hold: Option<Millis>) -> What {
    What::Step(Step::Audience { who: Audience { label, any: vec![one] }, hold: hold.unwrap_or_default() })
}
