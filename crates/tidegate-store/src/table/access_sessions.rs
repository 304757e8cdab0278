//! Sessions of browsers, under digests of what opens them.

use tidegate_core::access::AccessSession;
use tidegate_core::model::Name;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "access_sessions";

impl Reader {
    /// The sessions of a user, oldest first.
    pub fn access_sessions_of(&self, user: &Name) -> Result<Vec<AccessSession>, StoreError> {
        let sql = "SELECT body FROM access_sessions WHERE owner = ?1 ORDER BY rowid";
        self.many(TABLE, sql, [user.as_str()])
    }

    /// The session of a digest.
    pub fn access_session_of(&self, digest: &str) -> Result<Option<AccessSession>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_sessions WHERE digest = ?1", [digest])
    }

    /// A session by its id.
    pub fn access_session(&self, id: &str) -> Result<Option<AccessSession>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_sessions WHERE id = ?1", [id])
    }
}

impl Tx<'_> {
    /// Keeps a new session.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its id or digest is another's.
    pub fn add_access_session(&self, session: &AccessSession, digest: &str) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO access_sessions (id, owner, digest, body) VALUES (?1, ?2, ?3, ?4)",
            (&session.id, session.user.as_str(), digest, row::to_body(TABLE, session)?),
        )?;
        Ok(())
    }

    /// Changes what is known of a session; nothing happens where it is gone.
    pub fn change_access_session(&self, session: &AccessSession) -> Result<(), StoreError> {
        let sql = "UPDATE access_sessions SET body = ?2 WHERE id = ?1 AND body <> ?2";
        self.write(sql, (&session.id, row::to_body(TABLE, session)?))?;
        Ok(())
    }

    /// Forgets a session.
    pub fn remove_access_session(&self, id: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM access_sessions WHERE id = ?1", [id])?;
        Ok(())
    }
}
