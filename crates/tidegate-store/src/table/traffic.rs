//! What services answered, by the minute, for some time.

use tidegate_core::judge::Window;
use tidegate_core::model::ServiceKey;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "traffic";

impl Reader {
    /// What was kept of a service, oldest first: windows of which only the stable side is filled, `second` on Tidegate's own
    /// time line.
    pub fn traffic(&self, key: &ServiceKey) -> Result<Vec<Window>, StoreError> {
        let minutes: Vec<Vec<Window>> = self.many(
            TABLE,
            "SELECT body FROM traffic WHERE app = ?1 AND environment = ?2 AND service = ?3 ORDER BY minute",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str()),
        )?;
        Ok(minutes.into_iter().flatten().collect())
    }

    /// The same of the newest minutes alone, counted back from the last one with a request.
    pub fn latest_traffic(&self, key: &ServiceKey, minutes: u64) -> Result<Vec<Window>, StoreError> {
        let kept: Vec<Vec<Window>> = self.many(
            TABLE,
            "SELECT body FROM traffic WHERE app = ?1 AND environment = ?2 AND service = ?3 AND minute >
             (SELECT coalesce(max(minute), 0) FROM traffic WHERE app = ?1 AND environment = ?2 AND service = ?3) - ?4
             ORDER BY minute",
            (key.app.as_str(), key.environment.as_str(), key.service.as_str(), row::to_sql(minutes)),
        )?;
        Ok(kept.into_iter().flatten().collect())
    }
}

impl Tx<'_> {
    /// Keeps a minute of a service, which must be stored when the transaction ends.
    pub fn put_traffic(&self, key: &ServiceKey, minute: u64, seconds: &[Window]) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO traffic (app, environment, service, minute, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET body = excluded.body",
            (
                key.app.as_str(),
                key.environment.as_str(),
                key.service.as_str(),
                row::to_sql(minute),
                row::to_body(TABLE, &seconds)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets the minutes before this one.
    pub fn prune_traffic(&self, before: u64) -> Result<usize, StoreError> {
        self.write("DELETE FROM traffic WHERE minute < ?1", [row::to_sql(before)])
    }
}
