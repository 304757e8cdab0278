//! What Tidegate does by itself and the log is told of: what somebody would have had to ask for otherwise. Not each step of a rollout,
//! and not each run of a job: those are in the timeline.

use super::deed::Deed;
use crate::access::Action;
use crate::event::Event;

/// The deed that an event is of, where nobody asked for it.
pub fn own_deed(event: &Event) -> Option<Deed> {
    let action = action_of(&event.kind)?;
    let name = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    let (app, environment) = (name(&event.app), name(&event.environment));
    let deed = Deed::new(action, event.kind.as_str())
        .at(app.as_ref(), environment.as_ref())
        .with_some("service", event.service.as_ref())
        .with_some("revision", event.revision)
        .with("said", &event.message);
    Some(deed)
}

fn action_of(kind: &str) -> Option<Action> {
    match kind {
        "deploy.started" | "deploy.failed" | "rollout.decided" | "rollout.aborted" | "rollout.failed" => {
            Some(Action::Deploy)
        }
        "migration.started" | "migration.failed" | "migration.contracted" => Some(Action::Deploy),
        "pipeline.began" | "pipeline.refused" => Some(Action::Push),
        "environment.made" | "environment.leaving" | "environment.removed" => Some(Action::Operate),
        "experiment.ended" => Some(Action::Release),
        "audit.anchor-missing" | "audit.broken" => Some(Action::Audit),
        kind if kind.starts_with("flag.") && CHANGES_OF_FLAGS.contains(&kind) => Some(Action::Release),
        _ => None,
    }
}

/// Events of flags that change what is served.
const CHANGES_OF_FLAGS: [&str; 8] = [
    "flag.released",
    "flag.killed",
    "flag.rolled_back",
    "flag.scheduled",
    "flag.undefined",
    "flag.redefined",
    "flag.archived",
    "flag.withdrawn",
];
