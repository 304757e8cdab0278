//! `tidegate gateway`: the gateway's process. Started by `tidegate up`, never by hand.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tidegate_gateway::{GatewayConfig, GatewayError, gateway_main};

use crate::edge::EdgeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::observe::ObserveArgs;

/// As typed.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// Its directory
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Where it listens
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: SocketAddr,
    /// How many workers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub workers: usize,
    #[command(flatten)]
    observe: ObserveArgs,
    #[command(flatten)]
    edge: EdgeArgs,
    /// Takes the place of the gateway that runs, which may drain for so many milliseconds
    #[arg(long, value_name = "MS")]
    take_over_ms: Option<u64>,
}

/// Runs until it is told to stop.
pub fn run(args: GatewayArgs) -> Result<Exit, Failure> {
    crate::trace::begin();
    if let Err(error) = tidegate_os::process::allow_many_files() {
        tracing::warn!(%error, "no more connections than usual can be open at a time");
    }
    let GatewayArgs { dir, listen, workers, observe, edge, take_over_ms } = args;
    let observe = observe.observe();
    let mut config = GatewayConfig { workers, observe, ..GatewayConfig::new(dir, listen) };
    edge.apply(&mut config);
    config.take_over = take_over_ms.map(Duration::from_millis);
    gateway_main(config)
        .map(|()| Exit::DONE)
        .map_err(|error| Failure::environment(error.to_string(), help(&error)))
}

/// What is to be done about it.
fn help(error: &GatewayError) -> String {
    match error {
        GatewayError::Table { path, .. } => format!(
            "move it away (`mv {0} {0}.bad`): the gateway starts without routes, and `tidegate up` hands it the newest table at once",
            path.display()
        ),
        GatewayError::File { .. } => "look at its owner, its permissions and the free space".to_owned(),
        GatewayError::Machine(_) => {
            "free some memory or raise the limit of processes, and try again".to_owned()
        }
        GatewayError::Held { .. } | GatewayError::Handover(_) => {
            "end the gateway that runs with `tidegate down`, or leave it there".to_owned()
        }
        GatewayError::Elsewhere { .. } | GatewayError::Listen { .. } => ELSEWHERE.to_owned(),
    }
}

/// What to type where an address cannot be used.
pub const ELSEWHERE: &str = "`tidegate up --gateway ADDR:PORT` listens elsewhere";
