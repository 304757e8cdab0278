//! What a Git client is served by: `git receive-pack` for a push, `git upload-pack` for a fetch.

use std::process::Command;

use tidegate_core::model::Name;

use super::hooks::PROGRAM;
use super::{GitRepositories, Repository};

/// The largest push, packed, in bytes.
pub const MOST_PUSHED: u64 = 2 << 30;

/// Clients may leave out what they need later or never: files, or folders too. Filters that are work to answer are not offered.
const PARTS: [&str; 6] = [
    "uploadpack.allowFilter=true",
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpackfilter.tree.maxDepth=0",
    // What was left out is asked for by its id; newer clients may do so anyway.
    "uploadpack.allowAnySHA1InWant=true",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A push.
    ReceivePack,
    /// A fetch.
    UploadPack,
}

/// Who is served, and how.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Who, as they call themselves.
    pub by: &'a str,
    /// What the client said of its protocol: `version=2`.
    pub protocol: Option<&'a str>,
    /// Whether question and answer go by requests of their own, as over HTTP.
    pub stateless: bool,
    /// Whether only what there is is told.
    pub advertise: bool,
}

impl Service {
    /// The service of a name as clients write it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "git-receive-pack" => Some(Service::ReceivePack),
            "git-upload-pack" => Some(Service::UploadPack),
            _ => None,
        }
    }

    /// The name as clients write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Service::ReceivePack => "git-receive-pack",
            Service::UploadPack => "git-upload-pack",
        }
    }
}

impl GitRepositories {
    /// The command that serves a client on its standard input and output.
    pub fn serve(
        &self,
        app: &Name,
        repository: &Repository,
        service: Service,
        caller: Caller<'_>,
    ) -> Command {
        let mut command = repository.command();
        for setting in self.settings(service) {
            command.arg("-c").arg(setting);
        }
        command.arg(service.as_str().trim_start_matches("git-"));
        command.args(caller.stateless.then_some("--stateless-rpc"));
        command.args(caller.advertise.then_some("--http-backend-info-refs"));
        command.arg(repository.dir());
        command
            .env("TIDEGATE_API", &self.data)
            .env("TIDEGATE_GIT_APP", app.as_str())
            .env("TIDEGATE_GIT_BY", caller.by)
            // The program as it runs, also where the file on disk was replaced since.
            .env(PROGRAM, format!("/proc/{}/exe", std::process::id()));
        if let Some(protocol) = caller.protocol.filter(|text| is_protocol(text)) {
            command.env("GIT_PROTOCOL", protocol);
        }
        command
    }

    fn settings(&self, service: Service) -> Vec<String> {
        let mut settings = vec!["transfer.hideRefs=refs/tidegate".to_owned()];
        match service {
            Service::UploadPack => settings.extend(PARTS.map(str::to_owned)),
            Service::ReceivePack => settings.extend([
                format!("core.hooksPath={}", self.hooks().display()),
                format!("receive.maxInputSize={MOST_PUSHED}"),
                "receive.procReceiveRefs=refs/heads".to_owned(),
                // Objects made to harm whoever reads them are refused.
                "receive.fsckObjects=true".to_owned(),
                // Each branch waits for a run of its own.
                "receive.advertiseAtomic=false".to_owned(),
                "receive.autogc=false".to_owned(),
                "receive.denyDeleteCurrent=ignore".to_owned(),
            ]),
        }
        settings
    }
}

/// What goes into a variable of a process comes from outside.
fn is_protocol(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"=:-._".contains(&b))
}
