//! `tidegate user`: who is known by name.

use clap::{Args, Subcommand};
use tidegate_api::wire::{LinkBody, UserBody};
use tidegate_core::model::Name;
use tidegate_core::view::UserView;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate user add ann --admin\n  tidegate user invite ann\n  tidegate user disable ann"
)]
pub struct UserArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a user
    Add {
        /// What they are called: approvals, releases and runs are signed with it
        name: Name,
        /// They may do everything
        #[arg(long)]
        admin: bool,
        /// By which the identity provider knows them, its claim `sub`: then its word lets them in
        #[arg(long, value_name = "SUBJECT")]
        oidc_subject: Option<String>,
        /// Which provider [default: the one that the server was started with]
        #[arg(long, value_name = "URL", requires = "oidc_subject")]
        oidc_issuer: Option<String>,
    },
    /// Say by which the identity provider knows a user: then its word lets them in
    Link {
        /// Whom
        name: Name,
        /// The provider's claim `sub`; whoever is refused is told theirs
        subject: String,
        /// Which provider [default: the one that the server was started with]
        #[arg(long, value_name = "URL")]
        oidc_issuer: Option<String>,
    },
    /// Have the identity provider let a user in no more; `disable` ends their tokens and sessions
    Unlink {
        /// Whom
        name: Name,
    },
    /// Show who is known
    List,
    /// Print a code that lets a user in once, within an hour
    Invite {
        /// Whom
        name: Name,
    },
    /// Let a user in nowhere, with all of their tokens, and end their sessions
    Disable {
        /// Whom
        name: Name,
    },
    /// Let a user in again
    Enable {
        /// Whom
        name: Name,
    },
    /// Forget a user, their tokens and sessions. What they did stays theirs by name: rather disable them
    Remove {
        /// Whom
        name: Name,
    },
}

/// Does what was typed.
pub fn run(args: UserArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let (json, mut out) = (args.json, Out::new());
    session.wait(async {
        match args.what {
            What::List => {
                let list = client.users().await?;
                if json { out.json_pretty(&list) } else { out.text(&print::users(&list)) }
            }
            What::Invite { name } => {
                let made = client.user_invite(&name).await?;
                if json {
                    return out.json_pretty(&made);
                }
                print::to_stderr(&print::invited(&made, &client.address()));
                out.line(made.code.reveal())
            }
            What::Add { name, admin, oidc_subject, oidc_issuer: issuer } => {
                let openid = oidc_subject.map(|subject| LinkBody { subject, issuer });
                let user = client.user_add(&UserBody { name, admin, openid }).await?;
                told(&mut out, json, &user, "added")
            }
            What::Link { name, subject, oidc_issuer: issuer } => {
                let user = client.user_link(&name, &LinkBody { subject, issuer }).await?;
                told(&mut out, json, &user, "linked")
            }
            What::Unlink { name } => told(&mut out, json, &client.user_unlink(&name).await?, "unlinked"),
            What::Disable { name } => told(&mut out, json, &client.user_disable(&name).await?, "disabled"),
            What::Enable { name } => told(&mut out, json, &client.user_enable(&name).await?, "enabled"),
            What::Remove { name } => told(&mut out, json, &client.user_remove(&name).await?, "removed"),
        }
    })
}

fn told(out: &mut Out, json: bool, user: &UserView, done: &str) -> Result<Exit, Failure> {
    if json { out.json_pretty(user) } else { out.text(&print::user_changed(user, done)) }
}
