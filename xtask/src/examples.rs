//! Every example passes `tidegate check`.

use std::path::Path;

use crate::{Trouble, files, program};

/// What `check` says of those that do not.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let tidegate = program::build(root)?;
    let manifests = files::all(root)?;
    let manifests = manifests.iter().filter(|file| {
        file.starts_with("examples") && file.file_name().is_some_and(|n| n == "tidegate.yaml")
    });
    let mut findings = Vec::new();
    for manifest in manifests {
        let folder = root.join(manifest.parent().unwrap_or(Path::new(".")));
        let checked = program::run(&tidegate, &["check", &folder.display().to_string()])?;
        if !checked.status.success() {
            findings.push(format!("{}: {}", manifest.display(), String::from_utf8_lossy(&checked.stderr)));
        }
    }
    Ok(findings)
}
