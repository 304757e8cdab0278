//! `package-lock.json` of npm 7 and later (versions 2 and 3).

use serde_json::Value;
use tidegate_core::sbom::Ecosystem;

use super::{Locked, component, integrity};

/// What is installed under `node_modules`; workspaces are the app itself.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "is no JSON".to_owned())?;
    let Some(packages) = document["packages"].as_object() else {
        let version = document["lockfileVersion"].as_u64().unwrap_or(1);
        return Err(format!(
            "has version {version}: `npm install` with npm 7 or later writes one that is read"
        ));
    };
    let mut locked = Locked::default();
    for (place, package) in packages {
        let Some((_, folder)) = place.rsplit_once("node_modules/") else { continue };
        let (Some(version), false) = (package["version"].as_str(), package["link"] == true) else { continue };
        let mut one = component(Ecosystem::Npm, package["name"].as_str().unwrap_or(folder), version);
        one.hashes = package["integrity"].as_str().map(integrity).unwrap_or_default();
        one.licences = package["license"].as_str().map(str::to_owned).into_iter().collect();
        locked.components.push(one);
    }
    Ok(locked)
}
