//! Tokens that let people and programs in, under digests.

use tidegate_core::access::AccessToken;
use tidegate_core::model::Name;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "access_tokens";

impl Reader {
    /// Every token, oldest first.
    pub fn access_tokens(&self) -> Result<Vec<AccessToken>, StoreError> {
        self.many(TABLE, "SELECT body FROM access_tokens ORDER BY rowid", [])
    }

    /// The tokens of a user, or of programs, oldest first.
    pub fn access_tokens_of(&self, user: Option<&Name>) -> Result<Vec<AccessToken>, StoreError> {
        let sql = "SELECT body FROM access_tokens WHERE owner IS ?1 ORDER BY rowid";
        self.many(TABLE, sql, [user.map(Name::as_str)])
    }

    /// A token by its id.
    pub fn access_token(&self, id: &str) -> Result<Option<AccessToken>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_tokens WHERE id = ?1", [id])
    }

    /// The token of a digest.
    pub fn access_token_of(&self, digest: &str) -> Result<Option<AccessToken>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_tokens WHERE digest = ?1", [digest])
    }
}

impl Tx<'_> {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its id or digest is another's.
    pub fn add_access_token(&self, token: &AccessToken, digest: &str) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO access_tokens (id, owner, digest, body) VALUES (?1, ?2, ?3, ?4)",
            (&token.id, token.user.as_ref().map(Name::as_str), digest, row::to_body(TABLE, token)?),
        )?;
        Ok(())
    }

    /// Changes what is known of a token; nothing happens where it is gone.
    pub fn change_access_token(&self, token: &AccessToken) -> Result<(), StoreError> {
        let sql = "UPDATE access_tokens SET body = ?2 WHERE id = ?1 AND body <> ?2";
        self.write(sql, (&token.id, row::to_body(TABLE, token)?))?;
        Ok(())
    }

    /// Forgets a token.
    pub fn remove_access_token(&self, id: &str) -> Result<(), StoreError> {
        self.write("DELETE FROM access_tokens WHERE id = ?1", [id])?;
        Ok(())
    }
}
