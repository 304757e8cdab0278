//! Numbers that are given out once. They are kept apart from the rows they name, so that no number is given again
//! after its row was removed.

use rusqlite::OptionalExtension;
use tidegate_core::model::{Name, RevisionNo};

use crate::{StoreError, Tx, row};

/// What is numbered through a whole data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Instances and jobs: the number in `web-17`.
    Instance,
    /// Rollouts.
    Rollout,
    /// Deploys.
    Deploy,
    /// What is served of flags: counted up with each change of definitions, states or keys.
    Flags,
    /// Experiments on flags.
    Experiment,
    /// Runs of pipelines.
    Run,
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Counter::Instance => "instance",
            Counter::Rollout => "rollout",
            Counter::Deploy => "deploy",
            Counter::Flags => "flags",
            Counter::Experiment => "experiment",
            Counter::Run => "run",
        }
    }
}

impl crate::Reader {
    /// The number [`Tx::next_id`] would give next.
    pub fn peek_id(&self, counter: Counter) -> Result<u64, StoreError> {
        let mut statement = self.connection().prepare_cached("SELECT last FROM counters WHERE name = ?1")?;
        let last: Option<i64> = statement.query_row([counter.name()], |found| found.get(0)).optional()?;
        Ok(last.map_or(0, row::from_sql) + 1)
    }

    /// The number [`Tx::next_revision`] would give next.
    pub fn peek_revision(&self, app: &Name, environment: &Name) -> Result<RevisionNo, StoreError> {
        let mut statement = self.connection().prepare_cached("SELECT last FROM counters WHERE name = ?1")?;
        let name = format!("revision/{app}/{environment}");
        let last: Option<i64> = statement.query_row([name], |found| found.get(0)).optional()?;
        Ok(RevisionNo(last.map_or(0, |last| u32::try_from(last).unwrap_or(u32::MAX - 1)) + 1))
    }
}

impl Tx<'_> {
    /// Marks all numbers below `free` as used: whoever planned with [`crate::Reader::peek_id`] has given them out.
    pub fn use_ids_below(&self, counter: Counter, free: u64) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO counters (name, last) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET last = max(last, excluded.last)",
            rusqlite::params![counter.name(), row::to_sql(free.saturating_sub(1))],
        )?;
        Ok(())
    }

    /// The next number, from 1. It is used up when the transaction is kept.
    pub fn next_id(&self, counter: Counter) -> Result<u64, StoreError> {
        self.count(counter.name())
    }

    /// The number of an environment's next revision, from r1.
    pub fn next_revision(&self, app: &Name, environment: &Name) -> Result<RevisionNo, StoreError> {
        let number = self.count(&format!("revision/{app}/{environment}"))?;
        let out_of_numbers = || StoreError::Conflict("there are no more revision numbers".to_owned());
        u32::try_from(number).map(RevisionNo).map_err(|_| out_of_numbers())
    }

    fn count(&self, name: &str) -> Result<u64, StoreError> {
        let mut statement = self.connection().prepare_cached(
            "INSERT INTO counters (name, last) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
        )?;
        Ok(row::from_sql(statement.query_row([name], |found| found.get(0))?))
    }
}
