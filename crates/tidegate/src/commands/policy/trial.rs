//! `tidegate policy test`: cases with the answer that is expected, asked without a server.

use std::path::PathBuf;

use clap::Args;
use tidegate_policy::{Policies, cases};

use super::files;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};

/// As typed.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Cases in YAML
    #[arg(value_name = "FILE")]
    cases: PathBuf,
    /// Ask these policies besides Tidegate's
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// Ask one of Tidegate's optional policies as well: author-approver, deploy-release
    #[arg(long, value_name = "NAME")]
    enable: Vec<String>,
}

/// Asks; fails where an answer is not as expected.
pub fn run(args: &TestArgs, json: bool) -> Result<Exit, Failure> {
    let own = files::read(&args.policies)?;
    let policies = Policies::with(&own, &args.enable).map_err(|mistakes| files::mistaken(&mistakes))?;
    let text = files::text(&args.cases, cases::LARGEST)?;
    let help = "docs/guides/roles-and-policies.md shows what a case looks like";
    let wrong =
        |error: cases::CaseError| Failure::mistake(format!("{}: {error}", args.cases.display()), help);
    let outcomes = cases::run(&policies, &cases::read(&text).map_err(wrong)?).map_err(wrong)?;
    if json {
        Out::new().json_pretty(&outcomes)?;
    } else {
        Out::new().text(&print::policy_outcomes(&outcomes))?;
    }
    Ok(if outcomes.iter().all(|outcome| outcome.good) { Exit::DONE } else { Exit::MISTAKE })
}
