//! Environments as waves: the same build comes to one after the other, and what it showed before counts for a part.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{App, Load, Mix, Tidegate, eventually};

/// Requests a second, in each environment.
const RATE: f64 = 300.0;
const LONG: Duration = Duration::from_secs(90);
/// The floor is high, so that a good candidate is known to be good within seconds.
const STRATEGY: &str =
    "{ canary: { bake: 1s, judge: { floor: 0.5% }, steps: [50%, analyse until decided (max 2m)] } }";
const ENVIRONMENTS: &str = "environments:
  eu: { branch: main }
  us:
    promote_from: eu
    carry_evidence: true
    routes: [{ host: us.localhost, to: web }]
";

fn run(tidegate: &Tidegate, args: &[&str]) -> Vec<u8> {
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn deploy(tidegate: &Tidegate, app: &App, environment: &str) {
    run(tidegate, &["deploy", app.path().to_str().unwrap(), "-e", environment]);
}

fn rollout(tidegate: &Tidegate, environment: &str) -> Value {
    serde_json::from_slice(&run(tidegate, &["rollout", "show", "web", "-e", environment, "--json"])).unwrap()
}

/// Rolls the app out under load, and waits until it has everything.
fn roll_out(tidegate: &Tidegate, app: &App, (environment, host): (&str, &str)) -> Value {
    let before = rollout(tidegate, environment)["id"].clone();
    let load = Load::start(tidegate, host, RATE, Mix::Plain, None);
    deploy(tidegate, app, environment);
    let view = eventually(&format!("{environment} has it"), LONG, || {
        let view = rollout(tidegate, environment);
        assert_ne!(view["phase"], "aborted", "{}", tidegate.story());
        (view["id"] != before && view["phase"] == "succeeded").then_some(view)
    });
    load.finish();
    view
}

/// How many requests the candidate had when it was found to be good, by the proof, which anybody can judge again.
fn promoted_after(tidegate: &Tidegate, environment: &str) -> u64 {
    let (folder, exported) =
        (TempDir::new().unwrap(), run(tidegate, &["rollout", "export", "web", "-e", environment]));
    let proof = folder.path().join("proof.json");
    std::fs::write(&proof, &exported).unwrap();
    let replayed = run(tidegate, &["judge", "replay", proof.to_str().unwrap(), "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed).unwrap();
    let bundle: Value = serde_json::from_slice(&exported).unwrap();
    assert_eq!(replayed["verdict"], "promote", "{replayed}");
    assert_eq!(bundle["decision"]["candidate_requests"], replayed["candidate_requests"]);
    replayed["candidate_requests"].as_u64().unwrap()
}

#[test]
fn what_a_build_showed_in_one_environment_counts_in_the_next() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("strategy", STRATEGY).set("migrate", "{}");
    let manifest = std::fs::read_to_string(app.manifest()).unwrap();
    let manifest = manifest.replace("migrate: {}\n", ENVIRONMENTS);
    std::fs::write(app.manifest(), manifest).unwrap();
    for environment in ["eu", "us"] {
        run(&tidegate, &["deploy", app.path().to_str().unwrap(), "-e", environment, "--wait"]);
    }
    app.next_version();
    let eu = roll_out(&tidegate, &app, ("eu", "bad.localhost"));
    assert_eq!(eu["judgement"]["carried"], Value::Null, "{eu}");
    let us = roll_out(&tidegate, &app, ("us", "us.localhost"));
    let about = format!("rollout {} of bad/eu/web", eu["id"]);
    assert_eq!(us["judgement"]["carried"], about.as_str(), "{us}");
    let shown = String::from_utf8(run(&tidegate, &["rollout", "show", "web", "-e", "us"])).unwrap();
    assert!(shown.contains(&about), "{shown}");
    let [first, next] = ["eu", "us"].map(|environment| promoted_after(&tidegate, environment));
    assert!(next * 3 < first * 2, "{next} requests in the second, {first} in the first");
    assert!(next > 100, "the second is not judged by the first alone: {next}");
}
