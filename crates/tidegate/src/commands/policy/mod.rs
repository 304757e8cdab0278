//! `tidegate policy`: what the policies are, and trying them.

mod files;
mod trial;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tidegate_api::wire::PoliciesBody;
use tidegate_policy::Policies;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate policy show\n  tidegate policy check freeze.cedar\n  \
                  tidegate policy test cases.yaml --policy freeze.cedar\n  \
                  tidegate policy set freeze.cedar office.cedar --enable deploy-release\n  \
                  tidegate policy set --none\n\n\
                  `check` and `test` ask no server. docs/guides/roles-and-policies.md has more.")]
pub struct PolicyArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with policies.
#[derive(Debug, Subcommand)]
enum What {
    /// Show the policies in force
    Show {
        /// Show this version of your own instead
        #[arg(long, value_name = "NUMBER")]
        version: Option<u64>,
        /// Show what policies can speak of: the schema they are checked against
        #[arg(long, conflicts_with = "version")]
        schema: bool,
    },
    /// Show every mistake in files of policies
    Check(OwnArgs),
    /// Put files of policies in place of all that were set before
    Set {
        #[command(flatten)]
        own: OwnArgs,
        /// Have no policies but Tidegate's
        #[arg(long, conflicts_with_all = ["files", "enable"])]
        none: bool,
    },
    /// Ask cases of the policies, and say which are answered in another way than expected
    Test(trial::TestArgs),
}

/// Policies of one's own.
#[derive(Debug, Args)]
struct OwnArgs {
    /// Files in Cedar
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Have one of Tidegate's optional policies in force as well: author-approver, deploy-release
    #[arg(long, value_name = "NAME")]
    enable: Vec<String>,
}

/// Does what was typed.
pub fn run(args: PolicyArgs, session: &Session) -> Result<Exit, Failure> {
    let json = args.json;
    match args.what {
        What::Show { schema: true, .. } => Out::new().text(tidegate_policy::SCHEMA),
        What::Show { version, .. } => {
            let client = session.client()?;
            let set = session.wait(async { Ok(client.policies(version).await?) })?;
            if json { Out::new().json_pretty(&set) } else { Out::new().text(&print::policy_set(&set)) }
        }
        What::Check(own) => check(&own, json),
        What::Set { own, none } => set(&own, none, session, json),
        What::Test(args) => trial::run(&args, json),
    }
}

fn check(own: &OwnArgs, json: bool) -> Result<Exit, Failure> {
    let files = files::read(&own.files)?;
    let checked = Policies::with(&files, &own.enable);
    if json {
        let mistakes = checked.as_ref().err().cloned().unwrap_or_default();
        Out::new().json_pretty(&mistakes)?;
        return Ok(if mistakes.is_empty() { Exit::DONE } else { Exit::MISTAKE });
    }
    match checked {
        Ok(policies) => {
            let own = policies.rules().filter(|rule| !rule.id.starts_with("tidegate.")).count();
            Out::new().line(format_args!("no mistakes; {own} policies in {} files", files.len()))
        }
        Err(mistakes) => Err(files::mistaken(&mistakes)),
    }
}

fn set(own: &OwnArgs, none: bool, session: &Session, json: bool) -> Result<Exit, Failure> {
    if !none && own.files.is_empty() && own.enable.is_empty() {
        let help = "`tidegate policy set FILE…`, or `--none` to have no policies but Tidegate's";
        return Err(Failure::mistake("no file of policies is named", help));
    }
    let files = files::read(&own.files)?;
    // With their places: the server says the same in one line.
    Policies::with(&files, &own.enable).map_err(|mistakes| files::mistaken(&mistakes))?;
    let client = session.client()?;
    let body = PoliciesBody { files, enabled: own.enable.clone() };
    let set = session.wait(async { Ok(client.set_policies(&body).await?) })?;
    if json { Out::new().json_pretty(&set) } else { Out::new().text(&print::policies_set(&set)) }
}
