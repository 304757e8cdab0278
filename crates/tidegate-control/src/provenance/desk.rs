//! Who answers about builds, keys and advisories: reads the store and the files on the thread of whoever asks; the loop is asked to
//! write only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::event::Event;
use tidegate_core::model::{Build, BuildPhase};
use tidegate_core::provenance::{AdmittedBuild, Attestation, claims_of};
use tidegate_core::sbom::Component;
use tidegate_core::view::{AdmittedView, AttestationView, DependencyReport, KeyList, SbomView, VerifyView};
use tidegate_store::Reader;

use super::{Advisories, Kept, Keys, build_meant, opened, verified};
use crate::answer::{place_of, store_trouble};
use crate::handle::Handle;
use crate::plane::{BreakGlass, Refusal, RefusalKind, Scope};
use crate::protection;
use crate::workshop::DirWorkshop;

/// The most builds that are verified or wait for it.
const MOST_WAITING: usize = 8;
/// The longest name of who asks, in characters.
const LONGEST_NAME: usize = 64;

/// What the API may ask about builds, keys and advisories. `what`: `r3`, the number of a run, the beginning of a build's name.
pub trait Provenance: Send + Sync + 'static {
    /// Whether a build is what its attestation says. Takes as long as its files are large.
    fn verify(&self, what: &str, scope: &Scope) -> Result<VerifyView, Refusal>;
    /// What was signed about a build.
    fn attestation(&self, what: &str, scope: &Scope) -> Result<AttestationView, Refusal>;
    /// The list of a build's components.
    fn sbom(&self, what: &str, scope: &Scope) -> Result<SbomView, Refusal>;
    /// Lets a build that is not what was signed into a protected environment, as it is now.
    fn build_admit(&self, what: &str, scope: &Scope, glass: &BreakGlass) -> Result<AdmittedView, Refusal>;
    /// The public halves of the keys.
    fn keys(&self) -> Result<KeyList, Refusal>;
    /// Has a new key sign from now on. `by`: who asks.
    fn key_rotate(&self, by: &str) -> Result<KeyList, Refusal>;
    /// What is known to be wrong with these packages.
    fn advisories(&self, components: &[Component]) -> Result<DependencyReport, Refusal>;
}

/// See the module.
pub struct Desk {
    handle: Arc<Handle>,
    keys: Arc<Keys>,
    advisories: Arc<Advisories>,
    /// One build at a time is read for whoever asks; what is to be started does not wait for them.
    reading: Mutex<()>,
    waiting: AtomicUsize,
}

impl Desk {
    /// One that answers for a control plane.
    pub fn new(handle: Arc<Handle>, keys: Arc<Keys>, advisories: Arc<Advisories>) -> Self {
        Desk { handle, keys, advisories, reading: Mutex::new(()), waiting: AtomicUsize::new(0) }
    }

    /// A build and what was signed about it.
    fn found(&self, what: &str, scope: &Scope) -> Result<(Build, Option<Attestation>), Refusal> {
        self.handle.read(|answers| {
            let build = build_meant(answers.store, what, scope)?;
            let attestation = answers.store.attestation(&build.id).map_err(store_trouble)?;
            Ok((build, attestation))
        })
    }

    fn verified(&self, (build, attestation): &(Build, Option<Attestation>)) -> Result<VerifyView, Refusal> {
        is_there(build)?;
        let dir = DirWorkshop::build_dir(self.handle.data(), &build.id);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MOST_WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let message = format!("{MOST_WAITING} builds are being verified already");
            return Err(Refusal::new(RefusalKind::Environment, "provenance::busy", message)
                .help("ask again in a while"));
        }
        let one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let view = verified(self.handle.data(), (build, &dir), attestation.as_ref(), &self.keys);
        drop(one);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(view)
    }
}

impl Provenance for Desk {
    fn verify(&self, what: &str, scope: &Scope) -> Result<VerifyView, Refusal> {
        self.verified(&self.found(what, scope)?)
    }

    fn attestation(&self, what: &str, scope: &Scope) -> Result<AttestationView, Refusal> {
        let (build, attestation) = self.found(what, scope)?;
        let attestation = attestation.ok_or_else(|| not_attested(&build))?;
        Ok(AttestationView { build: build.id.0, envelope: attestation.envelope })
    }

    fn sbom(&self, what: &str, scope: &Scope) -> Result<SbomView, Refusal> {
        let (build, attestation) = self.found(what, scope)?;
        let attestation = attestation.ok_or_else(|| not_attested(&build))?;
        let document = sbom_of(self.handle.data(), &build, &attestation, &self.keys).map_err(|why| {
            let message = format!("the list of components of build {} cannot be given: {why}", build.id);
            Refusal::new(RefusalKind::Environment, "provenance::no-sbom", message)
                .help(format!("`tidegate verify {}` says more of the build", build.id))
        })?;
        Ok(SbomView { build: build.id.0, document, notes: attestation.notes })
    }

    fn build_admit(&self, what: &str, scope: &Scope, glass: &BreakGlass) -> Result<AdmittedView, Refusal> {
        let found = self.found(what, scope)?;
        let place = self.handle.read(|answers| protected_place(answers.store, scope))?;
        let view = self.verified(&found)?;
        let digest = to_admit(&view)?;
        let (glass, id, admitted) = (glass.clone(), found.0.id.clone(), digest.clone());
        let (app, environment) = place.clone();
        self.handle.ask(move |world, time| {
            let what = format!("let build {id} in, which is not what was signed");
            let why = protection::pass_over(world.store, time, (&app, &environment), &what, &glass)?;
            let by = short(&glass.by);
            let admitted = AdmittedBuild { found: admitted, by, why, at_unix_ms: time.unix_ms };
            let written =
                world.store.transaction(|tx| tx.put_admitted_build((&app, &environment), &id, &admitted));
            written.map_err(store_trouble)
        })?;
        let (app, environment) = (place.0.to_string(), place.1.to_string());
        Ok(AdmittedView { build: found.0.id.0, app, environment, digest })
    }

    fn keys(&self) -> Result<KeyList, Refusal> {
        Ok(self.keys.list())
    }

    fn key_rotate(&self, by: &str) -> Result<KeyList, Refusal> {
        let (keys, by) = (Arc::clone(&self.keys), short(by));
        self.handle.ask(move |world, time| {
            keys.rotate(time.unix_ms).map_err(|error| {
                let message = format!("no other key can be made: {error}");
                Refusal::new(RefusalKind::Environment, "provenance::key", message)
                    .help("the key that signs goes on; see `tidegate doctor`")
            })?;
            let message = format!("{} signs builds from now on, by {by}", keys.current());
            let event = Event::platform("key.rotated", message);
            world.store.transaction(|tx| tx.event(&event, time.unix_ms).map(drop)).map_err(store_trouble)
        })?;
        self.keys()
    }

    fn advisories(&self, components: &[Component]) -> Result<DependencyReport, Refusal> {
        Ok(self.advisories.report(components))
    }
}

/// The list of a build's components, where it is the one that was signed.
pub(super) fn sbom_of(
    data: &std::path::Path,
    build: &Build,
    attestation: &Attestation,
    keys: &Keys,
) -> Result<String, String> {
    let (statement, _) = opened(&attestation.envelope, &keys.public())?;
    let claims = claims_of(&statement).map_err(|why| format!("the statement {why}"))?;
    let digest = claims.sbom.ok_or("its attestation names none")?;
    Kept::of(data, &build.id).sbom(&digest).map_err(|error| error.to_string())
}

fn is_there(build: &Build) -> Result<(), Refusal> {
    let how = match &build.phase {
        BuildPhase::Ready => return Ok(()),
        BuildPhase::Pruned => "was removed to make room",
        BuildPhase::Failed(_) => "failed",
        BuildPhase::Waiting | BuildPhase::Unpacking | BuildPhase::Running(_) | BuildPhase::Sealing => {
            "is not ready yet"
        }
    };
    let message = format!("build {} {how}: there are no files to verify", build.id);
    Err(Refusal::new(RefusalKind::Conflict, "build::not-ready", message)
        .help(format!("its attestation: `tidegate build attestation {}`", build.id)))
}

fn not_attested(build: &Build) -> Refusal {
    let message = format!("build {} has no attestation", build.id);
    Refusal::new(RefusalKind::NotFound, "provenance::not-attested", message)
        .help("a build has one once it is ready: `tidegate verify` says what is the matter")
}

fn protected_place(
    store: &Reader,
    scope: &Scope,
) -> Result<(tidegate_core::model::Name, tidegate_core::model::Name), Refusal> {
    let (app, environment) = place_of(store, scope)?;
    let policy = protection::known(store, &app, &environment).map_err(store_trouble)?;
    if policy.is_some_and(|policy| policy.protected) {
        return Ok((app, environment));
    }
    let message = format!("{environment} is not protected: every build of {app} comes in");
    Err(Refusal::new(RefusalKind::Conflict, "provenance::nothing-to-admit", message))
}

/// The digest of files that are not what was signed.
fn to_admit(view: &VerifyView) -> Result<String, Refusal> {
    if view.genuine {
        let message = "the build is what was signed: it comes in anyway";
        return Err(Refusal::new(RefusalKind::Conflict, "provenance::nothing-to-admit", message));
    }
    view.digest.clone().ok_or_else(|| {
        let message = format!("the build cannot be let in: {}", view.findings.join("; "));
        Refusal::new(RefusalKind::Environment, "provenance::altered-build", message)
            .help("nobody can say which files would be let in: mend what cannot be read first")
    })
}

fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}
