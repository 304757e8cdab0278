//! Changes of settings through the engine, against a world that does nothing.

use std::path::PathBuf;
use std::sync::Arc;

use tidegate_backend::fake::FakeBackend;
use tidegate_config::{Source, load};
use tidegate_core::model::{
    Build, BuildId, BuildPhase, BuildSource, GatewayObservation, Name, Revision, RevisionNo, RevisionSpec,
    RouteTable, SecretVersion, ServiceKey, ServiceState,
};
use tidegate_core::time::Moment;
use tidegate_core::view::SettingChanged;
use tidegate_store::Store;

use super::asked::{ConfigAct, ConfigChange, RemoveSecret, SetParameter, SetSecret};
use super::pin::pinned;
use super::{config, parameter, prune, secret};
use crate::engine::{Engine, EngineConfig, Reports, Time, World, expand_digest};
use crate::intake::Accepted;
use crate::plane::{Refusal, Scope};
use crate::seams::{NoWorkspaces, RouteSink, Step, Workshop};
use crate::source::Hidden;
use crate::vault::Vault;

const MANIFEST: &str = "app: shop
services: { web: { run: serve }, worker: { run: work } }
resources: { db: { url: \"${secret.db_url}\" } }
env: { LOG_LEVEL: info, HOST: \"${param./shop/host}\", CALM: \"$${secret.no}\" }
migrate: { run: migrate }
";
const VALUE: &str = "postgres://ann:hunter2@db/shop";

struct Nothing;

impl RouteSink for Nothing {
    fn push(&mut self, _: &RouteTable) {}
    fn observe(&mut self) -> GatewayObservation {
        GatewayObservation::default()
    }
}

impl Workshop for Nothing {
    fn unpack(&mut self, _: &BuildId, _: &str) {}
    fn seal(&mut self, _: &Build) {}
    fn step(&mut self, _: &BuildId) -> Step {
        Step::Idle
    }
    fn discard(&mut self, _: &BuildId, _: Option<&str>) {}
    fn dir(&self, _: &BuildId) -> PathBuf {
        PathBuf::from("/")
    }
    fn check_folder(&self, _: &BuildId, _: &str) -> Result<(), String> {
        Ok(())
    }
    fn check_file(&self, _: &BuildId, _: &str) -> Result<(), String> {
        Ok(())
    }
}

struct Stage {
    data: tempfile::TempDir,
    store: Store,
    engine: Engine,
    backend: FakeBackend,
    vault: Arc<Vault>,
    now: u64,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn spec() -> RevisionSpec {
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", MANIFEST));
    let manifest = manifest.unwrap_or_else(|| panic!("{diagnostics:?}"));
    Accepted::new(manifest.resolve(&name("production"), &Default::default()).unwrap(), "s".into(), None).spec
}

fn by_ann(act: ConfigAct) -> ConfigChange {
    ConfigChange {
        service: None,
        act,
        expect: None,
        by: "ann".to_owned(),
        why: "slow".to_owned(),
        break_glass: None,
    }
}

fn set(variable: &str, value: &str) -> ConfigChange {
    by_ann(ConfigAct::Set([(variable.to_owned(), value.to_owned())].into()))
}

fn shop(environment: Option<&str>) -> Scope {
    Scope { app: Some(name("shop")), environment: environment.map(name) }
}

fn secret_of(value: &str) -> SetSecret {
    SetSecret {
        name: "db_url".parse().unwrap(),
        value: Hidden::new(value),
        later: false,
        by: "ann".to_owned(),
        break_glass: None,
    }
}

fn host(value: &str, rollout: bool) -> SetParameter {
    SetParameter {
        path: "/shop/host".parse().unwrap(),
        value: value.to_owned(),
        label: None,
        rollout,
        by: "ann".to_owned(),
        why: String::new(),
        break_glass: None,
    }
}

impl Stage {
    fn new() -> Stage {
        let data = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open_or_make(data.path()).unwrap());
        let engine = Engine::new(EngineConfig::default(), Reports::default());
        let (store, backend) = (Store::in_memory().unwrap(), FakeBackend::new());
        Stage { data, store, engine, backend, vault, now: 1_000 }
    }

    fn ask<T>(&mut self, ask: impl FnOnce(&mut World<'_>, Time, &mut Engine) -> T) -> T {
        self.now += 1_000;
        let time = Time { now: Moment(self.now), unix_ms: 1_700_000_000_000 + self.now };
        let (mut routes, mut workshop, mut workspaces) = (Nothing, Nothing, NoWorkspaces);
        let mut world = World {
            store: &mut self.store,
            backend: &mut self.backend,
            routes: &mut routes,
            workshop: &mut workshop,
            workspaces: &mut workspaces,
            repositories: None,
            vault: Some(self.vault.clone()),
        };
        ask(&mut world, time, &mut self.engine)
    }

    fn set_secret(&mut self, asked: &SetSecret) -> Result<SettingChanged, Refusal> {
        self.ask(|world, time, _| secret::set(world, time, &shop(None), asked))
    }

    fn set_own(&mut self, asked: &SetSecret) -> Result<SettingChanged, Refusal> {
        self.ask(|world, time, _| secret::set(world, time, &shop(Some("production")), asked))
    }

    fn set_host(&mut self, asked: &SetParameter) -> Result<SettingChanged, Refusal> {
        self.ask(|world, time, _| parameter::set(world, time, asked))
    }

    fn change(&mut self, asked: &ConfigChange) -> Result<SettingChanged, Refusal> {
        self.ask(|world, time, _| config::change(world, time, &shop(Some("production")), asked))
    }

    fn pass(&mut self) {
        self.ask(|world, time, engine| engine.pass(world, time)).unwrap();
    }

    /// Everything is set, and r1 serves.
    fn serving() -> Stage {
        let mut stage = Stage::new();
        stage.set_secret(&secret_of(VALUE)).unwrap();
        stage.set_host(&host("db1", false)).unwrap();
        let mut spec = spec();
        let place = (&name("shop"), &name("production"));
        spec.settings = pinned(&stage.store, place, &spec).unwrap().settings;
        let build = Build {
            id: spec.build.clone(),
            app: name("shop"),
            snapshot: "s".to_owned(),
            run: None,
            within_ms: 1_000,
            phase: BuildPhase::Ready,
            content: Some("c".to_owned()),
            size: 1,
            source: BuildSource::default(),
            made_at_unix_ms: 1,
        };
        let revision = Revision {
            app: name("shop"),
            environment: name("production"),
            number: RevisionNo(1),
            digest: crate::digest::digest_json(&spec),
            spec,
            commit: None,
            dirty: false,
            made_at_unix_ms: 1,
        };
        let written = stage.store.transaction(|tx| {
            tx.put_build(&build)?;
            assert_eq!(tx.next_revision(place.0, place.1)?, RevisionNo(1));
            tx.put_revision(&revision)?;
            ["web", "worker"].iter().try_for_each(|service| {
                let (app, environment) = (place.0.clone(), place.1.clone());
                let key = ServiceKey { app, environment, service: name(service) };
                tx.put_service(&ServiceState { stable: Some(RevisionNo(1)), ..ServiceState::new(key) })
            })
        });
        written.unwrap();
        stage
    }

    fn revision(&self, number: u32) -> Option<Revision> {
        self.store.revision(&name("shop"), &name("production"), RevisionNo(number)).unwrap()
    }

    /// All that is stored, as text.
    fn stored(&self) -> String {
        let deploys = self.store.deploys_of(&name("shop"), &name("production"), 100).unwrap();
        let revisions = self.store.revisions_of(&name("shop"), &name("production")).unwrap();
        let secrets = self.store.secret_versions().unwrap();
        let events = self.store.events(0, &Default::default(), 1_000).unwrap();
        let events: Vec<String> = events.iter().map(|event| event.event.message.clone()).collect();
        let jobs = self.store.jobs().unwrap();
        serde_json::to_string(&(deploys, revisions, secrets, events, jobs)).unwrap()
    }
}

#[test]
fn what_is_missing_is_named_with_what_to_type() {
    let stage = Stage::new();
    let (app, environment) = (name("shop"), name("production"));
    let pinned = pinned(&stage.store, (&app, &environment), &spec()).unwrap();
    let refusal = pinned.problem((&app, &environment)).unwrap();
    assert_eq!(refusal.code, "secret::missing");
    assert_eq!(
        refusal.message,
        "shop in production refers to what is not set: secret.db_url, param./shop/host"
    );
    assert!(refusal.help.unwrap().starts_with("`tidegate secret set db_url --app shop -e production`"));
}

#[test]
fn a_change_of_configuration_is_a_version_a_revision_and_no_build() {
    let mut stage = Stage::serving();
    let changed = stage.change(&set("LOG_LEVEL", "debug")).unwrap();
    assert_eq!(
        (changed.what.as_str(), changed.changes.as_slice()),
        ("config v1", &["LOG_LEVEL is set".to_owned()][..])
    );
    assert!(changed.rollouts[0].deploy.is_some());
    stage.pass();
    let [before, after] = [1, 2].map(|number| stage.revision(number).unwrap().spec);
    assert_eq!((before.build, before.services), (after.build, after.services), "only its settings differ");
    assert_eq!(after.settings.over(&Default::default(), None)["LOG_LEVEL"], "debug");
    let refused = stage.change(&set("LOG_LEVEL", "debug")).unwrap_err();
    assert_eq!(refused.code, "config::unchanged");
    let stale = ConfigChange { expect: Some(0), ..set("LOG_LEVEL", "warn") };
    assert_eq!(stage.change(&stale).unwrap_err().code, "config::version");
    stage.change(&by_ann(ConfigAct::Rollback(0))).unwrap();
    stage.pass();
    assert_eq!(
        stage.store.peek_revision(&name("shop"), &name("production")).unwrap(),
        RevisionNo(3),
        "it is r1 again"
    );
}

#[test]
fn what_cannot_be_started_is_refused_before_anything_changes() {
    let mut stage = Stage::serving();
    for (variable, value, code) in [
        ("DB", "${secret.gone}", "secret::missing"),
        ("DB", "${param./gone}", "parameter::missing"),
        ("DB", "${secret.x", "config::reference"),
        ("PORT", "80", "config::variable"),
        ("A B", "x", "config::variable"),
    ] {
        assert_eq!(stage.change(&set(variable, value)).unwrap_err().code, code, "{variable}={value}");
    }
    assert!(stage.store.newest_config(&name("shop"), &name("production")).unwrap().is_none());
    assert!(stage.store.open_deploys().unwrap().is_empty());
}

#[test]
fn a_new_value_of_a_secret_is_a_revision_and_is_stored_nowhere() {
    let mut stage = Stage::serving();
    let changed = stage.set_secret(&secret_of("postgres://ann:correct-horse@db2/shop")).unwrap();
    assert!(changed.rollouts[0].deploy.is_some(), "{changed:?}");
    stage.pass();
    let [before, after] = [1, 2].map(|number| stage.revision(number).unwrap().spec);
    assert_eq!(before.settings.changes_to(&after.settings), ["secret.db_url v1 → v2"]);
    assert_ne!(expand_digest(&before), expand_digest(&after), "another database is another migration");
    let own = stage.set_own(&secret_of("postgres://own")).unwrap();
    assert_eq!(own.rollouts.len(), 1);
    stage.pass();
    assert!(!stage.revision(3).unwrap().spec.settings.secrets.values().any(|pinned| pinned.wide));
    let same = stage.set_own(&secret_of("postgres://own")).unwrap_err();
    assert_eq!(same.code, "secret::unchanged");
    let stored = stage.stored();
    for value in ["hunter2", "correct-horse", "postgres://own"] {
        assert!(!stored.contains(value), "{value}");
    }
    let list = secret::list(&stage.store, &Scope { app: Some(name("shop")), environment: None }).unwrap();
    assert_eq!(list.secrets.len(), 2);
    assert!(!serde_json::to_string(&list).unwrap().contains("postgres"));
}

#[test]
fn what_is_used_is_not_removed_and_what_is_not_goes() {
    let mut stage = Stage::serving();
    let remove = |name: &str| RemoveSecret { name: name.parse().unwrap(), by: "ann".to_owned() };
    let refused =
        stage.ask(|world, time, _| secret::remove(world, time, &shop(None), &remove("db_url"))).unwrap_err();
    assert_eq!(refused.code, "secret::in-use");
    let other = SetSecret { name: "other".parse().unwrap(), ..secret_of("something else") };
    stage.set_secret(&other).unwrap();
    stage.ask(|world, time, _| secret::remove(world, time, &shop(None), &remove("other"))).unwrap();
    let gone =
        stage.ask(|world, time, _| secret::remove(world, time, &shop(None), &remove("other"))).unwrap_err();
    assert_eq!(gone.code, "secret::unknown");
    assert_eq!(stage.set_secret(&other).unwrap().what, "secret.other v3", "numbers are not given twice");
}

#[test]
fn versions_stay_as_long_as_a_revision_refers_to_them() {
    let mut stage = Stage::serving();
    for number in 0..3 {
        stage.set_secret(&SetSecret { later: true, ..secret_of(&format!("value number {number}")) }).unwrap();
    }
    prune::prune(&mut stage.store).unwrap();
    let kept: Vec<u32> =
        stage.store.secret_versions().unwrap().iter().map(|version| version.version).collect();
    assert_eq!(kept, [1, 4], "what r1 has, and the newest");
    let open = |version: &SecretVersion| stage.vault.value(version).unwrap();
    assert_eq!(open(&stage.store.secret_versions().unwrap()[0]), VALUE);
}

#[test]
fn a_parameter_reaches_who_refers_to_it_when_that_is_asked_for() {
    let mut stage = Stage::serving();
    let told = stage.set_host(&host("db2", false)).unwrap();
    assert!(told.rollouts.len() == 1 && told.rollouts[0].deploy.is_none(), "{told:?}");
    assert!(stage.store.open_deploys().unwrap().is_empty());
    let rolled = stage.set_host(&host("db3", true)).unwrap();
    assert!(rolled.rollouts[0].deploy.is_some());
    stage.pass();
    let after = stage.revision(2).unwrap().spec.settings;
    assert_eq!(after.parameters["param./shop/host"].value, "db3");
}

#[test]
fn a_revision_without_settings_is_known_by_the_digest_it_always_had() {
    let mut plain = spec();
    plain.migrate.iter_mut().for_each(|migrate| migrate.env.clear());
    let before = expand_digest(&plain);
    let config = tidegate_core::setting::Configured::default();
    plain.settings.config = Some(config);
    assert_eq!(expand_digest(&plain), before);
    assert!(!serde_json::to_string(&spec()).unwrap().contains("settings"));
}

#[test]
fn the_data_directory_has_the_key_and_no_value() {
    let stage = Stage::serving();
    let text = std::fs::read_to_string(stage.data.path().join("keys/secrets.age")).unwrap();
    assert!(text.contains("AGE-SECRET-KEY-1") && !text.contains("hunter2"));
}
