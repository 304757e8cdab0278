//! Lock files of package managers: their text in, the packages they name out.
//!
//! A kind is a file of this folder. What is not pinned is no component; what cannot be read is a note, never an error of a build.

mod cargo;
mod composer;
mod gem;
mod go;
mod npm;
mod pipfile;
mod pnpm;
mod python;
mod requirements;
mod yarn;

use tidegate_core::sbom::{Component, Ecosystem, Hash};

/// The largest lock file that is read, in bytes.
pub const LARGEST_LOCK: u64 = 16 << 20;

/// What a lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    /// The packages it pins.
    pub components: Vec<Component>,
    /// What of it is not pinned or was not understood; completes a sentence that begins with the file's name.
    pub notes: Vec<String>,
}

type Reader = fn(&str) -> Result<Locked, String>;

/// The lock files that are read, by their names.
const KINDS: [(&str, Reader); 11] = [
    ("Cargo.lock", cargo::read),
    ("package-lock.json", npm::read),
    ("npm-shrinkwrap.json", npm::read),
    ("yarn.lock", yarn::read),
    ("pnpm-lock.yaml", pnpm::read),
    ("requirements.txt", requirements::read),
    ("poetry.lock", python::read),
    ("uv.lock", python::read),
    ("Pipfile.lock", pipfile::read),
    ("go.mod", go::read),
    ("Gemfile.lock", gem::read),
];
const COMPOSER: &str = "composer.lock";

/// Whether a path is that of a lock file that is read, and not one that a package brings along.
pub fn is_lock_file(path: &str) -> bool {
    let others =
        path.split('/').any(|part| matches!(part, "node_modules" | "vendor" | ".venv" | "site-packages"));
    !others && reader_of(path).is_some()
}

/// What the lock file at `path` says.
///
/// # Errors
/// Why it cannot be read: completes a sentence that begins with the file's name.
pub fn read_lock(path: &str, text: &str) -> Result<Locked, String> {
    let read = reader_of(path).ok_or("is no lock file that is known")?;
    let mut locked = read(text)?;
    locked.components.sort();
    locked.components.dedup();
    Ok(locked)
}

fn reader_of(path: &str) -> Option<Reader> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == COMPOSER {
        return Some(composer::read);
    }
    KINDS.into_iter().find(|(known, _)| *known == name).map(|(_, read)| read)
}

fn component(ecosystem: Ecosystem, name: &str, version: &str) -> Component {
    let (name, version) = (name.to_owned(), version.to_owned());
    Component { ecosystem, name, version, hashes: Vec::new(), licences: Vec::new() }
}

/// `sha512-BASE64`, as npm has it; nothing for what is something else.
fn integrity(text: &str) -> Vec<Hash> {
    use base64::Engine;
    // Several digests of the same file: the first that is understood.
    let one = text.split_whitespace().find_map(|one| {
        let (algorithm, digest) = one.split_once('-')?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(digest).ok()?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        hash(algorithm, &hex)
    });
    one.into_iter().collect()
}

/// A digest in hex, where its length is that of its algorithm.
fn hash(algorithm: &str, hex: &str) -> Option<Hash> {
    let (algorithm, digits) = match algorithm {
        "sha1" => ("SHA-1", 40),
        "sha256" => ("SHA-256", 64),
        "sha384" => ("SHA-384", 96),
        "sha512" => ("SHA-512", 128),
        _ => return None,
    };
    let good = hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| Hash { algorithm: algorithm.to_owned(), digest: hex.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests;
