//! Names for the users that units run as. Programs that ask who they are, PostgreSQL's `initdb` and `ssh` say, refuse to be
//! nobody in particular.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_os::file::write_whole;
use tidegate_os::process::User;

/// The system's users.
const USERS: &str = "/etc/passwd";

/// Writes the system's users and this one into a file of a directory; `None`: the system has a name for it already.
pub(super) fn write(dir: &Path, user: User, name: &str) -> io::Result<Option<PathBuf>> {
    let users = fs::read_to_string(USERS)?;
    let Some(users) = with_user(&users, user, name) else { return Ok(None) };
    let file = dir.join(format!(".passwd-{}", user.uid));
    if fs::read_to_string(&file).is_ok_and(|there| there == users) {
        return Ok(Some(file));
    }
    write_whole(&file, users.as_bytes(), 0o644)?;
    Ok(Some(file))
}

fn with_user(users: &str, user: User, name: &str) -> Option<String> {
    let uid = user.uid.to_string();
    if users.lines().any(|line| line.split(':').nth(2) == Some(uid.as_str())) {
        return None;
    }
    let end = if users.is_empty() || users.ends_with('\n') { "" } else { "\n" };
    Some(format!("{users}{end}{name}:x:{uid}:{}:{name}:/nonexistent:/bin/sh\n", user.gid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_added_once_and_nobody_is_left_out() {
        let user = User { uid: 65_533, gid: 65_533 };
        let line = "tidegate-step:x:65533:65533:tidegate-step:/nonexistent:/bin/sh\n";
        let root = "root:x:0:0:root:/root:/bin/sh";
        assert_eq!(with_user(root, user, "tidegate-step").unwrap(), format!("{root}\n{line}"));
        assert_eq!(with_user(&format!("{root}\n{line}"), user, "tidegate-step"), None);
    }
}
