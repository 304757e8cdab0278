//! `tidegate secret`: values that are written and never read back.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidegate_control::setting::{RemoveSecret, RotateKey, SetSecret};
use tidegate_control::source::Hidden;
use tidegate_core::model::Name;
use tidegate_core::setting::SecretName;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::read_small;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate secret set db_url -e production < db_url.txt\n  tidegate secret set api_key --from-file key.txt\n  \
                        tidegate secret list\n  tidegate secret remove api_key\n\n\
                        Values come from standard input or a file, never from the command line; the end of their last line is left out. \
                        A variable refers to one by ${secret.NAME}; setting it again rolls out what serves with it. Without -e it is for \
                        all environments of the app that have none of their own."
)]
pub struct SecretArgs {
    #[command(subcommand)]
    what: What,
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, global = true, value_name = "APP")]
    app: Option<Name>,
    /// The environment it is for [default: all of the app's]
    #[arg(short, long, global = true, value_name = "ENV")]
    environment: Option<Name>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with secrets.
#[derive(Debug, Subcommand)]
enum What {
    /// Set a secret to what is on standard input, and roll it out where it is used
    Set {
        /// Its name
        name: SecretName,
        /// Read it from this file
        #[arg(long, value_name = "FILE")]
        from_file: Option<PathBuf>,
        /// Roll nothing out: it counts from the next deploy on
        #[arg(long)]
        no_rollout: bool,
        #[command(flatten)]
        glass: GlassArgs,
    },
    /// Show names, versions and fingerprints
    List,
    /// Remove a secret that nothing uses
    Remove {
        /// Its name
        name: SecretName,
    },
    /// Make a new key and encrypt every secret with it
    RotateKey,
}

/// The most that is read of a value.
const MOST: u64 = 64 << 10;

/// Asks and shows.
pub fn run(args: SecretArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(ScopeArgs { app: args.app, environment: args.environment });
    let (json, by) = (args.json, who::asks());
    let changed = match args.what {
        What::List => {
            let list = session.wait(async { Ok(client.secrets(&scope).await?) })?;
            return if json {
                Out::new().json_pretty(&list)
            } else {
                Out::new().text(&print::secrets(&list))
            };
        }
        What::RotateKey => {
            let rotated = session.wait(async { Ok(client.secret_rotate_key(&RotateKey { by }).await?) })?;
            let text = print::key_rotated(&rotated);
            return if json { Out::new().json_pretty(&rotated) } else { Out::new().text(&text) };
        }
        What::Remove { name } => {
            let asked = RemoveSecret { name, by };
            session.wait(async { Ok(client.secret_remove(&scope, &asked).await?) })?
        }
        What::Set { name, from_file, no_rollout, glass } => {
            let value = Hidden::new(value(from_file)?);
            let break_glass = glass.why();
            let asked = SetSecret { name, value, later: no_rollout, by, break_glass };
            session.wait(async { Ok(client.secret_set(&scope, &asked).await?) })?
        }
    };
    if json { Out::new().json_pretty(&changed) } else { Out::new().text(&print::setting_changed(&changed)) }
}

/// What a file or standard input holds, without the end of its last line.
fn value(file: Option<PathBuf>) -> Result<String, Failure> {
    let text = match file {
        Some(path) => {
            let absent = || Failure::mistake(format!("there is no file {}", path.display()), "name another");
            read_small(&path)?.ok_or_else(absent)?
        }
        None => typed()?,
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn typed() -> Result<String, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        print::to_stderr(
            "type the value, then Enter and Ctrl-D (it is shown as you type; `--from-file` reads a file)\n",
        );
    }
    let mut text = String::new();
    let read = input.take(MOST).read_to_string(&mut text);
    read.map(|_| text).map_err(|error| {
        Failure::mistake(format!("standard input cannot be read: {error}"), "`--from-file FILE` reads a file")
    })
}
