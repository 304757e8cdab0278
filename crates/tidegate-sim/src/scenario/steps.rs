//! The steps of a strategy as scripts write them: `steps=header:x-beta,5%:2s,analyse:8s,approve,50%`.

use tidegate_core::model::{Audience, Candidates, Match, Step};
use tidegate_core::time::Millis;

/// Reads a list of steps.
///
/// # Errors
/// The first that is none.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    text.split(',').map(|word| step(word).ok_or_else(|| format!("`{word}` is no step"))).collect()
}

fn step(word: &str) -> Option<Step> {
    let (name, value) = word.split_once(':').unwrap_or((word, ""));
    let span = || if value.is_empty() { Some(Millis::ZERO) } else { value.parse().ok() };
    let percent = |text: &str| text.strip_suffix('%')?.parse().ok();
    Some(match name {
        "pause" if value.is_empty() => Step::Pause { hold: None },
        "pause" => Step::Pause { hold: Some(span()?) },
        "approve" => Step::Approve,
        "analyse" => Step::Analyse { max: span()? },
        "check" => Step::Check { name: "check".to_owned(), hold: Millis::ZERO, max: span()? },
        "scale" => Step::Scale(Candidates::Count(value.parse().ok()?)),
        "mirror" => Step::Mirror { percent: percent(value)?, hold: Millis::ZERO },
        "header" => {
            let any = vec![Match::Header { name: value.to_owned(), value: None }];
            Step::Audience { who: Audience { label: format!("header {value}"), any }, hold: Millis::ZERO }
        }
        share => Step::Weight { percent: percent(share)?, hold: span()? },
    })
}
