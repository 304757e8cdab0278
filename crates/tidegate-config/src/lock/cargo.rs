//! `Cargo.lock`.

use tidegate_core::sbom::Ecosystem;
use toml_edit::DocumentMut;

use super::{Locked, component, hash};

/// Packages of a registry or a repository; those of the workspace are the app itself.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: DocumentMut = text.parse().map_err(|_| "is no TOML".to_owned())?;
    let packages = document.get("package").and_then(|item| item.as_array_of_tables());
    let mut locked = Locked::default();
    for package in packages.into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(|item| item.as_str());
        let (Some(name), Some(version)) = (field("name"), field("version")) else {
            return Err("has a package without a name or a version".to_owned());
        };
        if field("source").is_none() {
            continue;
        }
        let mut one = component(Ecosystem::Cargo, name, version);
        one.hashes = field("checksum").and_then(|digest| hash("sha256", digest)).into_iter().collect();
        locked.components.push(one);
    }
    Ok(locked)
}
