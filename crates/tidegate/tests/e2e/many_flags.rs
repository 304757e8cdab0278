//! Thousands of flags: deployed, released and killed in a time that nobody minds. Ten thousand in the long version.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::support::{App, Tidegate, eventually, full};

const FILES: usize = 4;
/// Of a program that was made for finding mistakes, on a machine with other work; `bench/` says what it is otherwise.
const WITHIN: Duration = Duration::from_secs(30);

fn many() -> usize {
    if full() { 10_000 } else { 2_000 }
}

fn app() -> App {
    let mut app = App::new();
    app.set("scale", "1");
    let text = fs::read_to_string(app.manifest()).unwrap();
    fs::write(app.manifest(), format!("flag_files: [flags/*.json]\n{text}")).unwrap();
    fs::create_dir(app.path().join("flags")).unwrap();
    for file in 0..FILES {
        let flag = |number: usize| {
            let flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
                "metadata": {"class": "operational", "owner": "shop"}});
            (format!("flag-{number}"), flag)
        };
        let flags: Map<String, Value> = (0..many()).skip(file).step_by(FILES).map(flag).collect();
        let text = json!({ "flags": flags }).to_string();
        fs::write(app.path().join(format!("flags/{file}.json")), text).unwrap();
    }
    fs::write(app.path().join("asks.py"), "x('flag-7', 'flag-8')\n").unwrap();
    app
}

/// What the gateway is given to serve of a flag.
fn served(tidegate: &Tidegate, flag: &str) -> Option<Value> {
    let text = fs::read_to_string(tidegate.data().join("gateway/flags.json")).ok()?;
    let bundle: Value = serde_json::from_str(&text).ok()?;
    bundle["sets"]["bad/production"]["flags"].get(flag).cloned()
}

fn timed(tidegate: &Tidegate, args: &[&str], expected: &str) -> Duration {
    let begun = Instant::now();
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    eventually("it is given to the gateway", WITHIN, || {
        (served(tidegate, "flag-7")?["defaultVariant"] == expected).then_some(())
    });
    begun.elapsed()
}

#[test]
fn thousands_of_flags_are_deployed_released_and_killed() {
    let (tidegate, app) = (Tidegate::up(), app());
    let begun = Instant::now();
    tidegate.deploy_well(&app);
    let deployed = begun.elapsed();
    let released = timed(&tidegate, &["release", "on", "flag-7"], "on");
    let killed = timed(&tidegate, &["release", "kill", "flag-7"], "off");
    println!(
        "{} flags: deployed in {deployed:?}, one released in {released:?}, killed in {killed:?}",
        many()
    );
    assert!(deployed < WITHIN && released < WITHIN && killed < WITHIN);
    let listed = tidegate.run(&["flag", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["flags"].as_array().unwrap().len(), many());
}
