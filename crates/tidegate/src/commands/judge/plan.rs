//! `tidegate judge plan`: what a decision will take, before anything is rolled out.

use clap::Args;
use serde::Serialize;
use tidegate_core::judge::words::{percent, span};
use tidegate_core::judge::{Forecast, Policy, Scene};

use super::options::{PolicyArgs, refused, share};
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate judge plan --rps 12 --share 10% --base 0.1% --bad 1%\n  \
                        tidegate judge plan --rps 300 --share 5% --base 0.1% --bad 0.5% --json")]
pub struct PlanArgs {
    /// Requests a second, to both arms together
    #[arg(long, value_name = "N")]
    rps: f64,
    /// The candidate's part of them
    #[arg(long, value_name = "SHARE", value_parser = share)]
    share: f64,
    /// Stable's bad answers per request
    #[arg(long, value_name = "SHARE", value_parser = share)]
    base: f64,
    /// Those of the candidate, if it is bad
    #[arg(long, value_name = "SHARE", value_parser = share)]
    bad: f64,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// As printed.
#[derive(Debug, Serialize)]
struct Planned {
    sentence: String,
    scene: Scene,
    policy: Policy,
    #[serde(flatten)]
    forecast: Forecast,
}

/// Computes and prints.
pub fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    let policy = args.policy.policy()?;
    let scene = Scene { rps: args.rps, share: args.share, base: args.base, bad: args.bad };
    scene.validate().map_err(|error| refused(&error))?;
    let forecast = Forecast::of(&policy, &scene);
    let sentence = sentence(&policy, &scene, &forecast);
    let mut out = Out::new();
    if args.json.json {
        return out.json_pretty(&Planned { sentence, scene, policy, forecast });
    }
    out.line(sentence)
}

fn sentence(policy: &Policy, scene: &Scene, forecast: &Forecast) -> String {
    let at = format!("at {} requests/s and {}", scene.rps, percent(scene.share));
    let rates = format!("an error rate of {} instead of {}", percent(scene.bad), percent(scene.base));
    let found = match &forecast.detection {
        Some(wait) => format!(
            "{at}, {rates} is found in about {} ({} requests to the candidate, {} of them bad)",
            span(wait.seconds),
            wait.candidate_requests,
            wait.candidate_bad
        ),
        None => format!(
            "{at}, {rates} is never found: it is within {} times of stable's, or under the floor of {}",
            policy.rho0,
            percent(policy.floor)
        ),
    };
    match &forecast.promotion {
        Some(wait) => format!(
            "{found}; a candidate as good as stable is promoted in about {} ({} requests)",
            span(wait.seconds),
            wait.candidate_requests
        ),
        None => format!("{found}; a candidate as good as stable cannot be told from a worse one"),
    }
}
