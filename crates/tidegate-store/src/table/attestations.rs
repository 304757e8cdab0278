//! What was signed about builds, and what was seen of them since.

use tidegate_core::model::{BuildId, Name};
use tidegate_core::provenance::{AdmittedBuild, AlteredBuild, Attestation};

use crate::{Reader, StoreError, Tx, row};

const ATTESTATIONS: &str = "attestations";
const ALTERED: &str = "altered_builds";
const ADMITTED: &str = "admitted_builds";

impl Reader {
    /// What was signed about a build; `None`: nothing yet.
    pub fn attestation(&self, build: &BuildId) -> Result<Option<Attestation>, StoreError> {
        self.one(ATTESTATIONS, "SELECT body FROM attestations WHERE build = ?1", [&build.0])
    }

    /// That a build was seen not to be what was signed.
    pub fn altered_build(&self, build: &BuildId) -> Result<Option<AlteredBuild>, StoreError> {
        self.one(ALTERED, "SELECT body FROM altered_builds WHERE build = ?1", [&build.0])
    }

    /// Every build that was seen not to be what was signed.
    pub fn altered_builds(&self) -> Result<Vec<(BuildId, AlteredBuild)>, StoreError> {
        self.each("SELECT body, build FROM altered_builds ORDER BY build", [], |found| {
            Ok((BuildId(found.get(1)?), row::of_row(ALTERED, found)?))
        })
    }

    /// That a build is let into a protected environment whatever is wrong with it.
    pub fn admitted_build(
        &self,
        (app, environment): (&Name, &Name),
        build: &BuildId,
    ) -> Result<Option<AdmittedBuild>, StoreError> {
        self.one(
            ADMITTED,
            "SELECT body FROM admitted_builds WHERE app = ?1 AND environment = ?2 AND build = ?3",
            (app.as_str(), environment.as_str(), &build.0),
        )
    }
}

impl Tx<'_> {
    /// Keeps what was signed about a build, in place of what was. The build must be stored when the transaction ends.
    pub fn put_attestation(&self, build: &BuildId, attestation: &Attestation) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO attestations (build, body) VALUES (?1, ?2)
             ON CONFLICT (build) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (&build.0, row::to_body(ATTESTATIONS, attestation)?),
        )
        .map(drop)
    }

    /// Keeps that a build is not what was signed.
    pub fn put_altered_build(&self, build: &BuildId, altered: &AlteredBuild) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO altered_builds (build, body) VALUES (?1, ?2)
             ON CONFLICT (build) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (&build.0, row::to_body(ALTERED, altered)?),
        )
        .map(drop)
    }

    /// It is what was signed again.
    pub fn remove_altered_build(&self, build: &BuildId) -> Result<(), StoreError> {
        self.write("DELETE FROM altered_builds WHERE build = ?1", [&build.0]).map(drop)
    }

    /// Keeps that a build is let into a protected environment.
    pub fn put_admitted_build(
        &self,
        (app, environment): (&Name, &Name),
        build: &BuildId,
        admitted: &AdmittedBuild,
    ) -> Result<(), StoreError> {
        self.write(
            "INSERT INTO admitted_builds (app, environment, build, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (app, environment, build) DO UPDATE SET body = excluded.body WHERE body <> excluded.body",
            (app.as_str(), environment.as_str(), &build.0, row::to_body(ADMITTED, admitted)?),
        )
        .map(drop)
    }
}
