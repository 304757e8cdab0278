//! Numbers that are given out once. They are kept apart from the rows they name, so that no number is given again
//! after its row was removed.

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
}

impl Counter {
    const fn name(self) -> &'static str {
        match self {
            Counter::Instance => "instance",
            Counter::Rollout => "rollout",
            Counter::Deploy => "deploy",
        }
    }
}

impl Tx<'_> {
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
