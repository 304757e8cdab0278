//! Judgements of rollouts, and the windows they were made of. They go with their rollout.

use tidegate_core::judgement::{Judgement, Taken};
use tidegate_core::model::RolloutId;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "judgements";
const WINDOWS: &str = "windows";

impl Reader {
    /// The judgement of a rollout.
    pub fn judgement(&self, id: RolloutId) -> Result<Option<Judgement>, StoreError> {
        self.one(TABLE, "SELECT body FROM judgements WHERE rollout = ?1", [row::to_sql(id.0)])
    }

    /// The windows of a rollout in their order, at most `most`.
    pub fn windows(&self, id: RolloutId, most: usize) -> Result<Vec<Taken>, StoreError> {
        self.many(
            WINDOWS,
            "SELECT body FROM windows WHERE rollout = ?1 ORDER BY place LIMIT ?2",
            (row::to_sql(id.0), row::to_sql(most as u64)),
        )
    }

    /// How many windows of a rollout are kept.
    pub fn count_windows(&self, id: RolloutId) -> Result<u64, StoreError> {
        let places = self.each(
            "SELECT coalesce(max(place), 0) FROM windows WHERE rollout = ?1",
            [row::to_sql(id.0)],
            |found| Ok(row::from_sql(found.get(0)?)),
        )?;
        Ok(places.into_iter().next().unwrap_or_default())
    }
}

impl Tx<'_> {
    /// Keeps the judgement of a rollout, which must be stored when the transaction ends.
    pub fn put_judgement(&self, id: RolloutId, judgement: &Judgement) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO judgements (rollout, body) VALUES (?1, ?2)
             ON CONFLICT (rollout) DO UPDATE SET body = excluded.body",
            (row::to_sql(id.0), row::to_body(TABLE, judgement)?),
        )?;
        Ok(())
    }

    /// Adds a window after those that are there.
    pub fn add_window(&self, id: RolloutId, taken: &Taken) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO windows (rollout, place, body)
             VALUES (?1, (SELECT coalesce(max(place), 0) + 1 FROM windows WHERE rollout = ?1), ?2)",
            (row::to_sql(id.0), row::to_body(WINDOWS, taken)?),
        )?;
        Ok(())
    }
}
