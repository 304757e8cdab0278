//! Events, one a line.

use tidegate_core::view::TimelineEvent;

/// `2026-01-02T03:04:05.678Z  shop/production/web  r2  rollout.started  …`
pub fn event_line(event: &TimelineEvent) -> String {
    let place = [&event.app, &event.environment, &event.service];
    let place: Vec<_> = place.into_iter().flatten().map(String::as_str).collect();
    let revision = event.revision.map(|revision| revision.to_string());
    let parts = [Some(event.at.clone()), Some(place.join("/")), revision, Some(event.kind.clone())];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    format!("{}: {}", parts.collect::<Vec<_>>().join(" "), event.message)
}
