//! `tidegate verify`, `sbom` and `key` as text.

use serde_json::Value;
use tidegate_core::provenance::Claims;
use tidegate_core::units::ByteSize;
use tidegate_core::view::{DependencyReport, KeyList, SbomView, VerifyView};

use super::text::harmless;

/// What was found, and what it proves.
pub fn verified(view: &VerifyView) -> String {
    let build = short(&view.build);
    let mut lines = if view.genuine {
        vec![format!("build {build} is what was signed")]
    } else {
        let head = if build.is_empty() {
            "not verified".to_owned()
        } else {
            format!("build {build} is NOT what was signed")
        };
        let mut lines = vec![format!("{head} [provenance::altered-build]")];
        lines.extend(view.findings.iter().map(|finding| format!("  ! {}", harmless(finding))));
        lines
    };
    if let Some(says) = &view.says {
        lines.extend(said(says, view.genuine));
    }
    if let Some(key) = &view.key {
        let retired = view.key_retired.as_ref().map(|at| format!(", retired {at}")).unwrap_or_default();
        lines.push(format!("  key       {}{retired}", short(key)));
    }
    if let Some(digest) = &view.digest {
        lines.push(format!(
            "  files     {} entries, {}, digest {digest}",
            view.entries,
            ByteSize(view.bytes)
        ));
    }
    lines.extend(view.notes.iter().map(|note| format!("  note      {}", harmless(note))));
    lines.join("\n") + "\n"
}

fn said(says: &Claims, genuine: bool) -> Vec<String> {
    let commit = match &says.commit {
        None => "none: it was made of a folder".to_owned(),
        Some(commit) if says.from_git => harmless(commit),
        Some(commit) => format!("{}, as whoever sent the files said", harmless(commit)),
    };
    let dirty = if says.dirty { ", and changes on top of it" } else { "" };
    let branch = says.branch.as_ref().map(|branch| format!(" of {}", harmless(branch))).unwrap_or_default();
    let run = says.run.map(|run| format!("run {run}, ")).unwrap_or_default();
    let command = says
        .command
        .as_ref()
        .map_or_else(|| "the files as they came".to_owned(), |run| format!("`{}`", harmless(run)));
    let late = if says.late { "; signed later, by a newer version" } else { "" };
    let title = if genuine { "proves" } else { "it says" };
    vec![
        format!("  {title:<9} app {}", harmless(&says.app)),
        format!("  commit    {commit}{branch}{dirty}"),
        format!(
            "  made      {run}asked for by {} {}, done {}{late}",
            harmless(&says.by),
            harmless(&says.started),
            harmless(&says.finished)
        ),
        format!("  by        {command}"),
    ]
}

/// A line for each package.
pub fn sbom(view: &SbomView) -> String {
    let document: Value = serde_json::from_str(&view.document).unwrap_or_default();
    let packages = document["components"].as_array().cloned().unwrap_or_default();
    let line = |package: &Value| format!("{}\n", harmless(package["purl"].as_str().unwrap_or_default()));
    let lines: String = packages.iter().map(line).collect();
    let (count, s) = (packages.len(), if packages.len() == 1 { "" } else { "s" });
    format!("{lines}{count} package{s} in the lock files of build {}\n", short(&view.build))
}

/// The one that signs first.
pub fn keys(list: &KeyList) -> String {
    let line = |key: &tidegate_core::view::KeyView| {
        let state = key.retired.as_ref().map_or_else(|| "signs".to_owned(), |at| format!("retired {at}"));
        format!("{}  since {}  {state}\n", key.id, key.made)
    };
    list.keys.iter().map(line).collect()
}

/// What a plan says of packages.
pub(super) fn dependencies(report: &DependencyReport) -> String {
    let mut lines: Vec<String> = report
        .vulnerable
        .iter()
        .map(|one| format!("! package {}: {}", harmless(&one.to_string()), harmless(&one.summary)))
        .collect();
    lines.extend((report.more > 0).then(|| format!("! {} more packages with advisories", report.more)));
    lines.extend(report.note.iter().map(|note| format!("  packages  {}", harmless(note))));
    if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
