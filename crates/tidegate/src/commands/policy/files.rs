//! Files of policies and cases, read within limits.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use tidegate_core::access::{PolicyFile, PolicyVersion};
use tidegate_policy::Mistake;

use crate::failure::Failure;
use crate::print;

/// Policies, by the names of their files.
pub fn read(paths: &[PathBuf]) -> Result<Vec<PolicyFile>, Failure> {
    paths.iter().map(|path| one(path)).collect()
}

fn one(path: &Path) -> Result<PolicyFile, Failure> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(PolicyFile { name, text: text(path, PolicyVersion::MOST_BYTES)? })
}

/// The text of a file of at most so many bytes.
pub fn text(path: &Path, most: usize) -> Result<String, Failure> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(most as u64 + 1).read_to_string(&mut text));
    match read {
        Ok(length) if length <= most => Ok(text),
        Ok(_) => Err(Failure::mistake(format!("{} is over {most} bytes", path.display()), "make it smaller")),
        Err(error) => Err(Failure::mistake(
            format!("cannot read {}: {error}", path.display()),
            "name a file, as in `tidegate policy check freeze.cedar`",
        )),
    }
}

/// Tells every mistake; the command's failure.
pub fn mistaken(mistakes: &[Mistake]) -> Failure {
    let told: String = mistakes.iter().map(|mistake| format!("error: {mistake}\n")).collect();
    print::to_stderr(&told);
    let count = mistakes.len();
    let message = format!("the policies have {count} mistake{}", if count == 1 { "" } else { "s" });
    Failure::mistake(message, "mend them; `tidegate policy show --schema` shows what policies can speak of")
}
