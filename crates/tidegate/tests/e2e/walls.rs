//! A compromised app against everything around it: what docs/security.md says of it, attempt by attempt.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use tidegate_core::view::{InstanceStatus, Status};

use crate::support::{App, Tidegate, eventually};

const WITHIN: Duration = Duration::from_secs(30);

const MANIFEST: &str = r#"app: @NAME@
services:
  web:
    run: [python3, app.py]
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 500ms } }
    strategy: { blue-green: { bake: 100ms } }
    limits: { pids: 100 }
routes: [{ host: @NAME@.localhost, to: web }]
env: { BEHAVIOUR: good, VERSION: "1", SECRET: "of @NAME@" }
"#;

/// What no wall is around: said so in docs/security.md.
const OPEN: [&str; 1] = ["a connection to another app"];

fn app(name: &str) -> App {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad");
    let app = App::copy_of(&example, &["app.py"]);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/attack.py"), app.path().join("attack.py"))
        .unwrap();
    fs::write(app.manifest(), MANIFEST.replace("@NAME@", name)).unwrap();
    app
}

fn instance(tidegate: &Tidegate, app: &str) -> InstanceStatus {
    eventually("its instance", WITHIN, || {
        let status: Status =
            serde_json::from_slice(&tidegate.run(&["status", "--app", app, "--json"]).stdout).ok()?;
        status.services.into_iter().next()?.instances.into_iter().find(|instance| instance.pid.is_some())
    })
}

/// A key of a certificate, as one put it there: nobody else's to read.
fn key_of_a_certificate(data: &Path) {
    let folder = data.join("gateway/certs/a.test");
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder).unwrap();
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(folder.join("key.pem")).unwrap();
    std::io::Write::write_all(&mut file, b"key").unwrap();
}

#[test]
fn a_compromised_app_reaches_nothing_of_others() {
    if !tidegate_os::process::is_root() {
        println!("skipped: without root all apps are one user");
        return;
    }
    let tidegate = Tidegate::up();
    let data = fs::canonicalize(tidegate.data()).unwrap();
    key_of_a_certificate(&data);
    for name in ["victim", "evil"] {
        tidegate.deploy_well(&app(name));
    }
    tidegate.run(&["backup", "key"]);
    let victim = instance(&tidegate, "victim");
    let pid = victim.pid.unwrap();
    let units = fs::read_dir(data.join("units")).unwrap().flatten();
    let unit = units.map(|item| item.file_name().into_string().unwrap());
    let unit = unit.filter(|name| name.starts_with(&format!("{}@", victim.id))).max().unwrap();
    let told = serde_json::json!({
        "data": data, "pid": pid, "unit": unit, "port": victim.port,
        "build": fs::read_link(format!("/proc/{pid}/cwd")).unwrap(),
        "gateway": tidegate.gateway().port(), "api": tidegate.api().port(), "gateway_pid": tidegate.gateway_pid(),
    });
    let output =
        tidegate.run(&["run", "--app", "evil", "web", "--", "python3", "attack.py", &told.to_string()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let outcomes: BTreeMap<&str, &str> =
        said.lines().filter_map(|line| line.split_once('\t')).map(|(what, came)| (what, came)).collect();
    assert!(outcomes.len() >= 34, "not all was tried");
    let limited = enforced(&tidegate);
    for (what, came) in outcomes {
        let wanted = if OPEN.contains(&what) { "reached" } else { "kept out" };
        let excused = (what == "processes without end" && !limited)
            || (what == "that another app runs" && tidegate_os::process::can_hide_processes().is_err());
        assert!(came.starts_with(wanted) || excused, "{what}: {came}");
    }
    // Each is somebody of its own, and its build is its own.
    let own = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    let other = fs::metadata(format!("/proc/{}", instance(&tidegate, "evil").pid.unwrap())).unwrap().uid();
    assert!(own >= 61_184 && other >= 61_184 && own != other, "{own} {other}");
    assert!(fs::metadata(format!("/proc/{pid}")).is_ok(), "the victim goes on");
}

/// Whether this machine enforces limits on processes of one instance.
fn enforced(tidegate: &Tidegate) -> bool {
    let said = String::from_utf8_lossy(&tidegate.run(&["doctor"]).stdout).into_owned();
    !said.contains("pids limits are not enforced")
}
