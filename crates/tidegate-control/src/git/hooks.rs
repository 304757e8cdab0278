//! The hooks of every repository: each hands over to this program, whose commands of the same names do the work.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tidegate_os::file::write_whole;

/// The hooks there are.
const HOOKS: [&str; 2] = ["pre-receive", "proc-receive"];
/// Where a hook finds this program.
pub(super) const PROGRAM: &str = "TIDEGATE_GIT_PROGRAM";

/// Writes the hooks into a folder that holds nothing else.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for hook in HOOKS {
        let text = format!("#!/bin/sh\nexec \"${{{PROGRAM}:?is not set}}\" git-hook {hook}\n");
        write_whole(&folder.join(hook), text.as_bytes(), 0o700)?;
    }
    Ok(())
}
