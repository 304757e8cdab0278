//! Whether a build is what its attestation says: the signature, what the statement and the store say of it, and its files.

use std::path::Path;

use tidegate_core::model::{Build, BuildId};
use tidegate_core::provenance::{Attestation, Claims, claims_of};
use tidegate_core::view::VerifyView;

use super::{Kept, Keys, inspected, opened};
use crate::answer::rfc3339;

/// What is wrong with an attestation, apart from the files it is about.
pub(crate) fn trouble(attestation: &Attestation, build: &Build, keys: &Keys) -> Vec<String> {
    match opened(&attestation.envelope, &keys.public()).and_then(|(statement, _)| said(&statement)) {
        Ok(claims) => disagreements(&claims, attestation, build),
        Err(why) => vec![why],
    }
}

fn said(statement: &serde_json::Value) -> Result<Claims, String> {
    claims_of(statement).map_err(|why| format!("the statement {why}"))
}

/// Where the statement and the store say different things.
fn disagreements(claims: &Claims, attestation: &Attestation, build: &Build) -> Vec<String> {
    if claims.build != build.id.0 {
        return vec![format!("the attestation is of another build: {}", BuildId(claims.build.clone()))];
    }
    let mut all = Vec::new();
    let mut same = |what: &str, signed: Option<&str>, stored: Option<&str>| {
        if signed != stored {
            all.push(format!("the attestation names another {what} than is stored"));
        }
    };
    same("digest", Some(&claims.subject), Some(&attestation.subject));
    same("app", Some(&claims.app), Some(build.app.as_str()));
    same("snapshot", Some(&claims.snapshot), Some(&build.snapshot));
    same("build command", claims.command.as_deref(), build.run.as_deref());
    same("commit", claims.commit.as_deref(), build.source.commit.as_deref());
    all
}

/// Everything about a build that is ready. Takes as long as it is large.
pub(crate) fn verified(
    data: &Path,
    (build, dir): (&Build, &Path),
    attestation: Option<&Attestation>,
    keys: &Keys,
) -> VerifyView {
    let mut view = VerifyView { build: build.id.0.clone(), ..VerifyView::default() };
    let Some(attestation) = attestation else {
        view.findings.push("it has no attestation".to_owned());
        return view;
    };
    view.findings = trouble(attestation, build, keys);
    view.notes.clone_from(&attestation.notes);
    if let Ok((statement, key)) = opened(&attestation.envelope, &keys.public()) {
        view.says = claims_of(&statement).ok();
        view.key_retired = keys.retired(&key.id()).map(rfc3339);
        view.key = Some(key.id());
    }
    // What was signed counts, not what is stored beside it.
    let subject = view.says.as_ref().map_or(&attestation.subject, |says| &says.subject);
    let seen = inspected(dir, &Kept::of(data, &build.id), subject);
    view.findings.extend(seen.problems);
    (view.entries, view.bytes) = (seen.entries, seen.bytes);
    view.digest = Some(seen.digest).filter(|digest| !digest.is_empty());
    view.genuine = view.findings.is_empty();
    view
}

#[cfg(test)]
mod tests {
    use tidegate_core::model::{BuildPhase, BuildSource, Name, RunNo};
    use tidegate_core::provenance::{Builder, Facts, Sealed, statement};

    use super::*;

    fn build(letter: &str) -> Build {
        Build {
            id: BuildId(letter.repeat(64)),
            app: "shop".parse().unwrap(),
            snapshot: "5".repeat(64),
            run: Some("make".to_owned()),
            within_ms: 1_000,
            phase: BuildPhase::Ready,
            content: None,
            size: 0,
            source: BuildSource { commit: Some("c".repeat(40)), dirty: false },
            made_at_unix_ms: 1,
        }
    }

    fn signed(build: &Build, keys: &Keys) -> Attestation {
        let facts = Facts {
            build: build.id.clone(),
            app: build.app.clone(),
            command: build.run.clone(),
            within_ms: build.within_ms,
            snapshot: build.snapshot.clone(),
            source: build.source.clone(),
            from_git: true,
            branch: None,
            repository: None,
            run: Some(RunNo(1)),
            environment: None,
            by: "ann".to_owned(),
            job: None,
            steps: Vec::new(),
            sealed: Sealed { subject: "d".repeat(64), ..Sealed::default() },
            started: rfc3339(1),
            finished: rfc3339(2),
            late: false,
            builder: Builder { key: keys.current(), version: "0.1.0".to_owned() },
        };
        let (envelope, subject) = (keys.sign(&statement(&facts)), "d".repeat(64));
        Attestation { envelope, subject, made_at_unix_ms: 2, notes: Vec::new() }
    }

    fn keys() -> (tempfile::TempDir, Keys) {
        let data = tempfile::tempdir().unwrap();
        let keys = Keys::open(data.path(), 1).unwrap();
        (data, keys)
    }

    #[test]
    fn what_was_signed_here_is_believed_and_nothing_else_is() {
        let ((_data, keys), (_elsewhere, others)) = (self::keys(), self::keys());
        let (mine, other) = (build("a"), build("b"));
        let good = signed(&mine, &keys);
        assert_eq!(trouble(&good, &mine, &keys), Vec::<String>::new());
        keys.rotate(3).unwrap();
        assert_eq!(trouble(&good, &mine, &keys), Vec::<String>::new());

        for (attestation, build, why) in [
            (signed(&other, &keys), &mine, "is of another build: bbbbbbbbbbbb"),
            (signed(&mine, &others), &mine, "signed by another key"),
            (Attestation { subject: "e".repeat(64), ..good.clone() }, &mine, "names another digest"),
            (good.clone(), &Build { snapshot: "6".repeat(64), ..mine.clone() }, "names another snapshot"),
            (good.clone(), &Build { source: BuildSource::default(), ..mine.clone() }, "names another commit"),
            (good.clone(), &Build { run: None, ..mine.clone() }, "names another build command"),
            (
                good.clone(),
                &Build { app: "other".parse::<Name>().unwrap(), ..mine.clone() },
                "names another app",
            ),
        ] {
            let found = trouble(&attestation, build, &keys);
            assert!(found.len() == 1 && found[0].contains(why), "{why}: {found:?}");
        }
        let mut tampered = good;
        tampered.envelope.payload = signed(&other, &keys).envelope.payload;
        assert!(trouble(&tampered, &mine, &keys)[0].contains("changed after it was signed"));
    }
}
