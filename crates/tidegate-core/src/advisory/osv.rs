//! An advisory in the format of OSV, as far as it is needed here.

use std::cmp::Ordering;

use serde::Deserialize;

use super::version::ordered;
use crate::sbom::Ecosystem;

/// An advisory about packages of registries that are known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// Its id.
    pub id: String,
    /// What is wrong, in a line.
    pub summary: String,
    /// The packages.
    pub affected: Vec<Affected>,
}

/// A package of an advisory, and its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affected {
    /// Where it comes from.
    pub ecosystem: Ecosystem,
    /// Its name, as the registry compares it.
    pub package: String,
    /// Versions that are named one by one.
    versions: Vec<String>,
    /// From which version on, to which.
    ranges: Vec<Range>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    /// In the order of the versions they name.
    events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
}

/// Why a file is no advisory.
#[derive(Debug, thiserror::Error)]
pub enum OsvError {
    /// It is no JSON, or not that of an advisory.
    #[error("is no advisory in the format of OSV")]
    Format,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default)]
    summary: String,
    withdrawn: Option<String>,
    #[serde(default)]
    affected: Vec<WireAffected>,
}

#[derive(Deserialize)]
struct WireAffected {
    package: Option<WirePackage>,
    #[serde(default)]
    ranges: Vec<WireRange>,
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct WirePackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct WireRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<WireEvent>,
}

#[derive(Deserialize)]
struct WireEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
}

/// The longest summary that is kept, in characters.
const LONGEST_SUMMARY: usize = 160;

/// Reads an advisory. `None`: it was withdrawn, or is about nothing that is known here.
///
/// # Errors
/// Where it is none.
pub fn read_osv(text: &[u8]) -> Result<Option<Advisory>, OsvError> {
    let wire: Wire = serde_json::from_slice(text).map_err(|_| OsvError::Format)?;
    let affected: Vec<Affected> = wire.affected.into_iter().filter_map(affected_of).collect();
    if wire.withdrawn.is_some() || affected.is_empty() {
        return Ok(None);
    }
    let summary = wire.summary.chars().map(|c| if c.is_control() { ' ' } else { c });
    Ok(Some(Advisory { id: wire.id, summary: summary.take(LONGEST_SUMMARY).collect(), affected }))
}

fn affected_of(wire: WireAffected) -> Option<Affected> {
    let package = wire.package?;
    let ecosystem = Ecosystem::of_osv(&package.ecosystem)?;
    // Commits of a repository say nothing of versions of a registry.
    let ranges =
        wire.ranges.into_iter().filter(|range| matches!(range.kind.as_str(), "SEMVER" | "ECOSYSTEM"));
    let ranges = ranges.map(|range| range_of(ecosystem, range)).collect();
    Some(Affected { ecosystem, package: ecosystem.plain(&package.name), versions: wire.versions, ranges })
}

fn range_of(ecosystem: Ecosystem, wire: WireRange) -> Range {
    let event = |wire: WireEvent| {
        let introduced = wire.introduced.map(Event::Introduced);
        introduced.or(wire.fixed.map(Event::Fixed)).or(wire.last_affected.map(Event::LastAffected))
    };
    let mut events: Vec<Event> = wire.events.into_iter().filter_map(event).collect();
    events.sort_by(|a, b| compare(ecosystem, a.version(), b.version()).unwrap_or(Ordering::Equal));
    Range { events }
}

impl Event {
    fn version(&self) -> &str {
        match self {
            Event::Introduced(version) | Event::Fixed(version) | Event::LastAffected(version) => version,
        }
    }
}

/// `0` is before every version.
fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match (a, b) {
        ("0", "0") => Some(Ordering::Equal),
        ("0", _) => Some(Ordering::Less),
        (_, "0") => Some(Ordering::Greater),
        (a, b) => ordered(ecosystem, a, b),
    }
}

impl Affected {
    /// Whether a version is among them; then in which it is mended, where that is known. A version that cannot be put in order is
    /// looked for among those that are named.
    pub(super) fn hit(&self, version: &str) -> Option<Option<String>> {
        let named = self.versions.iter().any(|one| one == version);
        let within = self.ranges.iter().find_map(|range| range.hit(self.ecosystem, version));
        match (within, named) {
            (Some(fixed), _) => Some(fixed),
            (None, true) => Some(None),
            (None, false) => None,
        }
    }
}

impl Range {
    fn hit(&self, ecosystem: Ecosystem, version: &str) -> Option<Option<String>> {
        let mut within = false;
        for event in &self.events {
            let order = compare(ecosystem, event.version(), version)?;
            match event {
                Event::Introduced(_) if order != Ordering::Greater => within = true,
                Event::Fixed(_) if order != Ordering::Greater => within = false,
                Event::LastAffected(_) if order == Ordering::Less => within = false,
                Event::Fixed(fixed) if within => return Some(Some(fixed.clone())),
                Event::Introduced(_) | Event::Fixed(_) | Event::LastAffected(_) => {}
            }
        }
        within.then_some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::{Vulnerable, concerns};
    use crate::sbom::Component;

    fn component(ecosystem: Ecosystem, name: &str, version: &str) -> Component {
        Component {
            ecosystem,
            name: name.to_owned(),
            version: version.to_owned(),
            hashes: Vec::new(),
            licences: Vec::new(),
        }
    }

    const ADVISORY: &str = r#"{
        "id": "GHSA-1", "summary": "bad\nthings", "modified": "2026-01-01T00:00:00Z",
        "affected": [
            { "package": { "ecosystem": "npm", "name": "left-pad" },
              "ranges": [{ "type": "SEMVER", "events": [
                { "introduced": "0" }, { "fixed": "1.2.0" }, { "introduced": "2.0.0-rc.1" }, { "fixed": "2.1.0" } ] }] },
            { "package": { "ecosystem": "PyPI", "name": "Left_Pad" },
              "ranges": [{ "type": "ECOSYSTEM", "events": [ { "introduced": "1.0" }, { "last_affected": "1.4" } ] }],
              "versions": ["0.9.odd"] },
            { "package": { "ecosystem": "Hackage", "name": "x" } } ] }"#;

    fn hit(ecosystem: Ecosystem, name: &str, version: &str) -> Option<Vulnerable> {
        let advisory = read_osv(ADVISORY.as_bytes()).unwrap().unwrap();
        concerns(&advisory, &component(ecosystem, name, version))
    }

    #[test]
    fn a_version_is_in_an_advisory_or_it_is_not() {
        for (version, fixed) in [
            ("1.1.9", Some(Some("1.2.0"))),
            ("1.2.0", None),
            ("1.10.0", None),
            ("2.0.0-rc.2", Some(Some("2.1.0"))),
            ("2.0.0-alpha", None),
            ("2.1.0", None),
        ] {
            let found = hit(Ecosystem::Npm, "left-pad", version).map(|hit| hit.fixed);
            assert_eq!(found, fixed.map(|fixed| fixed.map(str::to_owned)), "{version}");
        }
        for (version, is) in
            [("0.9", false), ("1.0", true), ("1.4.0", true), ("1.4.1", false), ("0.9.odd", true)]
        {
            assert_eq!(hit(Ecosystem::Pypi, "left.pad", version).is_some(), is, "{version}");
        }
        assert_eq!(hit(Ecosystem::Npm, "right-pad", "1.0.0"), None);
        assert_eq!(hit(Ecosystem::Npm, "left-pad", "1.0.0").unwrap().summary, "bad things");
    }

    #[test]
    fn what_is_withdrawn_or_about_something_else_says_nothing() {
        let withdrawn = ADVISORY.replace("\"modified\"", "\"withdrawn\"");
        assert_eq!(read_osv(withdrawn.as_bytes()).unwrap(), None);
        assert_eq!(read_osv(br#"{"id":"X","affected":[]}"#).unwrap(), None);
        assert!(read_osv(b"[]").is_err());
    }
}
