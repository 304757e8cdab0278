//! What is known of a build when it is sealed.

use crate::model::{BuildId, BuildSource, Exit, Name, RunNo, TestCounts};

/// What a statement is made of. Names and digests: no variable, no secret.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The build: the digest of its input.
    pub build: BuildId,
    /// The app.
    pub app: Name,
    /// The build command; `None`: the files are taken as they are.
    pub command: Option<String>,
    /// How long it may take, in milliseconds.
    pub within_ms: u64,
    /// The digest of the files that came in.
    pub snapshot: String,
    /// The commit they are of.
    pub source: BuildSource,
    /// Whether Tidegate read the commit out of a repository itself; else somebody said that these are its files.
    pub from_git: bool,
    /// The branch.
    pub branch: Option<String>,
    /// The repository, where the app follows one: without anything that opens it.
    pub repository: Option<String>,
    /// The run it was made for.
    pub run: Option<RunNo>,
    /// The environment it was made for first.
    pub environment: Option<Name>,
    /// Who asked, as they call themselves.
    pub by: String,
    /// The process of the build command.
    pub job: Option<String>,
    /// The steps of the run that were over when the build was done.
    pub steps: Vec<StepFact>,
    /// What sealing it found.
    pub sealed: Sealed,
    /// When it was asked for, RFC 3339.
    pub started: String,
    /// When it was sealed, RFC 3339.
    pub finished: String,
    /// Whether it was sealed by a version that made no attestations, and is attested now.
    pub late: bool,
    /// Who makes the statement.
    pub builder: Builder,
}

/// What sealing a build found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The digest of the build: SHA-256 in hex of the text of its listing.
    pub subject: String,
    /// The manifest's name and SHA-256 of its text.
    pub manifest: Option<(String, String)>,
    /// SHA-256 of the list of its components.
    pub sbom: Option<String>,
    /// What could not be read for that list.
    pub notes: Vec<String>,
}

/// Who makes statements: an installation, known by its key.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// The id of the key.
    pub key: String,
    /// The version of Tidegate.
    pub version: String,
}

/// A step of a run, once it is over.
#[derive(Clone, Debug)]
pub struct StepFact {
    /// The stage.
    pub stage: Name,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub exit: Option<Exit>,
    /// What its reports say.
    pub tests: Option<TestCounts>,
    /// The folders it gets from earlier runs.
    pub caches: Vec<String>,
}
