//! The clients' packages, installed once for all tests from the registries and again where what is asked for has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Node's: the folder in which they are `node_modules`.
pub fn node() -> PathBuf {
    let wanted = ["package.json", "package-lock.json"];
    made("flag-clients-node", &wanted, |place| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
            .current_dir(place);
        vec![npm]
    })
}

/// Python's: the interpreter that has them.
pub fn python() -> PathBuf {
    let place = made("flag-clients-python", &["requirements.txt"], |place| {
        let first = if tidegate_os::process::is_root() { "/usr/bin/python3" } else { "python3" };
        let (mut venv, mut pip) = (Command::new(first), Command::new(place.join("bin/python")));
        venv.args(["-m", "venv"]).arg(place);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary",
            ":all:",
        ]);
        pip.arg("-r").arg(place.join("requirements.txt"));
        vec![venv, pip]
    });
    place.join("bin/python")
}

/// The programs of this folder.
pub fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/flags/clients")
}

fn made(name: &str, wanted: &[&str], steps: impl Fn(&Path) -> Vec<Command>) -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = scratch.join(name);
    let lock = File::create(scratch.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = place.join("made");
    let same = |file: &&str| fs::read(programs().join(file)).ok() == fs::read(place.join(file)).ok();
    if !done.exists() || !wanted.iter().all(same) {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        for file in wanted {
            fs::copy(programs().join(file), place.join(file)).unwrap();
        }
        for mut step in steps(&place) {
            let status = step.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
            assert!(status.success(), "{step:?}: {status}");
        }
        fs::write(done, "").unwrap();
    }
    place
}
