//! Whom each app runs as. A pair that was given away stays given away.

use rusqlite::OptionalExtension;
use tidegate_core::model::{AppUser, Name};

use crate::{Reader, StoreError, Tx, row};

impl Reader {
    /// The users of an app; `None`: it was given none.
    pub fn app_user(&self, app: &Name) -> Result<Option<AppUser>, StoreError> {
        let mut statement = self.connection().prepare_cached("SELECT uid FROM app_users WHERE app = ?1")?;
        let found: Option<i64> = statement.query_row([app.as_str()], |found| found.get(0)).optional()?;
        Ok(found.map(user_of))
    }

    /// All that were ever given away, whatever became of their apps.
    pub fn app_users(&self) -> Result<Vec<AppUser>, StoreError> {
        self.each("SELECT uid FROM app_users ORDER BY uid", [], |found| Ok(user_of(found.get(0)?)))
    }
}

impl Tx<'_> {
    /// Gives an app its users, for ever.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it has others already, or they are another app's.
    pub fn give_app_user(&self, app: &Name, user: AppUser) -> Result<(), StoreError> {
        let uid = i64::from(user.of_instances());
        let sql = "INSERT INTO app_users (app, uid) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let given = self.write(sql, rusqlite::params![app.as_str(), uid])?;
        if given == 1 || self.app_user(app)? == Some(user) {
            return Ok(());
        }
        Err(StoreError::Conflict(format!("user {uid} cannot be that of {app}: one of them is taken")))
    }
}

fn user_of(uid: i64) -> AppUser {
    AppUser::new(u32::try_from(row::from_sql(uid)).unwrap_or(u32::MAX - 1))
}
