//! What is known to be wrong with versions of packages: advisories as OSV writes them, and which of them a package is in.
//!
//! Read without a network: whoever runs Tidegate puts the files there. So it knows what they say, and nothing newer.

mod osv;
mod version;

pub use osv::{Advisory, Affected, OsvError, read_osv};
pub use version::{ordered, parse_version};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sbom::Component;

/// That a version of a package has something known to be wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Vulnerable {
    /// The advisory.
    pub id: String,
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The first version after it in which it is mended, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// What is wrong, in a line.
    pub summary: String,
}

/// For people.
impl std::fmt::Display for Vulnerable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Vulnerable { id, package, version, fixed, .. } = self;
        write!(f, "{package} {version} ({id}")?;
        match fixed {
            Some(fixed) => write!(f, ", fixed in {fixed})"),
            None => write!(f, ", no fixed version is known)"),
        }
    }
}

/// What an advisory says of a package; `None`: nothing.
pub fn concerns(advisory: &Advisory, component: &Component) -> Option<Vulnerable> {
    let name = component.ecosystem.plain(&component.name);
    let of_it = |affected: &&Affected| affected.ecosystem == component.ecosystem && affected.package == name;
    let mut hits = advisory.affected.iter().filter(of_it).filter_map(|one| one.hit(&component.version));
    let fixed = hits.next()?;
    Some(Vulnerable {
        id: advisory.id.clone(),
        package: component.name.clone(),
        version: component.version.clone(),
        fixed,
        summary: advisory.summary.clone(),
    })
}
