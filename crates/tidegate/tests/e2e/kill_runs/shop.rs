//! The app whose pipeline writes a journal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use crate::support::{App, Repo};

/// Where users ask for it.
pub const HOST: &str = "shop.localhost";

/// What each version's steps write: every one once, but for the one whose first attempt fails.
pub const WANTED: [&str; 12] = [
    "build begins",
    "build ends",
    "unit begins",
    "unit ends",
    "flaky begins",
    "flaky fails",
    "flaky begins",
    "flaky ends",
    "ask begins",
    "ask ends",
    "after begins",
    "after ends",
];

const MANIFEST: &str = r#"app: shop
build: { run: sh step.sh build }
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, every: 100ms, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { blue-green: { bake: 200ms } }
routes: [{ host: shop.localhost, to: web }]
env: { BEHAVIOUR: good, VERSION: "@VERSION@" }
flags:
  cart: { class: rollout, owner: shop, expires: 2099-12-31 }
pipeline:
  stages:
    build: build
    test:
      steps:
        - { name: unit, run: sh step.sh unit, artifacts: [out], cache: [kept] }
        - { name: flaky, run: sh step.sh flaky, retries: 1 }
    deploy: deploy
    smoke: { smoke: true, steps: [{ name: ask, run: sh step.sh ask }] }
    verify: verify
    release: { release: { cart: "@CART@" } }
    after: { steps: [{ name: after, run: sh step.sh after }] }
"#;

/// What every step is: it writes that it begins, does a little, and writes that it ends.
const STEP: &str = r#"set -eu
say() { echo "@VERSION@ $1" >> "@FOLDER@/journal"; }
say "$1 begins"
case $1 in
    unit) mkdir out; echo made > out/made; mkdir -p kept; echo again >> kept/times; sleep 0.1 ;;
    flaky) mkdir "@FOLDER@/tried-@VERSION@" 2>/dev/null || { test "$(cat out/made)" = made; say "flaky ends"; exit; }
        say "flaky fails"; exit 1 ;;
    ask) test "$(python3 -c "import os, urllib.request as u; print(u.urlopen(os.environ['TIDEGATE_CANDIDATE_URL'] + '/version').read().decode())")" = "@VERSION@" ;;
esac
say "$1 ends"
"#;

/// The app's checkout, and the journal.
pub struct Shop {
    app: App,
    repo: Repo,
    folder: TempDir,
    version: u32,
}

impl Shop {
    pub fn new() -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad");
        let app = App::copy_of(&example, &["app.py"]);
        let folder = tempfile::Builder::new().prefix("tidegate-journal-").tempdir().unwrap();
        // Builds and steps are other users, each of its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let journal = folder.path().join("journal");
        fs::write(&journal, "").unwrap();
        fs::set_permissions(&journal, fs::Permissions::from_mode(0o666)).unwrap();
        fs::write(app.path().join("cart.py"), "client.get_boolean_value(\"cart\", False)\n").unwrap();
        Shop { repo: Repo::of(&app), app, folder, version: 0 }
    }

    /// Writes the files of the next version; its number.
    pub fn next_version(&mut self) -> u32 {
        self.version += 1;
        let cart = if self.version.is_multiple_of(2) { "off" } else { "on" };
        let filled = |text: &str| {
            let folder = self.folder.path().display().to_string();
            let text = text.replace("@VERSION@", &self.version.to_string());
            text.replace("@CART@", cart).replace("@FOLDER@", &folder)
        };
        fs::write(self.app.manifest(), filled(MANIFEST)).unwrap();
        fs::write(self.app.path().join("step.sh"), filled(STEP)).unwrap();
        self.version
    }

    /// Commits them.
    pub fn commit(&self) -> String {
        self.repo.commit(&format!("Version {}", self.version))
    }

    /// Begins a push of them.
    pub fn push(&self, url: &str) -> Child {
        let mut push = self.repo.command(&["push", url, "HEAD:main"]);
        push.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// What the steps of a version wrote.
    pub fn journal(&self, version: u32) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("journal")).unwrap();
        let of = format!("{version} ");
        text.lines().filter_map(|line| line.strip_prefix(&of)).map(str::to_owned).collect()
    }
}
