//! What is asked about builds and keys reaches who answers; where nobody does, that is said.

use std::sync::{Arc, Mutex};

use tidegate_api::ProvenanceDesk;
use tidegate_api::wire::{AdmitBody, BuildParams};
use tidegate_control::provenance::Provenance;
use tidegate_control::{BreakGlass, Refusal, RefusalKind, Scope};
use tidegate_core::sbom::{Component, Ecosystem};
use tidegate_core::view::{AdmittedView, AttestationView, DependencyReport, KeyList, SbomView, VerifyView};

use crate::server::Server;
use crate::stub::Stub;

/// Remembers what it was asked, and refuses.
#[derive(Default)]
struct Desk(Mutex<Vec<String>>);

impl Desk {
    fn call<T>(&self, call: String) -> Result<T, Refusal> {
        self.0.lock().unwrap().push(call);
        Err(Refusal::new(RefusalKind::Conflict, "desk::closed", "it is closed"))
    }

    fn of<T>(&self, call: &str, what: &str, scope: &Scope) -> Result<T, Refusal> {
        let names = [&scope.app, &scope.environment].map(|name| name.as_ref().map(ToString::to_string));
        self.call(format!("{call} {what} {}", names.map(Option::unwrap_or_default).join("/")))
    }
}

impl Provenance for Desk {
    fn verify(&self, what: &str, scope: &Scope) -> Result<VerifyView, Refusal> {
        self.of("verify", what, scope)
    }
    fn attestation(&self, what: &str, scope: &Scope) -> Result<AttestationView, Refusal> {
        self.of("attestation", what, scope)
    }
    fn sbom(&self, what: &str, scope: &Scope) -> Result<SbomView, Refusal> {
        self.of("sbom", what, scope)
    }
    fn build_admit(&self, what: &str, scope: &Scope, glass: &BreakGlass) -> Result<AdmittedView, Refusal> {
        self.of(&format!("admit by {} because {}", glass.by, glass.why), what, scope)
    }
    fn keys(&self) -> Result<KeyList, Refusal> {
        self.call("keys".to_owned())
    }
    fn key_rotate(&self, by: &str) -> Result<KeyList, Refusal> {
        self.call(format!("rotate by {by}"))
    }
    fn advisories(&self, components: &[Component]) -> Result<DependencyReport, Refusal> {
        self.call(format!("advisories of {}", components[0].purl()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_about_builds_reaches_who_answers() {
    let desk = Arc::new(Desk::default());
    let asked: Arc<dyn Provenance> = desk.clone();
    let server =
        Server::start_with(Stub::default(), |config| config.provenance = Some(ProvenanceDesk(asked)));
    let client = server.unix();
    let scope = Scope { app: Some("shop".parse().unwrap()), environment: Some("live".parse().unwrap()) };
    let build = BuildParams::new("r3", scope);
    let _ = client.build_verify(&build).await;
    let _ = client.build_attestation(&build).await;
    let _ = client.build_sbom(&build).await;
    let break_glass = BreakGlass { by: "ann".to_owned(), why: "it burns".to_owned() };
    let _ = client.build_admit(&AdmitBody { build, break_glass }).await;
    let _ = client.keys().await;
    let _ = client.key_rotate("ann").await;
    let component = Component {
        ecosystem: Ecosystem::Npm,
        name: "a".to_owned(),
        version: "1".to_owned(),
        hashes: Vec::new(),
        licences: Vec::new(),
    };
    let refused = client.advisories(vec![component]).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, "desk::closed");
    let expected = [
        "verify r3 shop/live",
        "attestation r3 shop/live",
        "sbom r3 shop/live",
        "admit by ann because it burns r3 shop/live",
        "keys",
        "rotate by ann",
        "advisories of pkg:npm/a@1",
    ];
    assert_eq!(*desk.0.lock().unwrap(), expected);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_answers_about_builds_that_is_said() {
    let server = Server::start(Stub::default());
    let answer = server.ask_with_token("GET /v1/builds/verify?what=r3", "");
    assert_eq!((answer.status, answer.code().as_str()), (503, "provenance::unavailable"));
    assert_eq!(server.ask_with_token("GET /v1/builds/verify?app=UPPER%20CASE", "").status, 400);
    server.stop().await;
}
