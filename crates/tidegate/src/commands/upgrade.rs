//! `tidegate upgrade`: the control plane and the gateway go on as the program that is on disk by now.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use tidegate_api::Client;
use tidegate_api::wire::Health;
use tidegate_control::UpgradeView;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate upgrade\n\n\
                        First put the new program where the one of `tidegate up` is. No request is lost, and instances\n\
                        are not restarted. Where the new program cannot run nothing is changed.")]
pub struct UpgradeArgs {
    #[command(flatten)]
    json: JsonArgs,
}

/// How long the control plane may take to answer again.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// What was, and what is.
#[derive(Debug, Serialize)]
struct Upgraded {
    control_plane: Replaced,
    gateway: Replaced,
}

/// One of the two. A control plane keeps its process.
#[derive(Debug, Serialize)]
struct Replaced {
    /// Nobody knows it of a gateway: it may be older than the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_before: Option<String>,
    version: String,
    pid_before: Option<u32>,
    pid: u32,
}

/// Asks for it and waits until it is done.
pub fn run(args: UpgradeArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let upgraded = session.wait(upgrade(&client))?;
    if args.json.json { Out::new().json_pretty(&upgraded) } else { Out::new().text(&shown(&upgraded)) }
}

async fn upgrade(client: &Client) -> Result<Upgraded, Failure> {
    let before = client.health().await?;
    print::to_stderr(&format!(
        "tidegate {} (process {}): replacing the gateway\n",
        before.version, before.pid
    ));
    let begun = client.upgrade().await?;
    print::to_stderr(&format!("process {} is the gateway; replacing the control plane\n", begun.gateway));
    let after = wait_for_another_start(client, &before).await?;
    if after.version != begun.version {
        let message = format!(
            "the control plane is still tidegate {}: {} could not be run; the gateway is {}",
            after.version,
            begun.program.display(),
            begun.version
        );
        return Err(Failure::environment(message, "see what `tidegate up` said on standard error"));
    }
    Ok(Upgraded::of(before, after, begun))
}

async fn wait_for_another_start(client: &Client, before: &Health) -> Result<Health, Failure> {
    let until = Instant::now() + BACK_WITHIN;
    loop {
        match client.health().await {
            Ok(now) if (now.started_ms, now.pid) != (before.started_ms, before.pid) => return Ok(now),
            _ if Instant::now() >= until => {
                let message = format!("the control plane did not answer within {} s", BACK_WITHIN.as_secs());
                return Err(Failure::environment(
                    message,
                    "instances and the gateway go on; see what `tidegate up` said, and run it again",
                ));
            }
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

impl Upgraded {
    fn of(before: Health, after: Health, begun: UpgradeView) -> Self {
        let gateway = Replaced {
            version_before: None,
            version: begun.version,
            pid_before: begun.gateway_before,
            pid: begun.gateway,
        };
        let control_plane = Replaced {
            version_before: Some(before.version),
            version: after.version,
            pid_before: Some(before.pid),
            pid: after.pid,
        };
        Upgraded { control_plane, gateway }
    }
}

fn shown(upgraded: &Upgraded) -> String {
    let line = |name: &str, replaced: &Replaced| {
        let earlier =
            replaced.version_before.as_ref().map_or(String::new(), |before| format!("{before} -> "));
        let before = replaced.pid_before.map_or("-".to_owned(), |pid| pid.to_string());
        format!("{name:<14} process {before} -> {}  tidegate {earlier}{}\n", replaced.pid, replaced.version)
    };
    line("control plane", &upgraded.control_plane) + &line("gateway", &upgraded.gateway)
}
