//! The user's timeline. It is capped: each new event takes the place of the oldest once there are [`EVENTS_KEPT`].

use tidegate_core::event::Event;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "events";

/// How many events are kept: some 10 MiB.
pub const EVENTS_KEPT: u64 = 20_000;

/// The longest message, in characters. A longer one is cut: an event must never be the reason a change is refused.
const MESSAGE_LONGEST: usize = 4_000;

/// The most events one call returns.
const PAGE_LARGEST: usize = 10_000;

/// An event with its number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number: higher is later, none is given twice.
    pub seq: u64,
    /// When it was recorded: milliseconds since the Unix epoch, for people.
    pub unix_ms: u64,
    /// What happened.
    pub event: Event,
}

/// Which events are wanted: those that have every value given here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only about this app.
    pub app: Option<String>,
    /// Only about this environment.
    pub environment: Option<String>,
    /// Only about this service.
    pub service: Option<String>,
}

impl Reader {
    /// Events numbered higher than `after`, oldest first, at most `most` and never more than 10,000: ask again with
    /// the last number.
    pub fn events(
        &self,
        after: u64,
        filter: &EventFilter,
        most: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.select_events(
            "SELECT body, seq, unix_ms FROM events
             WHERE seq > ?1 AND (?2 IS NULL OR app = ?2) AND (?3 IS NULL OR environment = ?3)
               AND (?4 IS NULL OR service = ?4)
             ORDER BY seq LIMIT ?5",
            after,
            filter,
            most,
        )
    }

    /// The newest events, oldest first, at most `most` and never more than 10,000.
    pub fn last_events(&self, filter: &EventFilter, most: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let mut found = self.select_events(
            "SELECT body, seq, unix_ms FROM events
             WHERE seq > ?1 AND (?2 IS NULL OR app = ?2) AND (?3 IS NULL OR environment = ?3)
               AND (?4 IS NULL OR service = ?4)
             ORDER BY seq DESC LIMIT ?5",
            0,
            filter,
            most,
        )?;
        found.reverse();
        Ok(found)
    }

    /// The number of the newest event ever recorded; 0 where there was none.
    pub fn latest_seq(&self) -> Result<u64, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'")?;
        Ok(row::from_sql(statement.query_row([], |found| found.get(0))?))
    }

    fn select_events(
        &self,
        sql: &str,
        after: u64,
        filter: &EventFilter,
        most: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let most = row::to_sql(most.min(PAGE_LARGEST) as u64);
        let EventFilter { app, environment, service } = filter;
        self.each(sql, (row::to_sql(after), app, environment, service, most), |found| {
            Ok(StoredEvent {
                seq: row::from_sql(found.get(1)?),
                unix_ms: row::from_sql(found.get(2)?),
                event: row::of_row(TABLE, found)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Records an event at the end of the timeline; its number.
    pub fn event(&self, event: &Event, unix_ms: u64) -> Result<u64, StoreError> {
        let mut event = event.clone();
        cut(&mut event.message);
        self.write(
            "INSERT INTO events (unix_ms, app, environment, service, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                row::to_sql(unix_ms),
                &event.app,
                &event.environment,
                &event.service,
                row::to_body(TABLE, &event)?,
            ),
        )?;
        let seq = self.last_row();
        self.enter_own(&event, unix_ms)?;
        self.forget_events_through(seq.saturating_sub(EVENTS_KEPT))?;
        Ok(seq)
    }

    /// Forgets all but the newest `keep` events; how many.
    pub fn prune_events(&self, keep: u64) -> Result<usize, StoreError> {
        self.forget_events_through(self.latest_seq()?.saturating_sub(keep))
    }

    fn forget_events_through(&self, last: u64) -> Result<usize, StoreError> {
        self.write("DELETE FROM events WHERE seq <= ?1", [row::to_sql(last)])
    }
}

fn cut(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_LONGEST) {
        message.truncate(end);
        message.push('…');
    }
}
