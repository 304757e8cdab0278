//! Revisions: written once, never changed.

use std::collections::BTreeSet;

use tidegate_core::model::{Name, Revision, RevisionNo};

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "revisions";

impl Reader {
    /// A revision by its number. It never changes and its number is never given again, so a caller may keep it.
    pub fn revision(
        &self,
        app: &Name,
        environment: &Name,
        number: RevisionNo,
    ) -> Result<Option<Revision>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM revisions WHERE app = ?1 AND environment = ?2 AND number = ?3",
            (app.as_str(), environment.as_str(), number.0),
        )
    }

    /// The revision with this digest: the one a deploy of the same input is again.
    pub fn revision_by_digest(
        &self,
        app: &Name,
        environment: &Name,
        digest: &str,
    ) -> Result<Option<Revision>, StoreError> {
        self.one(
            TABLE,
            "SELECT body FROM revisions WHERE app = ?1 AND environment = ?2 AND digest = ?3",
            (app.as_str(), environment.as_str(), digest),
        )
    }

    /// Every revision of an environment.
    pub fn revisions_of(&self, app: &Name, environment: &Name) -> Result<Vec<Revision>, StoreError> {
        self.many(
            TABLE,
            "SELECT body FROM revisions WHERE app = ?1 AND environment = ?2 ORDER BY number",
            (app.as_str(), environment.as_str()),
        )
    }
}

impl Tx<'_> {
    /// Keeps a revision. Its build must be stored when the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where its number or its digest is taken by another one.
    pub fn put_revision(&self, revision: &Revision) -> Result<(), StoreError> {
        let Revision { app, environment, number, digest, .. } = revision;
        if self.revision(app, environment, *number)?.is_some_and(|stored| stored == *revision) {
            return Ok(());
        }
        self.write(
            "INSERT INTO revisions (app, environment, number, digest, build, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                app.as_str(),
                environment.as_str(),
                number.0,
                digest,
                &revision.spec.build.0,
                row::to_body(TABLE, revision)?,
            ),
        )?;
        Ok(())
    }

    /// Forgets an environment's revisions but the newest `keep` and those in `needed` (what serves, what a rollback
    /// goes to, what a rollout moves); how many. Their numbers are not given again.
    pub fn prune_revisions(
        &self,
        app: &Name,
        environment: &Name,
        keep: usize,
        needed: &BTreeSet<RevisionNo>,
    ) -> Result<usize, StoreError> {
        let numbers = self.each(
            "SELECT number FROM revisions WHERE app = ?1 AND environment = ?2 ORDER BY number DESC",
            (app.as_str(), environment.as_str()),
            |found| Ok(RevisionNo(found.get(0)?)),
        )?;
        let mut removed = 0;
        for number in numbers.into_iter().skip(keep).filter(|number| !needed.contains(number)) {
            removed += self.write(
                "DELETE FROM revisions WHERE app = ?1 AND environment = ?2 AND number = ?3",
                (app.as_str(), environment.as_str(), number.0),
            )?;
        }
        Ok(removed)
    }
}
