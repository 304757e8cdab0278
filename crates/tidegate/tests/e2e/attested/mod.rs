//! A build is signed, read by programs of others, and comes into a protected environment as what was signed only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_core::view::{PipelineList, VerifyView};

use crate::support::{App, Repo, Tidegate, eventually, get, kill, packages, type_in, typed_well};

const WITHIN: Duration = Duration::from_secs(30);

const MANIFEST: &str = r#"app: shop
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 200ms } }
    strategy: { blue-green: { bake: 1s } }
env: { BEHAVIOUR: good, VERSION: "1" }
environments:
  staging:
    branch: main
    routes: [{ host: staging.localhost, to: web }]
  production:
    promote_from: staging
    protected: true
    routes: [{ host: shop.localhost, to: web }]
"#;
const LOCK: &str = r#"{ "name": "shop", "lockfileVersion": 3, "packages": { "": { "name": "shop" },
  "node_modules/left-pad": { "version": "1.2.0", "license": "WTFPL" } } }"#;
const ADVISORY: &str = r#"{ "id": "GHSA-test-1", "summary": "pads too much", "affected": [{ "package": { "ecosystem": "npm",
  "name": "left-pad" }, "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "1.3.0" }] }] }] }"#;

fn app() -> App {
    let app = App::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad"), &["app.py"]);
    fs::write(app.manifest(), MANIFEST).unwrap();
    fs::write(app.path().join("package-lock.json"), LOCK).unwrap();
    fs::write(app.path().join("broken-package-lock.json"), "{").unwrap();
    app
}

fn verify(tidegate: &Tidegate, app: &App, args: &str) -> (i32, VerifyView) {
    let output = type_in(tidegate, app, &format!("tidegate verify {args} --json"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let view =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args}: {error}: {said}"));
    (output.status.code().unwrap(), view)
}

fn state_of(tidegate: &Tidegate, app: &App, run: u64) -> String {
    let list = typed_well(tidegate, app, "tidegate pipeline list --json");
    let list: PipelineList = serde_json::from_str(&list).unwrap();
    let run = list.runs.into_iter().find(|view| view.run.0 == run).unwrap();
    run.state.as_str().to_owned()
}

fn ended(tidegate: &Tidegate, app: &App, run: u64) -> String {
    eventually("the run is over", WITHIN, || {
        Some(state_of(tidegate, app, run)).filter(|state| state == "succeeded" || state == "failed")
    })
}

/// Writes as whoever may write everywhere: the files of a build are read-only.
fn write(file: &Path, text: &str) {
    let folder = file.parent().unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    if file.exists() {
        fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(file, text).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
}

/// What programs of others make of it.
fn read_by_others((tidegate, app): (&Tidegate, &App), build: &Path, out: &Path) -> Value {
    for line in [
        "tidegate build attestation 1 -o OUT/envelope.json",
        "tidegate key show --public > OUT/key.pem",
        "tidegate sbom 1 -o OUT/sbom.json",
    ] {
        typed_well(tidegate, app, &line.replace("OUT", out.to_str().unwrap()));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/attested");
    let output = Command::new(packages::python("attested-python", &folder))
        .arg(folder.join("read.py"))
        .args([out.join("envelope.json"), out.join("key.pem"), build.to_owned(), out.join("sbom.json")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_build_is_signed_and_comes_into_production_as_what_was_signed_only() {
    let (mut tidegate, app) = (Tidegate::up(), app());
    let (advisories, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(advisories.path().join("one.json"), ADVISORY).unwrap();
    tidegate.end_control();
    tidegate.restart_with(&["--advisories", advisories.path().to_str().unwrap()]);
    let commit = Repo::of(&app).commit("Second");
    typed_well(&tidegate, &app, "git push -q \"$(tidegate git url)\" HEAD:main");
    assert_eq!(ended(&tidegate, &app, 1), "succeeded");

    let begun = Instant::now();
    let (exit, view) = verify(&tidegate, &app, "1");
    println!("verified {} bytes in {:?}", view.bytes, begun.elapsed());
    assert_eq!((exit, view.genuine, view.findings.as_slice()), (0, true, [].as_slice()));
    let says = view.says.unwrap();
    assert_eq!((says.commit.as_deref(), says.from_git, says.run), (Some(commit.as_str()), true, Some(1)));

    let build: PathBuf = tidegate.data().join("builds").join(&view.build[..32]);
    let found = read_by_others((&tidegate, &app), &build, out.path());
    let finished = found["finished"].clone();
    let expected = json!({
        "payload_type": "application/vnd.in-toto+json", "predicate_type": "https://slsa.dev/provenance/v1",
        "build_type": "urn:tidegate:build:v1", "commits": [commit], "subject_is_folder": true,
        "tampered_is_refused": true, "sbom_mistake": null, "sbom_is_signed": true,
        "packages": ["pkg:npm/left-pad@1.2.0"], "finished": finished,
    });
    assert_eq!(found, expected);
    let offline = "--attestation OUT/envelope.json --key OUT/key.pem --path";
    let offline = offline.replace("OUT", out.path().to_str().unwrap());
    assert_eq!(verify(&tidegate, &app, &format!("{offline} {}", build.display())).0, 0);
    assert_eq!(verify(&tidegate, &app, &format!("{offline} .")).0, 1);
    let advised = typed_well(&tidegate, &app, "tidegate plan -e staging; tidegate doctor || true");
    assert_eq!(advised.matches("left-pad 1.2.0 (GHSA-test-1, fixed in 1.3.0)").count(), 2, "{advised}");

    unsigned(&mut tidegate, &app);
    typed_well(&tidegate, &app, "tidegate promote production");
    assert_eq!(ended(&tidegate, &app, 2), "succeeded");
    alter(&tidegate, &app, &build);
    keys(&tidegate, &app, out.path());
}

/// A build of a version that signed nothing is signed once, and says so.
fn unsigned(tidegate: &mut Tidegate, app: &App) {
    tidegate.end_control();
    let forget = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('DELETE FROM attestations'); db.commit()";
    let forgotten =
        Command::new("python3").args(["-c", forget]).arg(tidegate.data().join("tidegate.db")).status();
    assert!(forgotten.unwrap().success());
    tidegate.restart();
    let view = eventually("it is signed later", WITHIN, || {
        let output = type_in(tidegate, app, "tidegate verify 1 --json");
        serde_json::from_slice::<VerifyView>(&output.stdout).ok().filter(|view| view.genuine)
    });
    let says = view.says.unwrap();
    assert!(says.late && says.from_git && says.run == Some(1), "{says:?}");
}

/// Altered, it does not come in again and is not started again; what runs goes on.
fn alter(tidegate: &Tidegate, app: &App, build: &Path) {
    let served = || {
        let status = typed_well(tidegate, app, "tidegate status -e production --json");
        serde_json::from_str::<Value>(&status).unwrap()["services"][0]["instances"].clone()
    };
    let before = served();
    write(&build.join("extra.py"), "import os\n");
    let (exit, view) = verify(tidegate, app, "2");
    assert_eq!((exit, view.genuine), (1, false));
    assert!(view.findings[0].contains("`extra.py` was added"), "{:?}", view.findings);
    let line = "tidegate promote production --wait";
    let output = type_in(tidegate, app, line);
    assert!(!output.status.success());
    assert_eq!(ended(tidegate, app, 3), "failed");
    let story = tidegate.story();
    assert!(story.contains("provenance::altered-build") && story.contains("`extra.py` was added"), "{story}");
    assert_eq!(served()[0]["pid"], before[0]["pid"], "what runs is left alone");
    let refused = type_in(tidegate, app, line);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("[provenance::altered-build]"), "{refused:?}");
    let doctor = type_in(tidegate, app, "tidegate doctor");
    assert!(String::from_utf8_lossy(&doctor.stdout).contains("is not what was signed"), "{doctor:?}");

    kill(u32::try_from(before[0]["pid"].as_u64().unwrap()).unwrap(), 9);
    eventually("a restart is refused", WITHIN, || {
        tidegate.control_log().contains("provenance::altered-build: build").then_some(())
    });
    assert!(!get(tidegate.gateway(), "shop.localhost", "/").is_ok_and(|answer| answer.status == 200));

    typed_well(tidegate, app, "tidegate build admit 1 -e production --break-glass 'the shop is down'");
    eventually("it serves again", WITHIN, || {
        get(tidegate.gateway(), "shop.localhost", "/").is_ok_and(|answer| answer.status == 200).then_some(())
    });
    typed_well(tidegate, app, line);
    assert!(tidegate.story().contains("was passed over by ann to let build"), "{}", tidegate.story());
}

/// Another key signs; what the first one signed is verified as before.
fn keys(tidegate: &Tidegate, app: &App, out: &Path) {
    typed_well(tidegate, app, "tidegate key rotate");
    let list: Value = serde_json::from_str(&typed_well(tidegate, app, "tidegate key list --json")).unwrap();
    assert!(list["keys"][0].get("retired").is_none() && list["keys"][1]["retired"].is_string(), "{list}");
    let (_, view) = verify(tidegate, app, "1");
    assert_eq!(view.key.as_deref(), list["keys"][1]["id"].as_str());
    assert!(
        view.findings.iter().all(|finding| !finding.contains("signed by another key")),
        "{:?}",
        view.findings
    );
    let other = out.join("other.pem");
    typed_well(tidegate, app, &format!("tidegate key show --public > {}", other.display()));
    let (exit, view) = verify(tidegate, app, &format!("1 --key {}", other.display()));
    assert!(exit == 1 && view.findings.iter().any(|finding| finding.contains("signed by another key")));
}
