//! Notices of events on their way to those who are told. Bounded: where nobody can be reached for long the oldest go first.

use tidegate_core::notify::Notice;
use tidegate_core::time::Moment;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "notices";

/// The most that wait.
const MOST: u64 = 1_000;

impl Reader {
    /// Notices that are due, those that waited longest first, each with its number.
    pub fn due_notices(&self, now: Moment, most: usize) -> Result<Vec<(u64, Notice)>, StoreError> {
        self.each(
            "SELECT body, seq FROM notices WHERE due <= ?1 ORDER BY due, seq LIMIT ?2",
            (row::to_sql(now.0), row::to_sql(most as u64)),
            |found| Ok((row::from_sql(found.get(1)?), row::of_row(TABLE, found)?)),
        )
    }
}

impl Tx<'_> {
    /// Keeps a notice until it is [delivered](Tx::drop_notice).
    pub fn put_notice(&self, notice: &Notice) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO notices (due, body) VALUES (?1, ?2)",
            (row::to_sql(notice.due.0), row::to_body(TABLE, notice)?),
        )?;
        let oldest = self.last_row().saturating_sub(MOST);
        self.write("DELETE FROM notices WHERE seq <= ?1", [row::to_sql(oldest)])?;
        Ok(())
    }

    /// Keeps it for another try. Nothing happens where it is gone.
    pub fn put_off_notice(&self, seq: u64, notice: &Notice) -> Result<(), StoreError> {
        self.write(
            "UPDATE notices SET due = ?2, body = ?3 WHERE seq = ?1",
            (row::to_sql(seq), row::to_sql(notice.due.0), row::to_body(TABLE, notice)?),
        )?;
        Ok(())
    }

    /// Forgets a notice.
    pub fn drop_notice(&self, seq: u64) -> Result<(), StoreError> {
        self.write("DELETE FROM notices WHERE seq = ?1", [row::to_sql(seq)])?;
        Ok(())
    }
}
