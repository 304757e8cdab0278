//! `pnpm-lock.yaml`, versions 5 to 9.

use serde_json::Value;
use tidegate_core::sbom::Ecosystem;

use super::{Locked, component, integrity};

/// The keys of `packages`: `name@1.0.0`, with a `/` before it and peers after it in older ones.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let document: Value = serde_saphyr::from_str(text).map_err(|_| "is no YAML".to_owned())?;
    let version = match &document["lockfileVersion"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err("has no lockfileVersion".to_owned());
        }
    };
    let five = version.starts_with("5.");
    let mut locked = Locked::default();
    for (key, package) in document["packages"].as_object().into_iter().flatten() {
        let Some((name, version)) = parts(key, five) else { continue };
        let mut one = component(Ecosystem::Npm, name, version);
        one.hashes = package["resolution"]["integrity"].as_str().map(integrity).unwrap_or_default();
        locked.components.push(one);
    }
    Ok(locked)
}

/// Name and version; `None` for what is no package of a registry. Version 5: `/name/1.0.0_peer`.
fn parts(key: &str, five: bool) -> Option<(&str, &str)> {
    let (name, version) = if five {
        let key = key.strip_prefix('/')?;
        let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
        let at = scope + key[scope..].find('/')?;
        let version = &key[at + 1..];
        (&key[..at], version.split_once('_').map_or(version, |(version, _)| version))
    } else {
        let key = key.strip_prefix('/').unwrap_or(key);
        let key = key.split_once('(').map_or(key, |(key, _)| key);
        let at = key.get(1..)?.find('@')? + 1;
        (&key[..at], &key[at + 1..])
    };
    version.starts_with(|c: char| c.is_ascii_digit()).then_some((name, version))
}
