//! `tidegate build`: what a build is known by, what was signed about it, and letting one in that is not what was signed.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use tidegate_api::wire::{AdmitBody, BuildParams};
use tidegate_control::provenance::look;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate build digest ./dist                       what a build of these files is known by\n  \
                        tidegate build digest ./dist --list | sha256sum    the same, by another program\n  \
                        tidegate build attestation r3 -o build.json"
)]
pub struct BuildArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the digest of a folder, as attestations name it
    Digest {
        /// The folder
        path: PathBuf,
        /// Print the listing that it is the SHA-256 of
        #[arg(long)]
        list: bool,
    },
    /// Print the attestation of a build: an envelope for others to verify
    Attestation {
        /// A revision (`r3`), the number of a run, or the beginning of a build's name
        what: String,
        /// Write it to this file
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Let a build that is not what was signed into a protected environment, as it is now
    Admit {
        /// A revision (`r3`), the number of a run, or the beginning of a build's name
        what: String,
        #[command(flatten)]
        glass: GlassArgs,
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

/// Does what was typed.
pub fn run(args: BuildArgs, session: &Session) -> Result<Exit, Failure> {
    match args.what {
        What::Digest { path, list } => digest(&path, list),
        What::Attestation { what, output, scope } => {
            let build = BuildParams::new(what, session.scope(scope));
            let client = session.client()?;
            let view = session.wait(async { Ok(client.build_attestation(&build).await?) })?;
            let text = serde_json::to_string_pretty(&view.envelope)
                .map_err(|error| Failure::bug(format!("an envelope that is no JSON: {error}")))?;
            written(output.as_deref(), &format!("{text}\n"))
        }
        What::Admit { what, glass, scope } => admit(session, (what, scope), glass),
    }
}

fn digest(path: &Path, list: bool) -> Result<Exit, Failure> {
    let found = look(path).map_err(|error| {
        let message = format!("cannot look at {}: {error}", path.display());
        Failure::mistake(message, "name a folder that can be read")
    })?;
    let mut out = Out::new();
    if list { out.text(&found.listing.text()) } else { out.text(&format!("{}\n", found.digest)) }
}

fn admit(session: &Session, (what, scope): (String, ScopeArgs), glass: GlassArgs) -> Result<Exit, Failure> {
    let Some(break_glass) = glass.taken() else {
        return Err(Failure::mistake(
            "a build that is not what was signed is let in for a reason only [environment::no-reason]",
            "say why: `--break-glass WHY`",
        ));
    };
    let body = AdmitBody { build: BuildParams::new(what, session.scope(scope)), break_glass };
    let client = session.client()?;
    let view = session.wait(async { Ok(client.build_admit(&body).await?) })?;
    let short = |digest: &str| digest.get(..12).unwrap_or(digest).to_owned();
    Out::new().text(&format!(
        "build {} comes into {}/{} as it is now ({}…)\n",
        short(&view.build),
        view.app,
        view.environment,
        short(&view.digest)
    ))
}

/// To a file, or to standard output.
pub(super) fn written(output: Option<&Path>, text: &str) -> Result<Exit, Failure> {
    let Some(path) = output else { return Out::new().text(text) };
    std::fs::write(path, text).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::environment(message, "name a file in a folder that can be written to")
    })?;
    print::to_stderr(&format!("wrote {}\n", path.display()));
    Ok(Exit::DONE)
}
