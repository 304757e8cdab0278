//! Which previews have to go: those that nobody pushed to for long, and the oldest where there are too many.

use std::collections::BTreeMap;

use crate::model::{EnvironmentState, Name, Preview};
use crate::time::Moment;

/// A preview that has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToGo {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// Why.
    pub why: String,
}

/// Those that have to go now, each once, and when to look again. One that goes already is not among them, and takes no place.
pub fn to_go(previews: &[EnvironmentState], now: Moment) -> (Vec<ToGo>, Option<Moment>) {
    let mut go = Vec::new();
    let mut wake: Option<Moment> = None;
    for family in families(previews).into_values() {
        let mut stay = Family::new();
        for (state, preview) in family {
            if let Some(why) = why(preview, &stay, now) {
                go.push(to_go_of(state, why));
                continue;
            }
            stay.push((state, preview));
            wake = Some(wake.map_or(preview.goes_at(), |wake| wake.min(preview.goes_at())));
        }
    }
    (go, wake)
}

/// Those that make room for a push to a branch, the oldest first: said to whoever pushes. `most`: as the pushed commit says.
pub fn crowded_out<'p>(
    previews: &'p [EnvironmentState],
    (app, base, branch): (&Name, &Name, &str),
    most: u32,
) -> Vec<&'p EnvironmentState> {
    let family = families(previews).remove(&(app, base)).unwrap_or_default();
    let others: Vec<_> = family.into_iter().filter(|(_, preview)| preview.branch != branch).collect();
    others.into_iter().skip(most.saturating_sub(1) as usize).map(|(state, _)| state).rev().collect()
}

type Family<'p> = Vec<(&'p EnvironmentState, &'p Preview)>;

/// The previews of each base that stay, the one that was pushed to last first.
fn families(previews: &[EnvironmentState]) -> BTreeMap<(&Name, &Name), Family<'_>> {
    let mut families: BTreeMap<(&Name, &Name), Family<'_>> = BTreeMap::new();
    for state in previews.iter().filter(|state| state.leaving.is_none()) {
        if let Some(preview) = &state.preview {
            families.entry((&state.app, &preview.base)).or_default().push((state, preview));
        }
    }
    for family in families.values_mut() {
        family.sort_by_key(|(state, preview)| (std::cmp::Reverse(preview.pushed_at), &state.environment));
    }
    families
}

/// `stay`: those of its family that were pushed to later and stay. The newest of them says how many there may be.
fn why(preview: &Preview, stay: &[(&EnvironmentState, &Preview)], now: Moment) -> Option<String> {
    if preview.goes_at() <= now {
        return Some(format!("nobody pushed to {} for {}", preview.branch, preview.stays));
    }
    if let Some((other, _)) = stay.iter().find(|(_, other)| other.branch == preview.branch) {
        return Some(format!("{} is {} now", preview.branch, other.environment));
    }
    let most = stay.first().map_or(preview.most, |(_, newest)| newest.most);
    (stay.len() >= most as usize)
        .then(|| format!("there may be {most} of {}, and it was pushed to longest ago", preview.base))
}

fn to_go_of(state: &EnvironmentState, why: String) -> ToGo {
    ToGo { app: state.app.clone(), environment: state.environment.clone(), why }
}
