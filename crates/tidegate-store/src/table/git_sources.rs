//! Repositories at Git hosts that apps follow, and which webhooks came already. Bounded: of an app's webhooks the newest are known.

use tidegate_core::model::{GitSource, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "git_sources";

/// The most webhooks of an app that are known again. Each is kept under one or two ids.
const MOST: u64 = 4_000;

impl Reader {
    /// Every repository that is followed, by app.
    pub fn git_sources(&self) -> Result<Vec<GitSource>, StoreError> {
        self.many(TABLE, "SELECT body FROM git_sources ORDER BY app", [])
    }

    /// The repository an app follows.
    pub fn git_source(&self, app: &Name) -> Result<Option<GitSource>, StoreError> {
        self.one(TABLE, "SELECT body FROM git_sources WHERE app = ?1", [app.as_str()])
    }

    /// Whether a webhook of an app came already.
    pub fn knows_delivery(&self, app: &Name, id: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM git_deliveries WHERE app = ?1 AND id = ?2";
        Ok(!self.each(sql, [app.as_str(), id], |_| Ok(()))?.is_empty())
    }
}

impl Tx<'_> {
    /// Keeps a repository in place of the one its app followed.
    pub fn put_git_source(&self, source: &GitSource) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO git_sources (app, body) VALUES (?1, ?2)
             ON CONFLICT (app) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (source.app.as_str(), row::to_body(TABLE, source)?),
        )?;
        Ok(())
    }

    /// Has an app follow nothing any more.
    pub fn drop_git_source(&self, app: &Name) -> Result<(), StoreError> {
        self.write("DELETE FROM git_sources WHERE app = ?1", [app.as_str()])?;
        Ok(())
    }

    /// Keeps the id of a webhook, so that it is known again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it came already.
    pub fn add_delivery(&self, app: &Name, id: &str) -> Result<(), StoreError> {
        self.write("INSERT INTO git_deliveries (app, id) VALUES (?1, ?2)", [app.as_str(), id])?;
        self.write(
            "DELETE FROM git_deliveries WHERE app = ?1 AND seq <= (
               SELECT seq FROM git_deliveries WHERE app = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
            (app.as_str(), row::to_sql(MOST)),
        )?;
        Ok(())
    }
}
