//! The clients' packages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// Rust's: the program that asks, built with them where it is not yet.
pub fn rust() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("flag-clients-rust");
    let mut build = cargo();
    build.args(["build", "--locked", "--quiet", "--manifest-path"]).arg(programs().join("rust/Cargo.toml"));
    let status = build.arg("--target-dir").arg(&place).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{build:?}: {status}");
    place.join("debug/tidegate-flag-client")
}

/// The public test bed of flagd, which this package brings along.
pub fn testbed() -> PathBuf {
    const PACKAGE: &str = "open-feature-flagd";
    const VERSION: &str = "0.3.0";
    let name = format!("{PACKAGE}-{VERSION}");
    let place = packages::made(&name, &programs(), &[], |place| {
        let mut cargo = cargo();
        // It only shows what the package is; but to do so it fetches that package alone. Outside of any workspace.
        cargo.args(["info", "--quiet", &format!("{PACKAGE}@{VERSION}")]).current_dir("/");
        let mut unpack = Command::new("sh");
        let archive = format!("\"${{CARGO_HOME:-$HOME/.cargo}}\"/registry/cache/*/{name}.crate");
        unpack.args(["-c", &format!("tar xzf {archive}")]).current_dir(place);
        vec![cargo, unpack]
    });
    place.join(name).join("flagd-testbed")
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The programs of this folder.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/flags/clients")
}
