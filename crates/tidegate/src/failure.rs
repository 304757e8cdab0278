//! Why a command did not do as asked: one sentence, the mistakes in files, and what to type next.

use std::io;

use tidegate_api::ClientError;
use tidegate_config::{Diagnostic, Source};
use tidegate_control::{Refusal, RefusalKind};

use crate::exit::Exit;
use crate::print;

/// Why a command did not do as asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    help: String,
    diagnostics: Vec<Diagnostic>,
    sources: Vec<Source>,
}

impl Failure {
    fn new(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        let (message, help) = (message.into(), help.into());
        Failure { exit, message, help, diagnostics: Vec::new(), sources: Vec::new() }
    }

    /// The user's mistake.
    pub fn mistake(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::MISTAKE, message, help)
    }

    /// The machine's or the network's fault.
    pub fn environment(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::ENVIRONMENT, message, help)
    }

    /// A bug in Tidegate.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(
            Exit::BUG,
            message,
            "this is a bug in Tidegate: report it with the lines above and `tidegate --version`",
        )
    }

    /// Mistakes in files, all of them.
    pub fn diagnostics(diagnostics: Vec<Diagnostic>, sources: Vec<Source>) -> Self {
        let help = "mend them, then look with `tidegate check`";
        let failure = Self::new(Exit::MISTAKE, print::mistakes_in(&diagnostics), help);
        Failure { diagnostics, sources, ..failure }
    }

    /// Nobody reads standard output any more: the end, quietly.
    pub fn nobody_reads() -> Self {
        Self::new(Exit::DONE, "", "")
    }

    /// The same for whoever asked over the API.
    pub fn refusal(self, code: &str) -> Refusal {
        Refusal::new(RefusalKind::Environment, code, self.message).help(self.help)
    }

    /// With something else to type next.
    pub fn next(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Tells the user, on standard error. The last line is what to type next.
    pub fn report(self) -> Exit {
        if !self.message.is_empty() {
            print::to_stderr(&print::diagnostics(&self.diagnostics, &self.sources));
            print::to_stderr(&format!("error: {}\n", self.message));
            if !self.help.is_empty() {
                print::to_stderr(&format!("  help: {}\n", self.help));
            }
        }
        self.exit
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Refused(refusal) => Failure::from(*refusal),
            ClientError::Address(_) => {
                Failure::mistake(message, "set --api or TIDEGATE_API, like `--api http://127.0.0.1:7070`")
            }
            ClientError::Trust(_) => Failure::mistake(message, "name a PEM file with --ca or TIDEGATE_CA"),
            ClientError::Unreachable { source, .. } => unreachable(&message, &source),
            ClientError::Broken { .. } => {
                Failure::environment(message, "look whether it still runs with `tidegate status`")
            }
            ClientError::Pack(_) => Failure::environment(message, "run the command again"),
            ClientError::Strange { .. } => Failure::environment(
                message,
                "look which version answers: `tidegate up` of this one must run there",
            ),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let exit = match refusal.kind {
            RefusalKind::Invalid | RefusalKind::NotFound | RefusalKind::Conflict => Exit::MISTAKE,
            RefusalKind::Environment => Exit::ENVIRONMENT,
            RefusalKind::Bug => Exit::BUG,
        };
        let help = refusal.help.unwrap_or_else(|| "look at `tidegate status`".to_owned());
        let failure = Failure::new(exit, format!("{} [{}]", refusal.message, refusal.code), help);
        Failure { diagnostics: refusal.diagnostics, ..failure }
    }
}

fn unreachable(message: &str, source: &io::Error) -> Failure {
    let message = format!("{message}: {source}");
    if source.kind() == io::ErrorKind::PermissionDenied {
        return Failure::environment(
            message,
            "run it as the user who runs `tidegate up`, or use its address and token",
        );
    }
    if source.kind() == io::ErrorKind::InvalidData {
        return Failure::environment(
            message,
            "name the authority that vouches for it: `--ca FILE` or TIDEGATE_CA, once with `tidegate login`",
        );
    }
    Failure::environment(message, "start it with `tidegate up`, or set TIDEGATE_API to where it runs")
}
