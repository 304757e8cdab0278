//! The list of a build's components as CycloneDX 1.6. The same lock files give the same bytes: no time, nothing drawn by lot.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Component, Ecosystem};

/// What a list is of.
#[derive(Clone, Copy, Debug)]
pub struct Of<'a> {
    /// The app.
    pub app: &'a str,
    /// SHA-256 in hex of its files.
    pub snapshot: &'a str,
    /// The version of Tidegate.
    pub tidegate: &'a str,
}

/// The document. `found`: the lock files by their paths, and what each names.
pub fn cyclonedx(of: &Of<'_>, found: &[(String, Vec<Component>)]) -> Value {
    let mut all: BTreeMap<String, (&Component, BTreeSet<&str>)> = BTreeMap::new();
    for (file, components) in found {
        for component in components {
            all.entry(component.purl()).or_insert((component, BTreeSet::new())).1.insert(file);
        }
    }
    let components: Vec<Value> = all.iter().map(|(purl, (one, files))| entry(purl, one, files)).collect();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(of.snapshot),
        "version": 1,
        "metadata": {
            "component": { "type": "application", "bom-ref": "app", "name": of.app },
            "tools": { "components": [{ "type": "application", "name": "tidegate", "version": of.tidegate }] },
            "properties": found.iter().map(|(file, _)| lock_file(file)).collect::<Vec<_>>(),
        },
        "components": components,
    })
}

/// The packages of such a document, by what stands in front of their package URLs. Their digests and licences are left out.
pub fn components_of(document: &Value) -> Vec<Component> {
    let entries = document["components"].as_array().into_iter().flatten();
    let component = |entry: &Value| {
        let ecosystem = Ecosystem::of_purl(entry["purl"].as_str()?)?;
        let (name, version) = (entry["name"].as_str()?.to_owned(), entry["version"].as_str()?.to_owned());
        Some(Component { ecosystem, name, version, hashes: Vec::new(), licences: Vec::new() })
    };
    entries.filter_map(component).collect()
}

fn entry(purl: &str, component: &Component, files: &BTreeSet<&str>) -> Value {
    let mut entry = json!({
        "type": "library",
        "bom-ref": purl,
        "name": component.name,
        "version": component.version,
        "purl": purl,
        "properties": files.iter().map(|file| lock_file(file)).collect::<Vec<_>>(),
    });
    if !component.hashes.is_empty() {
        let hash = |hash: &super::Hash| json!({ "alg": hash.algorithm, "content": hash.digest });
        entry["hashes"] = component.hashes.iter().map(hash).collect();
    }
    if !component.licences.is_empty() {
        // By name: what a lock file says need not be in the list of SPDX.
        let licence = |name: &String| json!({ "license": { "name": name } });
        entry["licenses"] = component.licences.iter().map(licence).collect();
    }
    entry
}

fn lock_file(path: &str) -> Value {
    json!({ "name": "tidegate:lock-file", "value": path })
}

/// A UUID of what was listed, version 8: made of a digest.
fn serial(snapshot: &str) -> String {
    let part = |from: usize, to: usize| snapshot.get(from..to).unwrap_or("0");
    format!(
        "urn:uuid:{:0>8}-{:0>4}-8{:0>3}-8{:0>3}-{:0>12}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sbom::Hash;

    #[test]
    fn a_package_of_two_lock_files_is_listed_once() {
        let one = Component {
            ecosystem: Ecosystem::Npm,
            name: "left-pad".to_owned(),
            version: "1.3.0".to_owned(),
            hashes: vec![Hash { algorithm: "SHA-1".to_owned(), digest: "a".repeat(40) }],
            licences: vec!["WTFPL".to_owned()],
        };
        let found =
            [("a/package-lock.json".to_owned(), vec![one.clone()]), ("yarn.lock".to_owned(), vec![one])];
        let of = Of { app: "shop", snapshot: &"0123456789abcdef".repeat(4), tidegate: "0.1.0" };
        let document = cyclonedx(&of, &found);
        assert_eq!(document["components"].as_array().unwrap().len(), 1);
        let entry = &document["components"][0];
        assert_eq!(entry["properties"].as_array().unwrap().len(), 2);
        assert_eq!(entry["hashes"][0]["alg"], "SHA-1");
        assert_eq!(document["serialNumber"], "urn:uuid:01234567-89ab-8cde-8f01-23456789abcd");
        assert_eq!(cyclonedx(&of, &found), document);
        let read = components_of(&document);
        assert_eq!((read.len(), read[0].purl().as_str()), (1, "pkg:npm/left-pad@1.3.0"));
    }
}
