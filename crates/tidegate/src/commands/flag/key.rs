//! `tidegate flag key`: who may ask for flags.

use clap::{Args, Subcommand};
use tidegate_api::wire::FlagKeyBody;
use tidegate_core::model::FlagAccessKind;

use crate::cli::GlobalScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate flag key create --name \"shop servers\"\n  \
                  tidegate flag key create --client --name \"web pages\"\n  tidegate flag key revoke \"web pages\"")]
pub struct KeyArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    scope: GlobalScopeArgs,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
enum What {
    /// Make a key and print it, this once
    Create {
        /// What it is for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// For pages and apps, whose users can read it: it sees the values of flags with `clients: true` and no more
        #[arg(long)]
        client: bool,
    },
    /// Show what keys there are
    List,
    /// Have a key refused from now on, and end what follows by it
    Revoke {
        /// Its id or its name
        #[arg(value_name = "ID|NAME")]
        which: String,
    },
}

/// Does what was typed.
pub fn run(args: KeyArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(args.scope.into());
    let by = who::asks();
    session.wait(async {
        let mut out = Out::new();
        match args.what {
            What::Create { name, client: of_client } => {
                let kind = if of_client { FlagAccessKind::Client } else { FlagAccessKind::Server };
                let made = client.flag_key_create(&scope, &FlagKeyBody { name, kind }, &by).await?;
                if args.json {
                    return out.json_pretty(&made);
                }
                // Data is on standard output alone, to be put where it belongs by whoever asked.
                print::to_stderr(&print::flag_key_made(&made));
                out.text(&format!("{}\n", made.secret))
            }
            What::List => {
                let list = client.flag_keys(&scope).await?;
                if args.json { out.json_pretty(&list) } else { out.text(&print::flag_keys(&list)) }
            }
            What::Revoke { which } => {
                let key = client.flag_key_revoke(&scope, &which, &by).await?;
                if args.json { out.json_pretty(&key) } else { out.text(&print::flag_key_revoked(&key)) }
            }
        }
    })
}
