//! `tidegate logs`.

use std::collections::BTreeSet;

use tidegate_backend::{LogCursor, Logs};
use tidegate_core::model::InstanceId;
use tidegate_store::EventFilter;

use super::{Answers, place_of, store_trouble};
use crate::plane::{LogPage, LogQuery, Refusal, RefusalKind};

const MOST: usize = 200;
/// How many recent events are searched for instances that are gone.
const RECENT: usize = 500;

/// The units a query means: those that run, and those of recent events that are gone but whose output is kept.
pub fn units_of(answers: &Answers<'_>, query: &LogQuery) -> Result<Vec<InstanceId>, Refusal> {
    if let Some(unit) = &query.unit {
        return Ok(vec![unit.clone()]);
    }
    let (app, environment) = place_of(answers.store, &query.scope)?;
    let mut units = BTreeSet::new();
    for state in answers.store.services_of(&app, &environment).map_err(store_trouble)? {
        if query.service.as_ref().is_none_or(|service| *service == state.key.service) {
            let instances = answers.store.instances_of(&state.key).map_err(store_trouble)?;
            units.extend(instances.into_iter().map(|instance| instance.id));
        }
    }
    let filter = EventFilter {
        app: Some(app.to_string()),
        environment: Some(environment.to_string()),
        service: query.service.as_ref().map(ToString::to_string),
    };
    let events = answers.store.last_events(&filter, RECENT).map_err(store_trouble)?;
    units.extend(events.into_iter().filter_map(|stored| stored.event.instance));
    Ok(units.into_iter().collect())
}

/// A page of output.
pub fn logs(logs: &dyn Logs, units: &[InstanceId], query: &LogQuery) -> Result<LogPage, Refusal> {
    let most = if query.most == 0 { MOST } else { query.most.min(10_000) };
    let unreadable = |error: std::io::Error| trouble(&error);
    let (lines, cursor) = match &query.cursor {
        Some(text) => logs.after(units, &cursor_of(text)?, most).map_err(unreadable)?,
        None => {
            // Where it ends is asked first: a line written in between is shown twice, not lost.
            let end = logs.end(units).map_err(unreadable)?;
            (logs.tail(units, most).map_err(unreadable)?, end)
        }
    };
    let cursor = serde_json::to_string(&cursor).unwrap_or_default();
    Ok(LogPage { lines, cursor })
}

fn trouble(error: &std::io::Error) -> Refusal {
    // A place no file can have.
    if error.kind() == std::io::ErrorKind::InvalidInput {
        return no_cursor();
    }
    Refusal::new(RefusalKind::Environment, "logs::unreadable", format!("the output cannot be read: {error}"))
        .help("see `tidegate doctor`")
}

fn cursor_of(text: &str) -> Result<LogCursor, Refusal> {
    serde_json::from_str(text).map_err(|_| no_cursor())
}

fn no_cursor() -> Refusal {
    Refusal::new(RefusalKind::Invalid, "logs::cursor", "this is not a cursor that `logs` gave")
        .help("leave it out to begin with the last lines")
}
