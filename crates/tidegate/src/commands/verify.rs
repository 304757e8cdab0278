//! `tidegate verify`: whether a build is what was signed, and what that says of it.

use std::path::PathBuf;

use clap::Args;
use tidegate_api::wire::BuildParams;
use tidegate_control::provenance::{PublicKey, opened, verify_offline};
use tidegate_core::provenance::Envelope;
use tidegate_core::view::VerifyView;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::read_small;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate verify r3 -e production     the build of a revision\n  tidegate verify 17                   \
                        the build of a run\n  tidegate verify 4f1b0079c2ab --key tidegate.pem\n  \
                        tidegate verify --attestation build.json --path ./build --key tidegate.pem\n\n\
                        The last one asks no server. It exits with 1 where something is wrong."
)]
pub struct VerifyArgs {
    /// A revision (`r3`), the number of a run, or the beginning of a build's name
    #[arg(value_name = "BUILD|RUN|REVISION", required_unless_present = "attestation")]
    what: Option<String>,
    /// The public key to believe, in PEM, instead of the installation's own
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The attestation to verify a folder by, without a server
    #[arg(long, value_name = "FILE", requires = "path", requires = "key", conflicts_with = "what")]
    attestation: Option<PathBuf>,
    /// That folder
    #[arg(long, value_name = "DIR", requires = "attestation")]
    path: Option<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Verifies and shows.
pub fn run(args: VerifyArgs, session: &Session) -> Result<Exit, Failure> {
    let key = args.key.as_ref().map(|path| public_key(path)).transpose()?;
    let view = match (&args.attestation, &args.path, &args.what, &key) {
        (Some(attestation), Some(path), _, Some(key)) => verify_offline(&envelope(attestation)?, path, key),
        (_, _, Some(what), key) => {
            let build = BuildParams::new(what.as_str(), session.scope(args.scope));
            asked(session, &build, key.as_ref())?
        }
        _ => return Err(Failure::mistake("nothing to verify was named", "`tidegate verify -h` shows how")),
    };
    let mut out = Out::new();
    if args.json.json {
        out.json_pretty(&view)?
    } else {
        out.text(&print::verified(&view))?
    };
    Ok(if view.genuine { Exit::DONE } else { Exit::MISTAKE })
}

/// What the server says of it, and what a key says that one trusts more.
fn asked(session: &Session, build: &BuildParams, key: Option<&PublicKey>) -> Result<VerifyView, Failure> {
    let client = session.client()?;
    let (mut view, attestation) = session.wait(async {
        let view = client.build_verify(build).await?;
        let attestation = match key {
            Some(_) => Some(client.build_attestation(build).await?),
            None => None,
        };
        Ok((view, attestation))
    })?;
    if let (Some(key), Some(attestation)) = (key, attestation)
        && let Err(why) = opened(&attestation.envelope, std::slice::from_ref(key))
    {
        view.findings.push(format!("by the key given: {why}"));
        view.genuine = false;
    }
    Ok(view)
}

fn public_key(path: &std::path::Path) -> Result<PublicKey, Failure> {
    let help = "`tidegate key show --public` prints the installation's";
    PublicKey::of_pem(&text(path)?).map_err(|why| Failure::mistake(format!("{} {why}", path.display()), help))
}

fn envelope(path: &std::path::Path) -> Result<Envelope, Failure> {
    serde_json::from_str(&text(path)?).map_err(|_| {
        let message = format!("{} is no attestation", path.display());
        Failure::mistake(message, "`tidegate build attestation BUILD -o FILE` writes one")
    })
}

fn text(path: &std::path::Path) -> Result<String, Failure> {
    let absent = || Failure::mistake(format!("there is no file {}", path.display()), "name another one");
    read_small(path)?.ok_or_else(absent)
}
