//! What a statement says, read back: nothing in it is taken for granted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BUILD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE};

/// What a statement says of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// The digest of the build.
    pub subject: String,
    /// What the build is known by: the digest of its input.
    pub build: String,
    /// The app.
    pub app: String,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether Tidegate read that commit out of a repository; else whoever sent the files said so.
    pub from_git: bool,
    /// Whether the folder differed from the commit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dirty: bool,
    /// The branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The environment it was made for first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The run it was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// Who asked, as they called themselves.
    pub by: String,
    /// The build command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The digest of the files that came in.
    pub snapshot: String,
    /// The digest of the list of its components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sbom: Option<String>,
    /// When it was asked for.
    pub started: String,
    /// When it was sealed.
    pub finished: String,
    /// Which installation says so.
    pub builder: String,
    /// Whether it was attested some time after it was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// What a statement says.
///
/// # Errors
/// Why it is no statement about a build of Tidegate: completes a sentence that begins with "the statement".
pub fn claims_of(statement: &Value) -> Result<Claims, String> {
    for (at, what) in [("/_type", STATEMENT_TYPE), ("/predicateType", PREDICATE_TYPE)] {
        expect(statement, at, what)?;
    }
    expect(statement, "/predicate/buildDefinition/buildType", BUILD_TYPE)?;
    let subjects = statement["subject"].as_array().map_or(0, Vec::len);
    if subjects != 1 {
        return Err(format!("has {subjects} subjects instead of one"));
    }
    let definition = &statement["predicate"]["buildDefinition"];
    let (external, internal) = (&definition["externalParameters"], &definition["internalParameters"]);
    let details = &statement["predicate"]["runDetails"];
    let dependency = |name: &str| named(&definition["resolvedDependencies"], name);
    Ok(Claims {
        subject: text(statement, "/subject/0/digest/sha256")?,
        build: text(internal, "/build")?,
        app: text(external, "/app")?,
        commit: maybe(&external["commit"]),
        from_git: internal["commitFrom"] == "git",
        dirty: internal["workingTreeChanged"] == true,
        branch: maybe(&external["branch"]),
        environment: maybe(&external["environment"]),
        run: external["pipelineRun"].as_u64(),
        by: text(external, "/requestedBy")?,
        command: maybe(&external["command"]),
        snapshot: dependency("snapshot")
            .and_then(|found| maybe(&found["digest"]["tidegateTree"]))
            .ok_or("does not say what it was made from")?,
        sbom: named(&details["byproducts"], "sbom.cdx.json")
            .and_then(|found| maybe(&found["digest"]["sha256"])),
        started: text(details, "/metadata/startedOn")?,
        finished: text(details, "/metadata/finishedOn")?,
        builder: text(details, "/builder/id")?,
        late: internal["attestedLater"] == true,
    })
}

fn expect(statement: &Value, at: &str, what: &str) -> Result<(), String> {
    match statement.pointer(at).and_then(Value::as_str) {
        Some(found) if found == what => Ok(()),
        Some(_) => Err(format!("has another {} than {what}", &at[1..])),
        None => Err(format!("has no {}", &at[1..])),
    }
}

fn text(value: &Value, at: &str) -> Result<String, String> {
    value.pointer(at).and_then(maybe).ok_or_else(|| format!("has no {}", &at[1..]))
}

fn maybe(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn named<'v>(list: &'v Value, name: &str) -> Option<&'v Value> {
    list.as_array()?.iter().find(|one| one["name"] == name)
}
