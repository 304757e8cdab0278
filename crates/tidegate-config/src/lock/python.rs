//! `poetry.lock` and `uv.lock`.

use tidegate_core::sbom::Ecosystem;
use toml_edit::{DocumentMut, Item};

use super::{Locked, component};

/// Packages of an index or a repository; those of a folder are the app itself.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: DocumentMut = text.parse().map_err(|_| "is no TOML".to_owned())?;
    let packages = document.get("package").and_then(Item::as_array_of_tables);
    let mut locked = Locked::default();
    for package in packages.into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(Item::as_str);
        let Some(name) = field("name") else { return Err("has a package without a name".to_owned()) };
        let source = package.get("source");
        let own = source.is_some_and(|source| {
            let kind = source.get("type").and_then(Item::as_str);
            let is = |key: &str| source.get(key).is_some();
            kind == Some("directory") || is("virtual") || is("editable") || is("directory")
        });
        // uv leaves out the version of what is only known once it is built.
        if let (Some(version), false) = (field("version"), own) {
            locked.components.push(component(Ecosystem::Pypi, name, version));
        }
    }
    Ok(locked)
}
