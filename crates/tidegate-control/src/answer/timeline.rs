//! `tidegate events`.

use tidegate_core::view::TimelineEvent;
use tidegate_store::{EventFilter, StoredEvent};

use super::{Answers, store_trouble};
use crate::plane::{EventQuery, Refusal};

const MOST: usize = 1_000;

/// Events, oldest first.
pub fn events(answers: &Answers<'_>, query: &EventQuery) -> Result<Vec<TimelineEvent>, Refusal> {
    let filter = EventFilter {
        app: query.scope.app.as_ref().map(ToString::to_string),
        environment: query.scope.environment.as_ref().map(ToString::to_string),
        service: query.service.as_ref().map(ToString::to_string),
    };
    let most = if query.most == 0 { MOST } else { query.most };
    let found = if query.after == 0 {
        answers.store.last_events(&filter, most)
    } else {
        answers.store.events(query.after, &filter, most)
    };
    Ok(found.map_err(store_trouble)?.into_iter().map(view_of).collect())
}

/// An event as people see it.
pub(super) fn view_of(stored: StoredEvent) -> TimelineEvent {
    let event = stored.event;
    TimelineEvent {
        seq: stored.seq,
        at: rfc3339(stored.unix_ms),
        kind: event.kind,
        app: event.app,
        environment: event.environment,
        service: event.service,
        revision: event.revision,
        instance: event.instance.map(|id| id.to_string()),
        message: event.message,
    }
}

/// `2026-01-31T12:00:00.000Z`.
pub(crate) fn rfc3339(unix_ms: u64) -> String {
    let (days, of_day) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = civil(days as i64);
    let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", of_day % 1_000)
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar: counted in eras of 400
/// years that begin on 1 March, so that a leap day is the last day of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_era_0 = days + 719_468;
    let (era, day_of_era) = (from_era_0.div_euclid(146_097), from_era_0.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(unix_ms), text);
        }
    }
}
