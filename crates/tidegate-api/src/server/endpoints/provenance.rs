//! Builds: whether they are what was signed, what was signed, what they are made of; and the keys.

use axum::Json;
use axum::extract::State;
use tidegate_control::provenance::Provenance;
use tidegate_control::{BreakGlass, Refusal};
use tidegate_core::access::Action;
use tidegate_core::view::{AdmittedView, AttestationView, DependencyReport, KeyList, SbomView, VerifyView};

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
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
        .needs(Action::Read, At::Build)
        .query::<BuildParams>()
        .gives::<VerifyView>(),
        Endpoint::get(ATTESTATION, "build_attestation", "What was signed about a build", attestation)
            .needs(Action::Read, At::Build)
            .query::<BuildParams>()
            .gives::<AttestationView>(),
        Endpoint::get(SBOM, "build_sbom", "The components of a build, as CycloneDX", sbom)
            .needs(Action::Read, At::Build)
            .query::<BuildParams>()
            .gives::<SbomView>(),
        Endpoint::post(
            ADMIT,
            "build_admit",
            "Let a build that is not what was signed into a protected environment",
            admit,
        )
        .needs(Action::Deploy, At::Admitted)
        .breaks_glass(Glass::Body)
        .takes::<AdmitBody>()
        .gives::<AdmittedView>(),
        Endpoint::get(KEYS, "keys", "The public halves of the keys that sign, and that signed", keys)
            .needs(Action::Read, At::Listed)
            .gives::<KeyList>(),
        Endpoint::post(ROTATE, "key_rotate", "Have a new key sign from now on", rotate)
            .needs(Action::Administer, At::Installation)
            .query::<ByParams>()
            .gives::<KeyList>(),
        Endpoint::post(ADVISORIES, "advisories", "What is known to be wrong with packages", advisories)
            .needs(Action::Read, At::Listed)
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

async fn admit(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(body): JsonBody<AdmitBody>,
) -> Answer<AdmittedView> {
    let AdmitBody { build, break_glass } = body;
    let glass = BreakGlass { by: asker.signs(&break_glass.by), ..break_glass };
    ask_desk(&shared, move |desk| desk.build_admit(&build.what, &build.scope(), &glass)).await
}

async fn keys(State(shared): State<Shared>) -> Answer<KeyList> {
    ask_desk(&shared, |desk| desk.keys()).await
}

async fn rotate(
    State(shared): State<Shared>,
    asker: Asker,
    Params(asked): Params<ByParams>,
) -> Answer<KeyList> {
    let by = asker.signs(&asked.by);
    ask_desk(&shared, move |desk| desk.key_rotate(&by)).await
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
