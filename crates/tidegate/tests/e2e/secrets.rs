//! Secrets reach who needs them and nobody else: whatever an app, a crash or a test does with one, no file of the data directory has it
//! and no answer.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tidegate_core::model::{BuildId, RevisionNo};
use tidegate_store::Reader;

use crate::support::{App, Repo, Tidegate, eventually, get};

const HOST: &str = "shop.localhost";
const LONG: Duration = Duration::from_secs(30);
const FIRST: &str = "postgres://ann:hunter2+q/é@db.internal/shop";
const SECOND: &str = "postgres://ann:correct horse/é@db2.internal/shop";

const MANIFEST: &str = r#"app: shop
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, every: 100ms, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { blue-green: { bake: 300ms } }
routes: [{ host: shop.localhost, to: web }]
resources: { db: { url: "${secret.db_url}" } }
pipeline:
  stages:
    test:
      steps: [{ name: unit, run: sh unit.sh, secrets: [db_url], reports: report.xml }]
    deploy: deploy
"#;

/// Tells its secret in every way there is, and which one it has by a digest.
const APP: &str = r#"
import base64, hashlib, http.server, json, os, threading, time, urllib.parse
value = os.environ["DB_URL"]
half = len(value) // 2
os.write(1, ("split " + value[:half]).encode())
time.sleep(0.3)
os.write(1, (value[half:] + " whole\n").encode())
os.write(1, ("base64 " + base64.b64encode(value.encode()).decode() + "\n").encode())
os.write(1, ("header " + base64.b64encode(("u:" + value).encode()).decode() + "\n").encode())
os.write(2, ("address " + urllib.parse.quote(value, safe="") + " " + urllib.parse.quote_plus(value) + "\n").encode())
os.write(2, ("json " + json.dumps({"url": value}) + json.dumps({"url": value}, ensure_ascii=False) + "\n").encode())
if os.environ.get("CRASH"):
    raise SystemExit("cannot reach " + value)

def beat():
    while True:
        os.write(1, ("beat " + value + "\n").encode())
        time.sleep(0.1)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = hashlib.sha256(value.encode()).hexdigest().encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

threading.Thread(target=beat, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// A test that fails and tells its secret, in its output and in its report.
const UNIT: &str = r#"echo "with $db_url"
echo "<testsuite tests='1' failures='1'><testcase name='it'><failure message='no $db_url'/></testcase></testsuite>" > report.xml
exit 1
"#;

struct Stage {
    tidegate: Tidegate,
    app: App,
}

impl Stage {
    fn new() -> Stage {
        let (tidegate, app) = (Tidegate::up(), App::copy_of(Path::new("/"), &[]));
        for (name, text) in [("tidegate.yaml", MANIFEST), ("app.py", APP), ("unit.sh", UNIT)] {
            fs::write(app.path().join(name), text).unwrap();
        }
        Stage { tidegate, app }
    }

    fn set(&self, value: &str) -> Output {
        let mut command = self.tidegate.command(&["secret", "set", "db_url", "--app", "shop"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{value}\n").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn said(&self, args: &[&str]) -> String {
        let output = self.tidegate.run(args);
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
    }

    fn idle_at(&self, revision: u32) {
        self.tidegate.wait_for("it is at rest", LONG, |service| {
            let stable =
                service.stable.as_ref().is_some_and(|stable| stable.revision == RevisionNo(revision));
            service.phase == "idle" && stable
        });
    }

    /// Which secret the app has, by its digest.
    fn has(&self, value: &str) -> bool {
        get(self.tidegate.gateway(), HOST, "/").unwrap().body == sha256(value)
    }

    fn build_of(&self, revision: u32) -> BuildId {
        let store = Reader::open(&self.tidegate.data().join("tidegate.db")).unwrap();
        let (app, environment) = ("shop".parse().unwrap(), "production".parse().unwrap());
        store.revision(&app, &environment, RevisionNo(revision)).unwrap().unwrap().spec.build
    }
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What no file may have: the values, parts of them that say enough, and what they are encoded as.
fn tells() -> Vec<String> {
    let plain = [FIRST, SECOND, "hunter2", "correct horse", "correct%20horse", "correct+horse", "hunter2%2B"];
    let base64 = [
        "cG9zdGdyZXM6Ly9hbm46aHVudGVyMitxL8Op",     // of the first
        "cG9zdGdyZXM6Ly9hbm46Y29ycmVjdCBob3JzZS",   // of the second
        "dTpwb3N0Z3JlczovL2FubjpodW50ZXIy",         // of `u:` and the first
        "dTpwb3N0Z3JlczovL2Fubjpjb3JyZWN0IGhvcnNl", // of `u:` and the second
    ];
    plain.iter().chain(&base64).map(|text| (*text).to_owned()).collect()
}

fn files_that_tell(path: &Path, tells: &[String], found: &mut Vec<String>) {
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        let items = fs::read_dir(path).map(|items| items.flatten().collect()).unwrap_or_else(|_| Vec::new());
        items.iter().for_each(|item| files_that_tell(&item.path(), tells, found));
        return;
    }
    let Ok(bytes) = fs::read(path) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let told = tells.iter().filter(|told| text.contains(told.as_str()));
    found.extend(told.map(|told| format!("{}: {told}", path.display())));
}

#[test]
fn a_secret_is_in_no_file_and_no_answer() {
    let mut stage = Stage::new();
    let refused = stage.tidegate.command(&["deploy"]).arg(stage.app.path()).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("secret.db_url") && refused.contains("tidegate secret set db_url"), "{refused}");

    let set = stage.set(FIRST);
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    stage.tidegate.deploy_well(&stage.app);
    assert!(stage.has(FIRST));

    // Another value is another revision of the same build.
    let set = stage.set(SECOND);
    assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    stage.idle_at(2);
    assert!(stage.has(SECOND) && stage.build_of(1) == stage.build_of(2));

    // A crash tells it as last words, and is taken back.
    assert!(stage.tidegate.run(&["config", "set", "CRASH=1", "--app", "shop"]).status.success());
    stage.tidegate.wait_for("it is taken back", LONG, |service| {
        service.phase == "idle" && stage.said(&["explain"]).contains("[secret db_url]")
    });
    assert!(stage.has(SECOND));
    assert!(stage.said(&["config", "unset", "CRASH", "--app", "shop"]).contains("config v2"));
    stage.idle_at(2);

    // Nobody but the shim is there to take it out.
    stage.tidegate.kill9_control();
    let logs = stage.tidegate.data().join("logs");
    let size = || total(&logs);
    let before = size();
    eventually("it goes on writing", LONG, || (size() > before + 200).then_some(()));
    stage.tidegate.restart();

    // A step tells it in its output and in its report.
    let url = stage.said(&["git", "url", "shop"]).trim().to_owned();
    let pushed = Repo::of(&stage.app).push(&url, "main");
    assert!(!pushed.status.success(), "its test fails");
    let answers = [
        &["logs"][..],
        &["logs", "--json"],
        &["events", "--json"],
        &["explain", "--json"],
        &["status", "--json"],
        &["config", "get", "--json"],
        &["config", "diff", "--json"],
        &["secret", "list", "--json"],
        &["rollout", "show", "web", "--json"],
        &["pipeline", "list", "--json"],
        &["pipeline", "show", "1", "--json"],
        &["pipeline", "logs", "1"],
    ];
    let mut said: String = answers.iter().map(|args| stage.said(args)).collect();
    said += &String::from_utf8_lossy(&pushed.stderr);
    said += &stage.tidegate.control_log();
    for shown in [
        "split [secret db_url] whole",
        "base64 [secret db_url]",
        "no [secret db_url]",
        "with [secret db_url]",
    ] {
        assert!(said.contains(shown), "{shown}\n{said}");
    }
    let tells = tells();
    let told: Vec<&String> = tells.iter().filter(|told| said.contains(told.as_str())).collect();
    assert!(told.is_empty(), "{told:?}");

    stage.a_build_and_a_manifest_do_not_tell_it(&url);

    // What the step left is cleared away; then no file has it, the database and its log among them.
    let data = stage.tidegate.data();
    let left = || fs::read_dir(data.join("workspaces")).map_or(0, Iterator::count);
    eventually("its workspace is gone", LONG, || (left() == 0).then_some(()));
    let mut found = Vec::new();
    files_that_tell(&data, &tells, &mut found);
    assert!(found.is_empty(), "{found:#?}");

    stage.the_key_changes_and_is_killed();
    stage.a_backup_opens_it();
}

impl Stage {
    /// A build that fails writes it, though nobody told it; a manifest that is wrong has it in the mistake.
    fn a_build_and_a_manifest_do_not_tell_it(&self, url: &str) {
        let backwards: String = SECOND.chars().rev().collect();
        let build =
            format!("PYTHONUTF8=1 python3 -c 'print(\"building with \" + \"{backwards}\"[::-1])'; exit 1\n");
        fs::write(self.app.path().join("build.sh"), build).unwrap();
        let built = MANIFEST.replacen('\n', "\nbuild: { run: sh build.sh }\n", 1);
        let built = built.replace("  stages:\n", "  stages:\n    build: build\n");
        fs::write(self.app.manifest(), &built).unwrap();
        let failed = self.tidegate.command(&["deploy", "--wait"]).arg(self.app.path()).output().unwrap();
        assert!(!failed.status.success());
        let builds = self.tidegate.data().join("logs");
        let mut told = Vec::new();
        files_that_tell(&builds, &["building with [secret db_url]".to_owned()], &mut told);
        assert_eq!(told.len(), 1, "{told:?}: {}", text_of(&failed));
        let said = text_of(&failed) + &self.said(&["events", "--json"]);
        assert!(said.contains("building with [secret db_url]") && !said.contains("horse"), "{said}");

        let wrong =
            MANIFEST.replace("{ web: {", "{").replace("routes:", &format!("drain: {SECOND}\nroutes:"));
        assert_ne!(wrong, MANIFEST);
        fs::write(self.app.manifest(), wrong).unwrap();
        let repo = Repo::at(&self.app);
        repo.commit("A mistake");
        let pushed = repo.push(url, "main");
        assert!(!pushed.status.success());
        let said = text_of(&pushed)
            + &self.said(&["pipeline", "list", "--json"])
            + &self.said(&["events", "--json"]);
        assert!(said.contains("manifest::") && !said.contains("correct horse"), "{said}");
    }

    /// The key is changed, and the control plane killed around each of its commits: every value opens afterwards.
    fn the_key_changes_and_is_killed(&mut self) {
        let key = || fs::read_to_string(self.tidegate.data().join("keys/secrets.age")).unwrap();
        let before = key();
        assert!(self.said(&["secret", "rotate-key"]).contains("encrypted with the new key"));
        assert_ne!(before.lines().nth(1), key().lines().nth(1));
        self.tidegate.kill9_control();
        let mut during = 0;
        for moment in 1..=20 {
            if self.tidegate.restart_to_be_killed(moment) {
                let rotated = self.tidegate.run(&["secret", "rotate-key"]);
                during += usize::from(!rotated.status.success());
                if !self.tidegate.control_ended() {
                    self.tidegate.kill9_control();
                }
            }
        }
        assert!(during > 0, "no kill was within a change");
        self.tidegate.restart();
        let doctor = self.said(&["doctor", "--json"]);
        assert!(doctor.contains("all of which the key opens"), "{doctor}");
        let scaled = self.tidegate.run(&["scale", "web=2"]);
        assert!(scaled.status.success(), "{}", text_of(&scaled));
        self.tidegate.wait_for("another instance has it", LONG, |service| {
            service.stable.as_ref().is_some_and(|stable| stable.ready >= 2)
        });
        assert!(self.has(SECOND));
    }

    /// A backup has the key as well as what it opens.
    fn a_backup_opens_it(&mut self) {
        let folder = tempfile::Builder::new().prefix("tidegate-e2e-").tempdir().unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let [key, file, data] = ["key.txt", "one.backup", "data"].map(|name| folder.path().join(name));
        let made = self.tidegate.run(&["backup", "key"]);
        fs::write(&key, &made.stdout).unwrap();
        let made = self.tidegate.command(&["backup", "-o"]).arg(&file).output().unwrap();
        assert!(made.status.success(), "{}", text_of(&made));
        self.tidegate.down();
        let mut restore = self.tidegate.command(&["restore"]);
        let restored =
            restore.arg(&file).arg("--data").arg(&data).arg("--identity").arg(&key).output().unwrap();
        assert!(restored.status.success(), "{}", text_of(&restored));
        let again = Tidegate::up_in(&data);
        // What the store says of its instances is from before.
        eventually("it serves with the secret", LONG, || {
            let answer = get(again.gateway(), HOST, "/").ok()?;
            (answer.body == sha256(SECOND)).then_some(())
        });
    }
}

fn text_of(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

const SETTINGS: &str = r#"app: shop
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, every: 100ms, within: 20s }, ready: { http: /up, every: 100ms } }
    strategy: { blue-green: { bake: 300ms } }
routes: [{ host: shop.localhost, to: web }]
resources: { db: { url: "redis://one" } }
env: { LEVEL: info, HOST: "${param./shop/host}", PRICES: "${param./shop/prices:live}" }
"#;

/// Answers with the variables it has.
const TELLER: &str = r#"
import http.server, os
body = " ".join(os.environ.get(name, "-") for name in ["LEVEL", "HOST", "PRICES", "DB_URL"]).encode()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[test]
fn settings_roll_by_revisions_of_the_same_build() {
    let (tidegate, app) = (Tidegate::up(), App::copy_of(Path::new("/"), &[]));
    fs::write(app.path().join("tidegate.yaml"), SETTINGS).unwrap();
    fs::write(app.path().join("app.py"), TELLER).unwrap();
    let stage = Stage { tidegate, app };
    let well = |args: &[&str]| {
        let output = stage.tidegate.run(args);
        assert!(output.status.success(), "{args:?}: {}", text_of(&output));
        text_of(&output)
    };
    let serves = |expected: &str| {
        eventually(expected, LONG, || {
            let answer = get(stage.tidegate.gateway(), HOST, "/").ok();
            answer.filter(|answer| answer.body == expected).map(drop)
        });
    };
    let refused = text_of(&stage.tidegate.command(&["deploy"]).arg(stage.app.path()).output().unwrap());
    assert!(refused.contains("tidegate param set /shop/host"), "{refused}");
    well(&["param", "set", "/shop/host", "db1"]);
    well(&["param", "set", "/shop/prices", "10", "--label", "live"]);
    well(&["param", "set", "/shop/prices", "20"]);
    stage.tidegate.deploy_well(&stage.app);
    serves("info db1 10 redis://one");

    let told = well(&["config", "set", "LEVEL=debug", "--app", "shop", "--why", "slow logins"]);
    assert!(told.contains("config v1") && told.contains("same build"), "{told}");
    serves("debug db1 10 redis://one");
    stage.idle_at(2);
    let set = well(&["config", "get", "LEVEL", "--json", "--app", "shop"]);
    assert!(
        set.contains("\"debug\"") && set.contains("config-over-deployed") && set.contains("slow logins"),
        "{set}"
    );
    assert!(well(&["config", "diff", "r1", "--app", "shop"]).contains("LEVEL is set"));
    let stale = stage.tidegate.run(&["config", "set", "LEVEL=warn", "--app", "shop", "--expect", "0"]);
    assert!(!stale.status.success() && text_of(&stale).contains("config::version"), "{}", text_of(&stale));

    // A parameter waits for the next deploy, or is rolled where that is asked for.
    assert!(well(&["param", "set", "/shop/host", "db2"]).contains("--rollout"));
    well(&["param", "label", "/shop/prices", "live", "2", "--rollout"]);
    serves("debug db2 20 redis://one");
    stage.idle_at(3);
    let history = well(&["param", "history", "/shop/prices"]);
    assert!(history.contains("v1") && history.contains("v2") && history.contains("live"), "{history}");

    well(&["resource", "swap", "db", "redis://two", "--app", "shop"]);
    serves("debug db2 20 redis://two");
    stage.idle_at(4);
    well(&["config", "rollback", "1", "--app", "shop"]);
    serves("debug db2 20 redis://one");
    stage.idle_at(5);
    well(&["config", "rollback", "0", "--app", "shop"]);
    serves("info db2 20 redis://one");
    stage.idle_at(6);
    for revision in 2..=6 {
        assert_eq!(stage.build_of(1), stage.build_of(revision), "nothing was built again");
    }
    let log = well(&["audit", "list", "--json"]);
    for command in ["config set", "config rollback", "param set", "param label"] {
        assert!(log.contains(&format!("\"{command}\"")), "{command} is not in {log}");
    }
}

fn total(folder: &Path) -> u64 {
    let items = fs::read_dir(folder).map(|items| items.flatten().collect()).unwrap_or_else(|_| Vec::new());
    let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    items.iter().map(|item| if item.path().is_dir() { total(&item.path()) } else { size(&item.path()) }).sum()
}
