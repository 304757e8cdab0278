//! Codes that are good once, under digests.

use tidegate_core::access::OneTimeCode;
use tidegate_core::model::Name;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "access_codes";

impl Reader {
    /// The code of a digest.
    pub fn access_code_of(&self, digest: &str) -> Result<Option<OneTimeCode>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_codes WHERE digest = ?1", [digest])
    }

    /// The code of a user; of nobody: the first administrator's.
    pub fn access_code_for(&self, user: Option<&Name>) -> Result<Option<OneTimeCode>, StoreError> {
        self.one(TABLE, "SELECT body FROM access_codes WHERE owner IS ?1", [user.map(Name::as_str)])
    }
}

impl Tx<'_> {
    /// Keeps a code in place of the one its user had.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its digest is another's.
    pub fn put_access_code(&self, code: &OneTimeCode, digest: &str) -> Result<(), StoreError> {
        self.drop_access_code(code.user.as_ref())?;
        self.write(
            "INSERT INTO access_codes (digest, owner, body) VALUES (?1, ?2, ?3)",
            (digest, code.user.as_ref().map(Name::as_str), row::to_body(TABLE, code)?),
        )?;
        Ok(())
    }

    /// Forgets the code of a user; of nobody: the first administrator's.
    pub fn drop_access_code(&self, user: Option<&Name>) -> Result<(), StoreError> {
        self.write("DELETE FROM access_codes WHERE owner IS ?1", [user.map(Name::as_str)])?;
        Ok(())
    }
}
