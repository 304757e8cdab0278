//! The statement of an attestation: in-toto Statement v1 with SLSA provenance v1.

use serde_json::{Map, Value, json};

use super::{Facts, StepFact};

/// What a statement is.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What it says.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// How builds are made: docs/guides/provenance.md says what the parameters of this type mean.
pub const BUILD_TYPE: &str = "urn:tidegate:build:v1";

/// What is signed about a build.
pub fn statement(facts: &Facts) -> Value {
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [{
            "name": format!("{}/build/{}", facts.app, facts.build.0),
            "digest": { "sha256": facts.sealed.subject },
        }],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": external(facts),
                "internalParameters": internal(facts),
                "resolvedDependencies": dependencies(facts),
            },
            "runDetails": {
                "builder": {
                    "id": format!("urn:tidegate:installation:{}", facts.builder.key),
                    "version": { "tidegate": facts.builder.version },
                },
                "metadata": {
                    "invocationId": invocation(facts),
                    "startedOn": facts.started,
                    "finishedOn": facts.finished,
                },
                "byproducts": byproducts(facts),
            },
        },
    })
}

/// What whoever asked could choose. What is not known is left out.
fn external(facts: &Facts) -> Value {
    let manifest = facts.sealed.manifest.as_ref().map(|(name, _)| name.clone());
    present([
        ("app", Some(json!(facts.app))),
        ("command", facts.command.clone().map(Value::from)),
        ("commit", facts.source.commit.clone().map(Value::from)),
        ("branch", facts.branch.clone().map(Value::from)),
        ("environment", facts.environment.as_ref().map(|name| json!(name))),
        ("manifest", manifest.map(Value::from)),
        ("requestedBy", Some(json!(facts.by))),
        ("pipelineRun", facts.run.map(|run| json!(run.0))),
    ])
}

fn internal(facts: &Facts) -> Value {
    present([
        ("build", Some(json!(facts.build.0))),
        ("timeoutMs", Some(json!(facts.within_ms))),
        // One per app, written by its build commands: nobody attests what is in it.
        ("packageCache", facts.command.as_ref().map(|_| json!(format!("cache/{}", facts.app)))),
        ("commitFrom", Some(json!(if facts.from_git { "git" } else { "client" }))),
        ("workingTreeChanged", facts.source.dirty.then_some(Value::Bool(true))),
        ("attestedLater", facts.late.then_some(Value::Bool(true))),
    ])
}

fn dependencies(facts: &Facts) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(commit) = &facts.source.commit {
        let place = facts.repository.clone().unwrap_or_else(|| format!("tidegate:{}", facts.app));
        let branch = facts.branch.as_ref().map(|branch| format!("@refs/heads/{branch}")).unwrap_or_default();
        all.push(json!({ "uri": format!("git+{place}{branch}"), "digest": { "gitCommit": commit } }));
    }
    all.push(json!({ "name": "snapshot", "digest": { "tidegateTree": facts.snapshot } }));
    if let Some((name, digest)) = &facts.sealed.manifest {
        all.push(json!({ "name": name, "digest": { "sha256": digest } }));
    }
    all
}

fn invocation(facts: &Facts) -> String {
    let job = facts.job.as_ref().map(|job| format!(":{job}")).unwrap_or_default();
    match facts.run {
        Some(run) => format!("urn:tidegate:run:{run}{job}"),
        None => format!("urn:tidegate:build:{}{job}", facts.build.0),
    }
}

fn byproducts(facts: &Facts) -> Vec<Value> {
    let listing =
        json!({ "name": "listing", "mediaType": "text/plain", "digest": { "sha256": facts.sealed.subject } });
    let sbom = facts.sealed.sbom.iter().map(|digest| {
        json!({
            "name": "sbom.cdx.json",
            "mediaType": "application/vnd.cyclonedx+json",
            "digest": { "sha256": digest },
        })
    });
    std::iter::once(listing).chain(sbom).chain(facts.steps.iter().map(step)).collect()
}

fn step(step: &StepFact) -> Value {
    let exit = step.exit.as_ref();
    let tests = step
        .tests
        .as_ref()
        .map(|counts| json!({ "tests": counts.tests, "failed": counts.failed, "skipped": counts.skipped }));
    let caches = (!step.caches.is_empty()).then(|| json!(step.caches));
    json!({
        "name": format!("step {}/{}", step.stage, step.name),
        "annotations": present([
            ("exitCode", exit.and_then(|exit| exit.code).map(Value::from)),
            ("signal", exit.and_then(|exit| exit.signal).map(Value::from)),
            ("ranMs", exit.map(|exit| json!(exit.ran_ms))),
            ("tests", tests),
            ("caches", caches),
        ]),
    })
}

fn present<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let known = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(known.collect::<Map<_, _>>())
}
