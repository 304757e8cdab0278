//! How a deploy ended: one JSON object for programs, a table and the reasons for people.

use serde::Serialize;
use tidegate_api::Client;
use tidegate_control::LogQuery;
use tidegate_core::model::InstanceId;
use tidegate_core::view::{DeployView, DeployedService};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};

/// Lines of a failed build or migration that are shown.
const LAST_LINES: usize = 20;

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

/// Tells how it ended. Where it did not succeed the last line is what to type next.
pub async fn tell(client: &Client, view: &DeployView, json: bool) -> Result<Exit, Failure> {
    if json {
        Out::new().json_line(&Outcome::of(view))?;
    } else {
        Out::new().text(&print::deployed(view))?;
    }
    if view.succeeded {
        return Ok(Exit::DONE);
    }
    let last_words = last_words(client, view).await;
    print::to_stderr(&last_words);
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

/// The last output of the build or migration that failed. Without it the outcome is still true.
async fn last_words(client: &Client, view: &DeployView) -> String {
    let Some(job) = &view.job else { return String::new() };
    let query = LogQuery { unit: Some(InstanceId(job.clone())), most: LAST_LINES, ..LogQuery::default() };
    let pages = match client.logs(query, false).await {
        Ok(lines) => lines.all().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let lines: Vec<_> = pages.into_iter().flat_map(|page| page.lines).map(|line| line.line).collect();
    print::quoted(&format!("last output of {job}:"), &lines)
}
