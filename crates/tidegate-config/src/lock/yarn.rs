//! `yarn.lock` of Yarn 1.

use tidegate_core::sbom::{Component, Ecosystem};

use super::{Locked, component, integrity};

/// Blocks: what is asked for on a line of its own, and below it what that is.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    if text.lines().any(|line| line.starts_with("__metadata:")) {
        return Err("is of Yarn 2 or later, which is not read".to_owned());
    }
    let mut locked = Locked::default();
    let mut open: Option<Component> = None;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        if !line.starts_with(' ') {
            locked.components.extend(open.take().filter(|one| !one.version.is_empty()));
            open = name_of(line).map(|name| component(Ecosystem::Npm, name, ""));
        } else if let Some((one, (key, value))) = open.as_mut().zip(field(line)) {
            match key {
                "version" => value.clone_into(&mut one.version),
                "integrity" => one.hashes = integrity(value),
                _ => {}
            }
        }
    }
    locked.components.extend(open.filter(|one| !one.version.is_empty()));
    Ok(locked)
}

/// The package of `"@scope/name@^1", name@~2:`; `None` for a folder.
fn name_of(line: &str) -> Option<&str> {
    let first = line.trim_end_matches(':').split(", ").next()?.trim_matches('"');
    let (name, asked) = split_asked(first)?;
    match asked.strip_prefix("npm:") {
        // Another name for a package.
        Some(real) => split_asked(real).map(|(name, _)| name).or(Some(real)),
        None if asked.starts_with("file:") || asked.starts_with("link:") => None,
        None => Some(name),
    }
}

fn split_asked(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((&text[..at], &text[at + 1..]))
}

/// A field of the block itself, not of what it needs.
fn field(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
    let (key, value) = line.split_once(' ')?;
    Some((key, value.trim_matches('"')))
}
