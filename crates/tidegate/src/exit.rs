//! Exit codes: a contract with scripts.

use std::process::ExitCode;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Done.
    pub const DONE: Exit = Exit(0);
    /// The user's mistake, or a rollout that did not succeed.
    pub const MISTAKE: Exit = Exit(1);
    /// The environment failed: no server, disk, permission.
    pub const ENVIRONMENT: Exit = Exit(2);
    /// A bug in Tidegate.
    pub const BUG: Exit = Exit(70);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.0)
    }
}

/// A panic on the main thread ends the process with [`Exit::BUG`]; on others it is told and left to who joins them.
pub fn panics_are_bugs() {
    let told = std::panic::take_hook();
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        told(info);
        if std::thread::current().id() == main {
            crate::print::to_stderr(
                "error: this is a bug in Tidegate\n  help: report it with the lines above and `tidegate --version`\n",
            );
            std::process::exit(i32::from(Exit::BUG.0));
        }
    }));
}
