//! A compromised app against everything around it: what docs/security.md says of it, attempt by attempt, in the whole installation.
//!
//! What it must not reach, others do: the machine's root, or the app that is attacked, make the same attempts. So none fails only
//! because it is a bad one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_core::view::{InstanceStatus, Status};

use crate::support::{App, Tidegate, eventually};

const WITHIN: Duration = Duration::from_secs(30);
/// The first user that apps are given.
const FIRST_USER: u32 = 61_184;
const REACHED: &str = "reached";

const MANIFEST: &str = r#"app: @NAME@
services:
  web:
    run: [python3, app.py]
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 500ms } }
    strategy: { blue-green: { bake: 100ms } }
    limits: { pids: 100 }
routes: [{ host: @NAME@.localhost, to: web }]
env: { SECRET: "of @NAME@" }
"#;

/// What each attempt came to, by name.
type Outcomes = BTreeMap<String, String>;

#[test]
fn a_compromised_app_reaches_nothing_of_others() {
    let Some(scene) = Scene::new() else { return };
    let mut attempts = scene.attempts_on_others();
    if tidegate_os::process::can_hide_processes().is_ok() {
        attempts.push(json!(["that it runs", "see", format!("/proc/{}", scene.victim())]));
    }
    let kept_from_metadata = doctor(&scene.tidegate).contains("kept from a cloud's metadata service");
    if kept_from_metadata {
        attempts.push(json!(["the metadata service of a cloud", "metadata", "169.254.169.254"]));
    }
    let evil = scene.tried_by("evil", &attempts);
    let (root, victim) = (tried_by_root(&attempts), scene.tried_by("victim", &attempts));
    for (name, outcome) in &evil {
        assert_ne!(outcome, REACHED, "{name}");
        assert!(
            [&root, &victim].iter().any(|others| others[name] == REACHED),
            "{name}: root {}, victim {}, evil {outcome}",
            root[name],
            victim[name]
        );
    }
    scene.the_victim_goes_on();
}

#[test]
fn a_compromised_app_gains_no_rights() {
    let Some(scene) = Scene::new() else { return };
    let mut attempts = scene.attempts_on_itself();
    if scene.limits_processes() {
        attempts.push(json!(["processes without end", "fork", 150]));
    }
    for (name, outcome) in scene.tried_by("evil", &attempts) {
        assert_ne!(outcome, REACHED, "{name}");
    }
    let few = json!(["some processes", "fork", 20]);
    let open = json!(["a port of another app", "call", scene.instance("victim").port]);
    for (name, outcome) in scene.tried_by("evil", &[few, open]) {
        assert_eq!(outcome, REACHED, "{name}");
    }
    scene.the_victim_goes_on();
}

/// An installation with all it can have to lose, and two apps.
struct Scene {
    tidegate: Tidegate,
    data: PathBuf,
    /// Where everybody may enter, with a backup.
    elsewhere: TempDir,
}

impl Scene {
    /// None where the machine has no such walls, which doctor then says as well.
    fn new() -> Option<Scene> {
        let tidegate = Tidegate::up();
        if !doctor(&tidegate).contains("each app runs as a user of its own") {
            println!("skipped: all apps are one user here");
            return None;
        }
        let data = fs::canonicalize(tidegate.data()).unwrap();
        let elsewhere =
            tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        for name in ["victim", "evil"] {
            tidegate.deploy_well(&app(name));
        }
        let scene = Scene { tidegate, data, elsewhere };
        // As people put them there: the second with less care than the guides ask for.
        scene.put("gateway/certs/a.test/key.pem", 0o600);
        scene.put("secrets/victim.env", 0o644);
        scene.tidegate_says(&["git", "url", "victim"]);
        scene.tidegate_says(&["backup", "key"]);
        scene.tidegate_says(&["backup", "-o", scene.backup().to_str().unwrap()]);
        Some(scene)
    }

    fn put(&self, name: &str, mode: u32) {
        let path = self.data.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn backup(&self) -> PathBuf {
        self.elsewhere.path().join("one.backup")
    }

    fn tidegate_says(&self, args: &[&str]) -> Output {
        let output = self.tidegate.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn instance(&self, app: &str) -> InstanceStatus {
        eventually("its instance", WITHIN, || {
            let output = self.tidegate.run(&["status", "--app", app, "--json"]);
            let status: Status = serde_json::from_slice(&output.stdout).ok()?;
            let instances = status.services.into_iter().next()?.instances;
            instances.into_iter().find(|instance| instance.pid.is_some())
        })
    }

    /// The process that is attacked.
    fn victim(&self) -> u32 {
        self.instance("victim").pid.unwrap()
    }

    /// On the installation's own, and on the other app's.
    fn attempts_on_others(&self) -> Vec<Value> {
        let mut attempts = Vec::new();
        for file in ["tidegate.db", "token", "identity-key", "audit.key", "backup/recipients"] {
            attempts.push(json!([file, "read", self.data.join(file)]));
        }
        for file in ["gateway/table.json", "gateway/certs/a.test/key.pem", "secrets/victim.env"] {
            attempts.push(json!([file, "read", self.data.join(file)]));
        }
        for folder in ["", "backup", "builds", "git", "keys", "logs", "secrets", "gateway"] {
            attempts.push(json!([format!("a list of /{folder}"), "list", self.data.join(folder)]));
        }
        attempts.push(json!(["a key that signs", "read", any_file(&self.data.join("keys"))]));
        attempts.push(json!(["a repository", "read", any_file(&self.data.join("git"))]));
        attempts.push(json!(["a backup", "read", self.backup()]));
        attempts.push(json!(["the control socket", "connect", self.data.join("api.sock")]));
        attempts.push(json!(["the gateway's socket", "connect", self.socket_of_the_gateway()]));
        let gateway = self.tidegate.gateway_pid().unwrap();
        attempts.push(json!(["a signal to the gateway", "signal", gateway]));
        attempts.push(json!(["a signal to the control plane", "signal", self.tidegate.control_pid()]));
        attempts.extend(self.attempts_on_the_victim());
        attempts
    }

    fn attempts_on_the_victim(&self) -> Vec<Value> {
        let victim = self.instance("victim");
        let pid = victim.pid.unwrap();
        let of_process = |name: &str| format!("/proc/{pid}/{name}");
        let build = fs::read_link(of_process("cwd")).unwrap();
        let unit = self.unit_of(&victim.id);
        vec![
            json!(["its build", "list", build]),
            json!(["a file of its build", "read", build.join("app.py")]),
            json!(["its home", "list", unit.join("scratch")]),
            json!(["its output", "read", any_file(&self.data.join("logs").join(&victim.id))]),
            json!(["its shim's socket", "connect", unit.join("shim.sock")]),
            json!(["what it is started with", "read", unit.join("spec.json")]),
            json!(["its environment", "read", of_process("environ")]),
            json!(["its memory", "open", of_process("mem")]),
            json!(["its open files", "list", of_process("fd")]),
            json!(["a signal to it", "signal", pid]),
            json!(["tracing it", "trace", pid]),
            json!(["its port", "bind", victim.port]),
        ]
    }

    fn unit_of(&self, id: &str) -> PathBuf {
        let begin = format!("{id}@");
        let mut units = fs::read_dir(self.data.join("units")).unwrap().flatten();
        units.find(|unit| unit.file_name().to_string_lossy().starts_with(&begin)).unwrap().path()
    }

    fn socket_of_the_gateway(&self) -> PathBuf {
        use std::os::unix::fs::FileTypeExt;
        let mut items = fs::read_dir(self.data.join("gateway")).unwrap().flatten();
        items.find(|item| item.file_type().unwrap().is_socket()).unwrap().path()
    }

    /// To be more than it is.
    fn attempts_on_itself(&self) -> Vec<Value> {
        vec![
            json!(["being root", "setuid", 0]),
            json!(["being the other app", "setuid", self.user_of("victim")]),
            json!(["mounting", "mount", "/tmp"]),
            json!(["a device", "mknod", "device"]),
            json!(["core files", "raise-limit", "RLIMIT_CORE"]),
            json!(["processes beyond the bound on its user", "raise-limit", "RLIMIT_NPROC"]),
            json!(["writing to its build", "write", "app.py"]),
            json!(["opening its build", "chmod", "app.py"]),
            json!(["a signal to its own shim", "signal-shim", null]),
            json!(["the gateway's port", "bind", self.tidegate.gateway().port()]),
            json!(["the API without its token", "ask", self.tidegate.api().port()]),
        ]
    }

    fn user_of(&self, app: &str) -> u32 {
        fs::metadata(format!("/proc/{}", self.instance(app).pid.unwrap())).unwrap().uid()
    }

    /// Whether this machine enforces limits on processes of one unit.
    fn limits_processes(&self) -> bool {
        !doctor(&self.tidegate).contains("pids limits are not enforced")
    }

    /// What an app comes to with them.
    fn tried_by(&self, app: &str, attempts: &[Value]) -> Outcomes {
        let asked = json!(attempts).to_string();
        outcomes(
            attempts,
            self.tidegate.run(&["run", "--app", app, "web", "--", "python3", "attack.py", &asked]),
        )
    }

    /// Each app is somebody of its own.
    fn the_victim_goes_on(&self) {
        let users = ["victim", "evil"].map(|app| self.user_of(app));
        assert!(users.iter().all(|user| *user >= FIRST_USER) && users[0] != users[1], "{users:?}");
        assert_eq!(self.instance("victim").restarts, 0);
    }
}

fn doctor(tidegate: &Tidegate) -> String {
    String::from_utf8_lossy(&tidegate.run(&["doctor"]).stdout).into_owned()
}

fn tried_by_root(attempts: &[Value]) -> Outcomes {
    let mut python = Command::new("python3");
    python.arg(here().join("attack.py")).arg(json!(attempts).to_string());
    outcomes(attempts, python.output().unwrap())
}

/// One of each attempt.
fn outcomes(attempts: &[Value], output: Output) -> Outcomes {
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}\n{error}");
    let outcomes: Outcomes =
        said.lines().filter_map(|line| serde_json::from_str::<(String, String)>(line).ok()).collect();
    let names: BTreeSet<&str> = attempts.iter().map(|attempt| attempt[0].as_str().unwrap()).collect();
    assert!(
        names.len() == attempts.len() && outcomes.keys().map(String::as_str).eq(names),
        "{said}\n{error}"
    );
    outcomes
}

fn any_file(folder: &Path) -> PathBuf {
    let items: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|item| item.path()).collect();
    let file = items.iter().find(|path| path.is_file()).cloned();
    file.unwrap_or_else(|| any_file(items.iter().find(|path| path.is_dir()).expect("a file somewhere")))
}

fn app(name: &str) -> App {
    let app = App::copy_of(&here(), &["app.py", "attack.py"]);
    fs::write(app.manifest(), MANIFEST.replace("@NAME@", name)).unwrap();
    app
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/compromised")
}
