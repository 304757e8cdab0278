//! How a deploy ended: one JSON object for programs, a table and the reasons for people.

use serde::Serialize;
use tidegate_core::view::{DeployView, DeployedService};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};

/// What `--json` prints. Its keys are a contract.
#[derive(Debug, Serialize)]
pub struct Outcome<'a> {
    deploy: u64,
    app: &'a str,
    environment: &'a str,
    services: &'a [DeployedService],
    error: Option<&'a str>,
    seconds: f64,
}

impl<'a> Outcome<'a> {
    /// That of a deploy, over or not.
    pub fn of(view: &'a DeployView) -> Self {
        Outcome {
            deploy: view.id,
            app: &view.app,
            environment: &view.environment,
            services: &view.services,
            error: view.error.as_deref(),
            seconds: view.seconds,
        }
    }
}

/// Tells how it ended; what a build or migration wrote was told as it came. Where it did not succeed the last line is what
/// to type next.
pub fn tell(view: &DeployView, json: bool) -> Result<Exit, Failure> {
    if json {
        Out::new().json_line(&Outcome::of(view))?;
    } else {
        Out::new().text(&print::deployed(view))?;
    }
    if view.succeeded {
        return Ok(Exit::DONE);
    }
    Err(not_succeeded(view))
}

fn not_succeeded(view: &DeployView) -> Failure {
    let scope = format!("--app {} -e {}", view.app, view.environment);
    if let Some(error) = &view.error {
        let more = view
            .job
            .as_ref()
            .map_or(String::new(), |job| format!(", or all output with `tidegate logs --unit {job}`"));
        return Failure::mistake(error.clone(), format!("look with `tidegate explain {scope}`{more}"));
    }
    let named = |service: &DeployedService| format!("{} {}", service.name, service.phase);
    let bad: Vec<_> =
        view.services.iter().filter(|service| service.phase != "succeeded").map(named).collect();
    let rollout = view
        .services
        .iter()
        .filter(|service| service.phase != "succeeded")
        .find_map(|service| service.rollout);
    let help = match rollout {
        Some(rollout) => format!("look why with `tidegate explain {rollout}`"),
        None => format!("look why with `tidegate explain {scope}`"),
    };
    Failure::mistake(format!("deploy {} did not succeed: {}", view.id, bad.join(", ")), help)
}
