//! `tidegate sbom`: the components of a build.

use std::path::PathBuf;

use clap::Args;
use tidegate_api::wire::BuildParams;

use super::build::written;
use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate sbom r3 -e production\n  tidegate sbom 4f1b0079c2ab -o sbom.cdx.json\n\n\
                        It lists what the lock files of the build's files name. With --json or -o as CycloneDX 1.6."
)]
pub struct SbomArgs {
    /// A revision (`r3`), the number of a run, or the beginning of a build's name
    #[arg(value_name = "BUILD|RUN|REVISION")]
    what: String,
    /// Write it to this file, as CycloneDX
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print it as CycloneDX
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Asks and shows.
pub fn run(args: SbomArgs, session: &Session) -> Result<Exit, Failure> {
    let build = BuildParams::new(args.what, session.scope(args.scope));
    let client = session.client()?;
    let view = session.wait(async { Ok(client.build_sbom(&build).await?) })?;
    view.notes.iter().for_each(|note| print::to_stderr(&format!("note: {}\n", print::harmless(note))));
    if args.json || args.output.is_some() {
        // Its bytes are those the attestation names: nothing is added.
        return written(args.output.as_deref(), &view.document);
    }
    Out::new().text(&print::sbom(&view))
}
