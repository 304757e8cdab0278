//! `tidegate down`: stops instances, gateway and control plane.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tidegate_gateway::control::GatewayLink;

use crate::edge::EdgeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::wiring::data_dir::{self, DataDir};
use crate::wiring::gateway::GatewayProcess;
use crate::wiring::server;
use crate::{locate, print};

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate down\n  tidegate down --data /var/lib/tidegate")]
pub struct DownArgs {
    /// The data directory of what to stop [default: as for the other commands]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// How long everything may take to stop: the longest drain, the longest grace, and some.
const WITHIN: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(20);

/// Stops everything: through the control plane where one runs, else by itself.
pub fn run(args: DownArgs, session: &Session) -> Result<Exit, Failure> {
    let Some(dir) = args.data.or_else(|| session.data_dir()) else {
        let client = session.client()?;
        session.wait(async { Ok(client.down().await?) })?;
        return Ok(Exit::DONE);
    };
    if !dir.is_dir() {
        let message = format!("{} is no data directory of Tidegate", dir.display());
        return Err(Failure::mistake(message, "name the one to stop: `tidegate down --data DIR`"));
    }
    if data_dir::holder(&dir).is_none() {
        return down_without_a_control_plane(&dir);
    }
    let client = locate::by_directory(&dir)?;
    session.wait(async { Ok(client.down().await?) })?;
    wait_until_gone(&dir)
}

fn wait_until_gone(dir: &Path) -> Result<Exit, Failure> {
    let until = Instant::now() + WITHIN;
    while let Some(pid) = data_dir::holder(dir) {
        if Instant::now() >= until {
            let message =
                format!("the control plane (process {pid}) is still stopping after {} s", WITHIN.as_secs());
            return Err(Failure::environment(message, "look what hangs: `ps`, then `tidegate down` again"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(Exit::DONE)
}

fn down_without_a_control_plane(dir: &Path) -> Result<Exit, Failure> {
    let data = DataDir::claim(dir)?;
    let gateway = GatewayProcess::new(data.path(), ([127, 0, 0, 1], 0).into(), &EdgeArgs::default())?;
    if gateway.runs() {
        let link = GatewayLink::start(gateway.dir(), Arc::new(|| {}));
        let link =
            link.map_err(|error| Failure::environment(error.to_string(), "run `tidegate down` again"))?;
        gateway.end(&link);
    }
    let stopped = server::stop_units(data.path())?;
    print::to_stderr(&format!("no control plane ran; {stopped} instance(s) and the gateway are stopped\n"));
    Ok(Exit::DONE)
}
