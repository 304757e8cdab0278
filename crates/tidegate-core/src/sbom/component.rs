//! A package of a registry in one version.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// Where packages of its kind come from.
    pub ecosystem: Ecosystem,
    /// Its name there.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digests of what is downloaded, where the lock file has one that can only be of that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
    /// Its licences, in the words of the lock file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub licences: Vec<String>,
}

/// A digest of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ComponentHash")]
pub struct Hash {
    /// `SHA-1`, `SHA-256`, `SHA-384` or `SHA-512`.
    pub algorithm: String,
    /// In hex.
    pub digest: String,
}

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ecosystem {
    /// Rust.
    Cargo,
    /// JavaScript.
    Npm,
    /// Python.
    Pypi,
    /// Go.
    Go,
    /// Ruby.
    Gem,
    /// PHP.
    Composer,
}

impl Ecosystem {
    const ALL: [Ecosystem; 6] = [
        Ecosystem::Cargo,
        Ecosystem::Npm,
        Ecosystem::Pypi,
        Ecosystem::Go,
        Ecosystem::Gem,
        Ecosystem::Composer,
    ];

    /// Its name in advisories of OSV.
    pub const fn in_osv(self) -> &'static str {
        match self {
            // The name that OSV gives it.
            Ecosystem::Cargo => concat!("crates", ".io"),
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "PyPI",
            Ecosystem::Go => "Go",
            Ecosystem::Gem => "RubyGems",
            Ecosystem::Composer => "Packagist",
        }
    }

    /// The one with this name in advisories of OSV.
    pub fn of_osv(name: &str) -> Option<Ecosystem> {
        Self::ALL.into_iter().find(|one| one.in_osv() == name)
    }

    /// The one of a package URL.
    pub fn of_purl(purl: &str) -> Option<Ecosystem> {
        let (kind, _) = purl.strip_prefix("pkg:")?.split_once('/')?;
        Self::ALL.into_iter().find(|one| one.in_purl() == kind)
    }

    /// Its type in package URLs.
    const fn in_purl(self) -> &'static str {
        match self {
            Ecosystem::Cargo => "cargo",
            Ecosystem::Npm => "npm",
            Ecosystem::Pypi => "pypi",
            Ecosystem::Go => "golang",
            Ecosystem::Gem => "gem",
            Ecosystem::Composer => "composer",
        }
    }

    /// A package's name as the registry compares it.
    pub fn plain(self, name: &str) -> String {
        match self {
            Ecosystem::Pypi => one_dash(&name.to_lowercase()),
            Ecosystem::Composer => name.to_lowercase(),
            Ecosystem::Cargo | Ecosystem::Npm | Ecosystem::Go | Ecosystem::Gem => name.to_owned(),
        }
    }
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`.
fn one_dash(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for letter in name.chars() {
        let dash = matches!(letter, '-' | '_' | '.');
        if !dash {
            plain.push(letter);
        } else if !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain
}

impl Component {
    /// Its package URL: the same package in the same version has the same.
    pub fn purl(&self) -> String {
        let go = self.ecosystem == Ecosystem::Go;
        let name = if go { self.name.to_lowercase() } else { self.ecosystem.plain(&self.name) };
        let name: Vec<String> = name.split('/').map(encoded).collect();
        format!("pkg:{}/{}@{}", self.ecosystem.in_purl(), name.join("/"), encoded(&self.version))
    }
}

fn encoded(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => all.push(char::from(byte)),
            byte => {
                // Writing to a string cannot fail.
                let _ = write!(all, "%{byte:02X}");
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_url_is_the_same_for_every_spelling_of_a_name() {
        for (ecosystem, name, version, purl) in [
            (Ecosystem::Cargo, "serde_json", "1.0.0+a", "pkg:cargo/serde_json@1.0.0%2Ba"),
            (Ecosystem::Npm, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
            (Ecosystem::Pypi, "Typing__Extensions.x", "4", "pkg:pypi/typing-extensions-x@4"),
            (Ecosystem::Go, "github.com/A/b", "v1.2.0", "pkg:golang/github.com/a/b@v1.2.0"),
            (Ecosystem::Gem, "rails", "7.1.0", "pkg:gem/rails@7.1.0"),
            (Ecosystem::Composer, "Symfony/Yaml", "v6.0.0", "pkg:composer/symfony/yaml@v6.0.0"),
        ] {
            let component = Component {
                ecosystem,
                name: name.to_owned(),
                version: version.to_owned(),
                hashes: Vec::new(),
                licences: Vec::new(),
            };
            assert_eq!(component.purl(), purl);
            assert_eq!(Ecosystem::of_osv(ecosystem.in_osv()), Some(ecosystem));
        }
    }
}
