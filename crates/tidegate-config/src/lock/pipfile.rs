//! `Pipfile.lock`.

use serde_json::Value;
use tidegate_core::sbom::Ecosystem;

use super::{Locked, component};

/// What is needed to run, and to develop.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "is no JSON".to_owned())?;
    if !document["_meta"].is_object() {
        return Err("has no `_meta`".to_owned());
    }
    let groups = ["default", "develop"].into_iter().filter_map(|group| document[group].as_object());
    let pinned = groups.flatten().filter_map(|(name, package)| {
        let version = package["version"].as_str()?.strip_prefix("==")?;
        Some(component(Ecosystem::Pypi, name, version))
    });
    Ok(Locked { components: pinned.collect(), notes: Vec::new() })
}
