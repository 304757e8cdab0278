//! A name for the user that steps run as. Programs that ask who they are, PostgreSQL's `initdb` say, refuse to be nobody in
//! particular.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_os::file::write_whole;

use super::config::STEPS;

/// The system's users.
const USERS: &str = "/etc/passwd";
const NAME: &str = "tidegate-step";

/// Writes the system's users, and the one that steps run as, into a file of a directory; `None`: the system knows it already.
pub(super) fn write(dir: &Path) -> io::Result<Option<PathBuf>> {
    let users = fs::read_to_string(USERS)?;
    let Some(users) = with_steps(&users) else { return Ok(None) };
    let file = dir.join(".passwd");
    write_whole(&file, users.as_bytes(), 0o644)?;
    Ok(Some(file))
}

fn with_steps(users: &str) -> Option<String> {
    let (uid, gid) = (STEPS.uid.to_string(), STEPS.gid);
    if users.lines().any(|line| line.split(':').nth(2) == Some(uid.as_str())) {
        return None;
    }
    let end = if users.is_empty() || users.ends_with('\n') { "" } else { "\n" };
    Some(format!("{users}{end}{NAME}:x:{uid}:{gid}:steps of pipelines:/nonexistent:/bin/sh\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_added_once_and_nobody_is_left_out() {
        let line = "tidegate-step:x:65533:65533:steps of pipelines:/nonexistent:/bin/sh\n";
        let root = "root:x:0:0:root:/root:/bin/sh";
        assert_eq!(with_steps(root).unwrap(), format!("{root}\n{line}"));
        assert_eq!(with_steps(&format!("{root}\n{line}")), None);
    }
}
