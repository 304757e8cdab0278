//! The certificates in a folder, as people want to see them.

use std::fs;
use std::path::Path;

use super::leaf::Leaf;
use super::{Origin, folder, pair};

/// One host's.
#[derive(Debug)]
pub struct Listed {
    /// The host, or `*.suffix`.
    pub host: String,
    /// Who made it.
    pub origin: Origin,
    /// What it says, or why it cannot be used.
    pub leaf: Result<Leaf, String>,
}

/// Everything in the folder, by host. A folder that is not there holds nothing.
pub fn list(certs: &Path) -> std::io::Result<Vec<Listed>> {
    let listed = match fs::read_dir(certs) {
        Ok(listed) => listed,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let one = |item: fs::DirEntry| {
        let host = folder::host_of(item.file_name().to_str()?)?;
        let leaf = pair::load(&item.path()).map(|pair| pair.leaf).map_err(|error| error.to_string());
        Some(Listed { host, origin: Origin::of(&item.path()), leaf })
    };
    let mut all: Vec<Listed> = listed.filter_map(|item| one(item.ok()?)).collect();
    all.sort_by(|a, b| a.host.cmp(&b.host));
    Ok(all)
}
