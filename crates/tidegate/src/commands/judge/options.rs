//! The policy as typed.

use clap::Args;
use tidegate_core::judge::{Policy, PolicyError};

use crate::failure::Failure;

/// What is not typed is the default.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// The risk of ever aborting a good candidate, half of it for bad answers, half for latency [default: 0.01]
    #[arg(long, value_name = "P", value_parser = share)]
    alpha: Option<f64>,
    /// The risk of ever promoting a candidate that is `rho-m` times as bad [default: 0.05]
    #[arg(long, value_name = "P", value_parser = share)]
    beta: Option<f64>,
    /// How many times as bad as stable a candidate may be [default: 1.25]
    #[arg(long, value_name = "TIMES")]
    rho0: Option<f64>,
    /// The same for the number of slow answers [default: 1.05]
    #[arg(long, value_name = "TIMES")]
    rho0_latency: Option<f64>,
    /// What must not be promoted: so many times as bad [default: 2]
    #[arg(long, value_name = "TIMES")]
    rho_m: Option<f64>,
    /// An excess of bad answers below this is ignored [default: 0.05%]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    floor: Option<f64>,
    /// Requests of the candidate before anything is decided [default: 0]
    #[arg(long, value_name = "N")]
    min_requests: Option<u64>,
    /// Without a decision after so many seconds it is inconclusive [default: never]
    #[arg(long, value_name = "SECONDS")]
    max_seconds: Option<u64>,
    /// The part of the stake for faults that begin later [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    late_weight: Option<f64>,
}

impl PolicyArgs {
    /// What they mean.
    pub fn policy(&self) -> Result<Policy, Failure> {
        let standard = Policy::default();
        let policy = Policy {
            beta: self.beta.unwrap_or(standard.beta),
            rho0: self.rho0.unwrap_or(standard.rho0),
            rho0_latency: self.rho0_latency.unwrap_or(standard.rho0_latency),
            rho_m: self.rho_m.unwrap_or(standard.rho_m),
            floor: self.floor.unwrap_or(standard.floor),
            min_requests: self.min_requests.unwrap_or(standard.min_requests),
            max_seconds: self.max_seconds.or(standard.max_seconds),
            late_weight: self.late_weight.unwrap_or(standard.late_weight),
            ..standard
        };
        let policy = match self.alpha {
            Some(alpha) => policy.with_alpha(alpha),
            None => policy,
        };
        policy.validate().map_err(|error| refused(&error))?;
        Ok(policy)
    }
}

/// A value that cannot be, by the name of its option.
pub fn refused(error: &PolicyError) -> Failure {
    let option = match error.name {
        "alpha_errors" | "alpha_latency" => "alpha".to_owned(),
        name => name.replace('_', "-"),
    };
    let half = if option == "alpha" { " (half of --alpha)" } else { "" };
    Failure::mistake(format!("--{option} cannot be {}{half}", error.value), error.wanted)
}

/// `10%` or `0.1`.
pub fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number / scale),
        _ => Err("write a share like 0.1 or 10%".to_owned()),
    }
}
