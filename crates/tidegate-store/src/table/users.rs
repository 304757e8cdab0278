//! People who are known by name.

use tidegate_core::access::User;
use tidegate_core::model::Name;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "users";

impl Reader {
    /// Every user, by name.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        self.many(TABLE, "SELECT body FROM users ORDER BY name", [])
    }

    /// A user.
    pub fn user(&self, name: &Name) -> Result<Option<User>, StoreError> {
        self.one(TABLE, "SELECT body FROM users WHERE name = ?1", [name.as_str()])
    }
}

impl Tx<'_> {
    /// Keeps a user in place of the one of that name.
    pub fn put_user(&self, user: &User) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO users (name, body) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (user.name.as_str(), row::to_body(TABLE, user)?),
        )?;
        Ok(())
    }

    /// Forgets a user, and all that lets them in.
    pub fn remove_user(&self, name: &Name) -> Result<(), StoreError> {
        for table in ["access_tokens", "access_sessions", "access_codes"] {
            self.write(&format!("DELETE FROM {table} WHERE owner = ?1"), [name.as_str()])?;
        }
        self.write("DELETE FROM users WHERE name = ?1", [name.as_str()])?;
        Ok(())
    }
}
