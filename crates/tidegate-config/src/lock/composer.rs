//! `composer.lock`.

use serde_json::Value;
use tidegate_core::sbom::Ecosystem;

use super::{Locked, component, hash};

/// What is needed to run, and to develop.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: Value = serde_json::from_str(text).map_err(|_| "is no JSON".to_owned())?;
    if !document["packages"].is_array() {
        return Err("has no `packages`".to_owned());
    }
    let packages = ["packages", "packages-dev"].into_iter().filter_map(|group| document[group].as_array());
    let mut locked = Locked::default();
    for package in packages.flatten() {
        let (Some(name), Some(version)) = (package["name"].as_str(), package["version"].as_str()) else {
            continue;
        };
        let mut one = component(Ecosystem::Composer, name, version);
        one.hashes =
            package["dist"]["shasum"].as_str().and_then(|digest| hash("sha1", digest)).into_iter().collect();
        let licences = package["license"].as_array().into_iter().flatten();
        one.licences = licences.filter_map(|licence| licence.as_str().map(str::to_owned)).collect();
        locked.components.push(one);
    }
    Ok(locked)
}
