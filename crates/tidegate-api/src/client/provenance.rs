//! The client's calls about builds and keys.

use tidegate_core::sbom::Component;
use tidegate_core::view::{AdmittedView, AttestationView, DependencyReport, KeyList, SbomView, VerifyView};

use super::request::Ask;
use super::{Client, ClientError};
use crate::wire::{AdmitBody, BuildParams, ByParams, DependenciesBody};

impl Client {
    /// Whether a build is what was signed. Takes as long as its files are large.
    pub async fn build_verify(&self, build: &BuildParams) -> Result<VerifyView, ClientError> {
        self.json(Ask::get("/v1/builds/verify").query(build)?).await
    }

    /// What was signed about a build.
    pub async fn build_attestation(&self, build: &BuildParams) -> Result<AttestationView, ClientError> {
        self.json(Ask::get("/v1/builds/attestation").query(build)?).await
    }

    /// The components of a build.
    pub async fn build_sbom(&self, build: &BuildParams) -> Result<SbomView, ClientError> {
        self.json(Ask::get("/v1/builds/sbom").query(build)?).await
    }

    /// Lets a build that is not what was signed into a protected environment.
    pub async fn build_admit(&self, body: &AdmitBody) -> Result<AdmittedView, ClientError> {
        self.json(Ask::post("/v1/builds/admit").body(body)?).await
    }

    /// The public halves of the keys.
    pub async fn keys(&self) -> Result<KeyList, ClientError> {
        self.json(Ask::get("/v1/keys")).await
    }

    /// Has a new key sign from now on.
    pub async fn key_rotate(&self, by: &str) -> Result<KeyList, ClientError> {
        self.json(Ask::post("/v1/keys/rotate").query(&ByParams { by: by.to_owned() })?).await
    }

    /// What is known to be wrong with packages.
    pub async fn advisories(&self, components: Vec<Component>) -> Result<DependencyReport, ClientError> {
        self.json(Ask::post("/v1/advisories").body(&DependenciesBody { components })?).await
    }
}
