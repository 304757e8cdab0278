//! Builds: whether they are what was signed, what was signed, what they are made of; and the keys.

use axum::Json;
use axum::extract::State;
use tidegate_control::Refusal;
use tidegate_control::provenance::Provenance;
use tidegate_core::view::{AdmittedView, AttestationView, DependencyReport, KeyList, SbomView, VerifyView};

use crate::server::Shared;
use crate::server::ask::Answer;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::server::problem::Refused;
use crate::wire::{AdmitBody, BuildParams, ByParams, DependenciesBody};

const VERIFY: &str = "/v1/builds/verify";
const ATTESTATION: &str = "/v1/builds/attestation";
const SBOM: &str = "/v1/builds/sbom";
const ADMIT: &str = "/v1/builds/admit";
const KEYS: &str = "/v1/keys";
const ROTATE: &str = "/v1/keys/rotate";
const ADVISORIES: &str = "/v1/advisories";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            VERIFY,
            "build_verify",
            "Whether a build is what was signed, its files read again",
            verify,
        )
        .query::<BuildParams>()
        .gives::<VerifyView>(),
        Endpoint::get(ATTESTATION, "build_attestation", "What was signed about a build", attestation)
            .query::<BuildParams>()
            .gives::<AttestationView>(),
        Endpoint::get(SBOM, "build_sbom", "The components of a build, as CycloneDX", sbom)
            .query::<BuildParams>()
            .gives::<SbomView>(),
        Endpoint::post(
            ADMIT,
            "build_admit",
            "Let a build that is not what was signed into a protected environment",
            admit,
        )
        .takes::<AdmitBody>()
        .gives::<AdmittedView>(),
        Endpoint::get(KEYS, "keys", "The public halves of the keys that sign, and that signed", keys)
            .gives::<KeyList>(),
        Endpoint::post(ROTATE, "key_rotate", "Have a new key sign from now on", rotate)
            .query::<ByParams>()
            .gives::<KeyList>(),
        Endpoint::post(ADVISORIES, "advisories", "What is known to be wrong with packages", advisories)
            .takes::<DependenciesBody>()
            .gives::<DependencyReport>(),
    ]
}

async fn verify(State(shared): State<Shared>, Params(asked): Params<BuildParams>) -> Answer<VerifyView> {
    ask_desk(&shared, move |desk| desk.verify(&asked.what.clone(), &asked.scope())).await
}

async fn attestation(
    State(shared): State<Shared>,
    Params(asked): Params<BuildParams>,
) -> Answer<AttestationView> {
    ask_desk(&shared, move |desk| desk.attestation(&asked.what.clone(), &asked.scope())).await
}

async fn sbom(State(shared): State<Shared>, Params(asked): Params<BuildParams>) -> Answer<SbomView> {
    ask_desk(&shared, move |desk| desk.sbom(&asked.what.clone(), &asked.scope())).await
}

async fn admit(State(shared): State<Shared>, JsonBody(body): JsonBody<AdmitBody>) -> Answer<AdmittedView> {
    ask_desk(&shared, move |desk| desk.build_admit(&body.build.what, &body.build.scope(), &body.break_glass))
        .await
}

async fn keys(State(shared): State<Shared>) -> Answer<KeyList> {
    ask_desk(&shared, |desk| desk.keys()).await
}

async fn rotate(State(shared): State<Shared>, Params(asked): Params<ByParams>) -> Answer<KeyList> {
    ask_desk(&shared, move |desk| desk.key_rotate(&asked.by)).await
}

async fn advisories(
    State(shared): State<Shared>,
    JsonBody(body): JsonBody<DependenciesBody>,
) -> Answer<DependencyReport> {
    ask_desk(&shared, move |desk| desk.advisories(&body.components)).await
}

/// Asks who answers about builds, on the blocking pool.
async fn ask_desk<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn Provenance) -> Result<T, Refusal> + Send + 'static,
) -> Answer<T> {
    let desk = shared.provenance.clone().ok_or_else(unavailable)?;
    match tokio::task::spawn_blocking(move || call(&*desk.0)).await {
        Ok(answer) => Ok(Json(answer?)),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

fn unavailable() -> Refusal {
    let message = "this server does not answer about builds";
    Refusal::new(tidegate_control::RefusalKind::Environment, "provenance::unavailable", message)
        .help("ask one that was started by `tidegate up`")
}
