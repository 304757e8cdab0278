//! What is kept of environments besides what runs in them, and how all of one is forgotten.

use tidegate_core::model::{EnvironmentState, Name};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "environments";

/// What is forgotten with an environment, in this order. What it did stays: events, releases of its flags, runs of its
/// pipelines.
const FORGOTTEN: [&str; 11] = [
    "DELETE FROM instances WHERE app = ?1 AND environment = ?2",
    "DELETE FROM rollouts WHERE app = ?1 AND environment = ?2",
    "DELETE FROM services WHERE app = ?1 AND environment = ?2",
    "DELETE FROM revisions WHERE app = ?1 AND environment = ?2",
    "DELETE FROM deploys WHERE app = ?1 AND environment = ?2",
    "DELETE FROM job_states WHERE app = ?1 AND environment = ?2",
    "DELETE FROM migration_states WHERE app = ?1 AND environment = ?2",
    "DELETE FROM experiments WHERE app = ?1 AND environment = ?2",
    "DELETE FROM environments WHERE app = ?1 AND environment = ?2",
    "DELETE FROM config_versions WHERE app = ?1 AND environment = ?2",
    "DELETE FROM secret_versions WHERE app = ?1 AND environment = ?2",
];

/// The same, where the gateway has it as well.
const FORGOTTEN_OF_FLAGS: [&str; 3] = [
    "DELETE FROM flag_definitions WHERE app = ?1 AND environment = ?2",
    "DELETE FROM flag_guards WHERE app = ?1 AND environment = ?2",
    "DELETE FROM flag_keys WHERE app = ?1 AND environment = ?2",
];

impl Reader {
    /// What is kept of an environment.
    pub fn environment(
        &self,
        app: &Name,
        environment: &Name,
    ) -> Result<Option<EnvironmentState>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM environments WHERE app = ?1 AND environment = ?2",
            (app.as_str(), environment.as_str()),
        )
    }

    /// Every environment that was made for a branch, by app and name.
    pub fn previews(&self) -> Result<Vec<EnvironmentState>, StoreError> {
        self.many(TABLE, "SELECT body FROM environments WHERE preview = 1 ORDER BY app, environment", [])
    }

    /// Every environment that is being taken down, by app and name.
    pub fn leaving_environments(&self) -> Result<Vec<EnvironmentState>, StoreError> {
        self.many(TABLE, "SELECT body FROM environments WHERE leaving = 1 ORDER BY app, environment", [])
    }
}

impl Tx<'_> {
    /// Keeps an environment in place of what was kept of it.
    pub fn put_environment(&self, state: &EnvironmentState) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO environments (app, environment, preview, leaving, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (app, environment) DO UPDATE
             SET preview = excluded.preview, leaving = excluded.leaving, body = excluded.body
             WHERE body <> excluded.body",
            (
                state.app.as_str(),
                state.environment.as_str(),
                state.preview.is_some(),
                state.leaving.is_some(),
                row::to_body(TABLE, state)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets an environment with all that ran in it. What it did stays, and so do the numbers it has given.
    pub fn forget_environment(&self, app: &Name, environment: &Name) -> Result<(), StoreError> {
        let place = [app.as_str(), environment.as_str()];
        for statement in FORGOTTEN {
            self.write(statement, place)?;
        }
        let mut flags = 0;
        for statement in FORGOTTEN_OF_FLAGS {
            flags += self.write(statement, place)?;
        }
        self.flags_changed(flags)
    }
}
