//! Packages of the registries that tests use, installed once for all of them and again where what is asked for has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The place `name` with what the files `wanted` of `folder` ask for: copies of them, and what `steps` then make of it.
pub fn made(name: &str, folder: &Path, wanted: &[&str], steps: impl Fn(&Path) -> Vec<Command>) -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = scratch.join(name);
    let lock = File::create(scratch.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let done = place.join("made");
    let same = |file: &&str| fs::read(folder.join(file)).ok() == fs::read(place.join(file)).ok();
    if !done.exists() || !wanted.iter().all(same) {
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        for file in wanted {
            fs::copy(folder.join(file), place.join(file)).unwrap();
        }
        for mut step in steps(&place) {
            let status = step.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
            assert!(status.success(), "{step:?}: {status}");
        }
        fs::write(done, "").unwrap();
    }
    place
}

/// A Python with the packages of the folder's `requirements.txt`.
pub fn python(name: &str, folder: &Path) -> PathBuf {
    let place = made(name, folder, &["requirements.txt"], |place| {
        let first = if tidegate_os::process::is_root() { "/usr/bin/python3" } else { "python3" };
        let (mut venv, mut pip) = (Command::new(first), Command::new(place.join("bin/python")));
        venv.args(["-m", "venv"]).arg(place);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--only-binary", ":all:", "-r"]).arg(place.join("requirements.txt"));
        vec![venv, pip]
    });
    place.join("bin/python")
}
