//! A smoke test stands between a candidate and its users: it asks the candidate, they get what they had. What it says decides.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_core::view::PipelineList;
use tidegate_store::Reader;

use crate::support::{App, Process, Repo, Tidegate, eventually, get, get_with};

const HOST: &str = "shop.localhost";
const WITHIN: Duration = Duration::from_secs(20);

const MANIFEST: &str = r#"app: shop
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, every: 100ms, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { canary: { steps: [50% for 1s, 100%], bake: 100ms } }
routes: [{ host: shop.localhost, to: web }]
env: { BEHAVIOUR: good, VERSION: "@VERSION@" }
pipeline:
  stages:
    deploy: deploy
    smoke:
      smoke: true
      steps: [{ name: ask, run: sh ask.sh }]
    verify: verify
"#;

/// Tells all it knows, then waits to be told how it ends.
const ASK: &str = r#"env | sort
echo "candidate=$TIDEGATE_CANDIDATE_URL web=$TIDEGATE_CANDIDATE_URL_WEB"
touch @FOLDER@/asks
while ! [ -e @FOLDER@/ends ]; do sleep 0.05; done
exit "$(cat @FOLDER@/ends)"
"#;

struct Stage {
    tidegate: Tidegate,
    app: App,
    repo: Repo,
    url: String,
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad");
        let (tidegate, app) = (Tidegate::up(), App::copy_of(&example, &["app.py"]));
        let folder = tempfile::Builder::new().prefix("tidegate-smoke-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let url = String::from_utf8(tidegate.run(&["git", "url", "shop"]).stdout).unwrap().trim().to_owned();
        Stage { repo: Repo::of(&app), tidegate, app, url, folder }
    }

    /// Pushes a version and goes on once its smoke test asks.
    fn push(&self, version: u32) -> Child {
        for mark in ["asks", "ends"] {
            let _ = fs::remove_file(self.folder.path().join(mark));
        }
        let folder = self.folder.path().display().to_string();
        fs::write(self.app.manifest(), MANIFEST.replace("@VERSION@", &version.to_string())).unwrap();
        fs::write(self.app.path().join("ask.sh"), ASK.replace("@FOLDER@", &folder)).unwrap();
        self.repo.commit(&format!("Version {version}"));
        let mut push = self.repo.command(&["push", &self.url, "HEAD:main"]);
        let mut push = push.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the smoke test asks", WITHIN, || {
            assert!(push.try_wait().unwrap().is_none(), "the push ended");
            self.folder.path().join("asks").exists().then_some(())
        });
        push
    }

    /// Ends the smoke test; what the push said.
    fn end(&self, push: Child, code: &str) -> (bool, String) {
        let ends = self.folder.path().join("ends.new");
        fs::write(&ends, code).unwrap();
        fs::rename(ends, self.folder.path().join("ends")).unwrap();
        let output = push.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn version(&self, fields: &str) -> String {
        get_with(self.tidegate.gateway(), HOST, "/version", fields).unwrap().body
    }

    /// The secret of the rollout in progress, as only the database has it.
    fn secret(&self) -> String {
        let store = Reader::open(&self.tidegate.data().join("tidegate.db")).unwrap();
        let rollouts = store.active_rollouts().unwrap();
        rollouts.iter().find_map(|rollout| Some(rollout.smoke.as_ref()?.secret.clone())).unwrap()
    }

    /// Where the smoke test was sent: host and port.
    fn told(&self) -> String {
        let said = self.said(&["pipeline", "logs", "--stage", "smoke"]);
        let line = said.lines().find(|line| line.contains("candidate=")).unwrap_or_else(|| panic!("{said}"));
        let urls: Vec<&str> =
            line.split_whitespace().filter_map(|word| word.split_once('=')).map(|(_, url)| url).collect();
        assert!(urls.len() == 2 && urls[0] == urls[1], "{line}");
        urls[0].strip_prefix("http://").unwrap().to_owned()
    }

    fn said(&self, args: &[&str]) -> String {
        let output = self.tidegate.run(args);
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
    }

    /// Nobody is told the secret: no answer, no event, no log, no process.
    fn keeps(&self, secret: &str) {
        let list: PipelineList = serde_json::from_str(&self.said(&["pipeline", "list", "--json"])).unwrap();
        let run = list.runs[0].run.to_string();
        for args in [
            &["status", "--json"][..],
            &["events", "--json"],
            &["rollout", "show", "web", "--json"],
            &["pipeline", "show", &run, "--json"],
            &["pipeline", "logs", &run],
            &["explain", "--json"],
            &["logs"],
            &["doctor"],
        ] {
            assert!(!self.said(args).contains(secret), "{args:?} tells it");
        }
        assert!(!self.tidegate.control_log().contains(secret));
        for folder in ["logs", "units", "gateway/gateway.log"] {
            let told =
                files(&self.tidegate.data().join(folder)).into_iter().find(|(_, text)| text.contains(secret));
            assert!(told.is_none(), "{told:?}");
        }
        for process in Process::all_of(&self.tidegate.data()) {
            let environment = fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
            let told = [process.command.clone(), String::from_utf8_lossy(&environment).into_owned()];
            assert!(!told.iter().any(|text| text.contains(secret)), "{process:?}");
        }
    }
}

fn files(path: &Path) -> Vec<(String, String)> {
    if path.is_file() {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        return vec![(path.display().to_string(), text)];
    }
    let items = fs::read_dir(path).map(|items| items.flatten().collect()).unwrap_or_else(|_| Vec::new());
    items.iter().flat_map(|item| files(&item.path())).collect()
}

#[test]
fn a_candidate_is_asked_before_it_has_users_and_goes_back_where_it_fails() {
    let stage = Stage::new();
    let first = stage.push(1);
    assert!(stage.end(first, "0").0, "{}", stage.tidegate.story());
    assert_eq!(stage.version(""), "1\n");

    let push = stage.push(2);
    let (candidate, secret) = (stage.told(), stage.secret());
    let direct = get(candidate.parse().unwrap(), HOST, "/version").unwrap();
    assert_eq!(direct.body, "2\n", "the smoke test is sent to the candidate");
    for _ in 0..50 {
        assert_eq!(stage.version(""), "1\n", "a user met it before its smoke test");
    }
    assert_eq!(stage.version("tidegate-candidate: guessed\r\n"), "1\n");
    assert_eq!(stage.version(&format!("tidegate-candidate: {secret}\r\n")), "2\n");
    stage.keeps(&secret);
    let (well, said) = stage.end(push, "0");
    assert!(well && said.contains("smoke succeeded") && said.contains("verify succeeded"), "{said}");
    assert_eq!(stage.version(""), "2\n");

    // One that is told to fail: its candidate goes, and no user has met it.
    let push = stage.push(3);
    let (candidate, secret) = (stage.told(), stage.secret());
    let (_, said) = stage.end(push, "4");
    assert!(said.contains("smoke FAILED") && said.contains("exit code 4"), "{said}");
    eventually("the candidate is gone", WITHIN, || {
        assert_eq!(stage.version(""), "2\n");
        get(candidate.parse().unwrap(), HOST, "/version").is_err().then_some(())
    });
    let service = stage.tidegate.wait_for("it is at rest", WITHIN, |service| service.phase == "idle");
    assert_eq!(service.stable.unwrap().revision.0, 2);
    assert_eq!(
        stage.version(&format!("tidegate-candidate: {secret}\r\n")),
        "2\n",
        "the secret is worth nothing any more"
    );
    let why = stage.tidegate.explain();
    assert!(format!("{why:?}").contains("smoke"), "{why:?}");
    stage.keeps(&secret);
}
