//! The clients' packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::packages;

/// Node's: the folder in which they are `node_modules`.
pub fn node() -> PathBuf {
    let wanted = ["package.json", "package-lock.json"];
    packages::made("flag-clients-node", &programs(), &wanted, |place| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
            .current_dir(place);
        vec![npm]
    })
}

/// Python's: the interpreter that has them.
pub fn python() -> PathBuf {
    packages::python("flag-clients-python", &programs())
}

/// The programs of this folder.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/flags/clients")
}
