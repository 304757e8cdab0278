//! What is made of guarded releases: of each flag the newest one, which stays to be seen after its end.

use tidegate_core::guard::Watching;
use tidegate_core::model::{FlagKey, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "flag_guards";

impl Reader {
    /// The watch over a flag's newest guarded release; `None` where there never was one.
    pub fn flag_guard(
        &self,
        app: &Name,
        environment: &Name,
        flag: &FlagKey,
    ) -> Result<Option<Watching>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM flag_guards WHERE app = ?1 AND environment = ?2 AND flag = ?3",
            (app.as_str(), environment.as_str(), flag.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps the watch over a flag's release in place of what was known. What follows of it belongs into the same transaction.
    pub fn put_flag_guard(
        &self,
        app: &Name,
        environment: &Name,
        flag: &FlagKey,
        watching: &Watching,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO flag_guards (app, environment, flag, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, environment, flag) DO UPDATE SET body = excluded.body",
            (app.as_str(), environment.as_str(), flag.as_str(), row::to_body(TABLE, watching)?),
        )?;
        Ok(())
    }
}
