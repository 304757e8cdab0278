//! schemathesis makes requests of what the server says of itself, by every role: nothing is answered with a 5xx or outside the
//! document, and nobody gets more than their role gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tidegate_api::{EndpointNeed, needs};
use tidegate_core::access::{Facts, Origin, Place, Question, Role, Who};
use tidegate_policy::Policies;

use crate::support::{App, Tidegate, eventually, full, packages};

/// These end the server, or take down what is asked about; that is tested elsewhere: to whoever may do so they are not sent.
const ENDS: [&str; 3] = ["down", "upgrade", "environment_remove"];
/// Who may change nothing that rolls comes first: what others begin goes on while the next one asks.
const ORDER: [Role; 5] = [Role::Reader, Role::Releaser, Role::Developer, Role::Operator, Role::Admin];
const WITHIN: Duration = Duration::from_secs(60);

/// Somebody who asks.
#[derive(Clone)]
struct Asker {
    name: &'static str,
    /// `None`: somebody without a token.
    token: Option<String>,
    /// What they may do nowhere.
    forbidden: BTreeSet<&'static str>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/api_fuzz")
}

fn well(tidegate: &Tidegate, args: &[&str]) -> String {
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether a role, given everywhere, may do something anywhere. Lists have what may be read and nothing else.
fn may_anywhere(policies: &Policies, role: Role, need: &EndpointNeed) -> bool {
    let Some(action) = need.action else { return true };
    let production = Place::Environment("bad".parse().unwrap(), "production".parse().unwrap());
    let question = |place: &Place, protected| Question {
        who: Who::Service { token: "asker".parse().unwrap() },
        from: Origin::Within,
        groups: BTreeSet::new(),
        roles: [role].into(),
        action,
        place: place.clone(),
        facts: Facts { protected, ..Facts::default() },
    };
    let asked = [(&Place::Everywhere, false), (&production, false), (&production, true)];
    need.place == "each"
        || asked.iter().any(|(place, protected)| policies.decide(&question(place, *protected)).allowed)
}

fn of_role(tidegate: &Tidegate, policies: &Policies, role: Role) -> Asker {
    let holder = format!("token:{role}");
    let token = well(tidegate, &["token", "create", role.name(), "--service", "--expires", "1h"]);
    well(tidegate, &["access", "grant", &holder, role.name()]);
    let forbidden = needs().into_iter().filter(|need| !may_anywhere(policies, role, need));
    Asker { name: role.name(), token: Some(token), forbidden: forbidden.map(|need| need.id).collect() }
}

fn stranger() -> Asker {
    let closed = needs().into_iter().filter(|need| need.action.is_some() || need.own);
    Asker { name: "stranger", token: None, forbidden: closed.map(|need| need.id).collect() }
}

/// The operations that were asked for, with what was answered.
fn fuzz(tidegate: &Tidegate, asker: &Asker, seen: &Path) -> BTreeSet<(String, u16)> {
    let schemathesis = packages::python("schemathesis", &folder()).with_file_name("schemathesis");
    let forbidden: Vec<&str> = asker.forbidden.iter().copied().collect();
    let mut command = Command::new(schemathesis);
    command
        .args(["run", &format!("http://{}/v1/openapi.json", tidegate.api()), "--no-color"])
        .args(["--checks", "not_a_server_error,status_code_conformance,content_type_conformance"])
        .args(["--checks", "response_headers_conformance,response_schema_conformance,documented,within_role"])
        .args(["--phases", if full() { "coverage,fuzzing" } else { "fuzzing" }])
        .args(["--max-examples", if full() { "100" } else { "6" }])
        .args(["--generation-deterministic", "--continue-on-failure", "--request-timeout", "10"])
        .args(["--warnings", "off"])
        .env("SCHEMATHESIS_HOOKS", "checks")
        .env("PYTHONPATH", folder())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("FUZZ_FORBIDDEN", forbidden.join(","))
        .env("FUZZ_ASKER", format!("token:{}", asker.name))
        .env("FUZZ_SEEN", seen)
        .current_dir(seen.parent().unwrap());
    if let Some(token) = &asker.token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    for ends in ENDS.iter().filter(|ends| !asker.forbidden.contains(**ends)) {
        command.args(["--exclude-operation-id", ends]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "as {}: {said}\n{}",
        asker.name,
        String::from_utf8_lossy(&output.stderr)
    );
    let seen = std::fs::read_to_string(seen).unwrap();
    let line = |line: &str| {
        let (operation, status) = line.split_once(' ').unwrap();
        (operation.to_owned(), status.parse().unwrap())
    };
    seen.lines().map(line).collect()
}

#[test]
fn no_role_gets_an_answer_it_should_not_have() {
    let tidegate = Tidegate::up();
    let app = App::new();
    tidegate.deploy_well(&app);
    let policies = Policies::shipped();
    let mut askers = ORDER.map(|role| of_role(&tidegate, &policies, role)).to_vec();
    // Last: where somebody shows wrong tokens, everybody waits who comes from there.
    askers.push(stranger());
    let scratch = tempfile::tempdir().unwrap();
    for asker in &askers {
        // What an asker before has begun comes to its end.
        tidegate.wait_for("it is at rest", WITHIN, |service| service.phase == "idle");
        let before = tidegate.status();
        let seen = fuzz(&tidegate, asker, &scratch.path().join(asker.name));
        let operations: BTreeSet<&str> = seen.iter().map(|(operation, _)| operation.as_str()).collect();
        assert!(operations.len() + ENDS.len() >= needs().len() - 3, "{}: {operations:?}", asker.name);
        let refused = |operation: &&&str| {
            [401, 403].iter().any(|status| seen.contains(&((**operation).to_string(), *status)))
        };
        let told = asker.forbidden.iter().filter(refused).count();
        assert!(told * 10 >= asker.forbidden.len() * 8, "{}: {told} of {:?}", asker.name, asker.forbidden);
        println!("{}: {} operations, {} of them closed", asker.name, operations.len(), asker.forbidden.len());
        if asker.forbidden.contains("config_change") {
            assert_eq!(tidegate.status().services[0].stable, before.services[0].stable);
        }
    }
    // Whatever was asked for, down to no instances.
    eventually("the app still serves", WITHIN, || {
        tidegate.run(&["scale", "web=1"]);
        tidegate.service().stable.filter(|stable| stable.ready > 0).map(drop)
    });
}
