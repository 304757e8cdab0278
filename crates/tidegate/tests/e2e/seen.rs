//! What an operator is to see: what a manifest asks that this gateway cannot do, whose route is whose, and what came of copies.

use std::fs;
use std::time::Duration;

use tidegate_core::view::{PlanReport, Status};

use crate::support::{App, Tidegate, eventually, get, type_in, typed_well};

const WITHIN: Duration = Duration::from_secs(20);
const WARNED: [&str; 2] = ["no database of where clients are", "speaks no TLS"];
const MANIFEST: &str = r#"app: APP
services:
  web:
    run: python3 -m http.server --bind 127.0.0.1 $PORT
    scale: 2
    strategy: { canary: { steps: ["country NZ for 1s"] } }
    traffic: { mirror: { to: other } }
  other:
    run: cd / && exec python3 -m http.server --bind 127.0.0.1 $PORT
routes:
  - { host: seen.localhost, to: web }
  - { host: safe.localhost, to: web, https: redirect }
"#;

fn app(name: &str) -> App {
    let app = App::new();
    fs::write(app.manifest(), MANIFEST.replace("APP", name)).unwrap();
    app
}

fn plan(tidegate: &Tidegate, app: &App) -> PlanReport {
    serde_json::from_str(&typed_well(tidegate, app, "tidegate plan --json")).unwrap()
}

#[test]
fn what_would_do_nothing_is_said_and_what_came_of_copies_is_seen() {
    let tidegate = Tidegate::up();
    let one = app("one");
    let warnings = plan(&tidegate, &one).warnings.join("\n");
    assert!(WARNED.iter().all(|words| warnings.contains(words)), "{warnings}");
    tidegate.deploy_well(&one);
    // Whether all is well on the machine of the test is none of its business.
    let doctor = type_in(&tidegate, &one, "tidegate doctor").stdout;
    let doctor = String::from_utf8(doctor).unwrap();
    assert!(doctor.contains("one/production/web"), "{doctor}");
    assert!(doctor.contains("safe.localhost/"), "{doctor}");

    let two = app("two");
    let warnings = plan(&tidegate, &two).warnings.join("\n");
    assert!(warnings.contains("REFUSED (deploy::route-taken)"), "{warnings}");

    for _ in 0..3 {
        assert_eq!(get(tidegate.gateway(), "seen.localhost", "/").unwrap().status, 200);
    }
    let seen = eventually("the copies are told", WITHIN, || {
        let status: Status =
            serde_json::from_str(&typed_well(&tidegate, &one, "tidegate status --json")).ok()?;
        let web = status.services.into_iter().find(|service| service.name == "web")?;
        web.mirror.filter(|mirror| mirror.counts.different == 3)
    });
    assert_eq!(seen.latest.len(), 3, "{seen:?}");
    assert_eq!(seen.latest[0].path, "/");
    let text = typed_well(&tidegate, &one, "tidegate status");
    assert!(text.contains("web: copies: 0 same, 3 different, 0 failed\n"), "{text}");
}
