//! `tidegate up`: the control plane and the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tidegate_core::model::UserRange;

use crate::edge::EdgeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::backups::BackupsArgs;
use crate::wiring::observe::ObserveArgs;
use crate::wiring::server::{self, UpOptions};

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate up\n  tidegate up --data /var/lib/tidegate --gateway 0.0.0.0:80\n\n\
                        Everything goes on running when it is started again on the same data directory."
)]
pub struct UpArgs {
    /// Where everything is kept
    #[arg(long, value_name = "DIR", default_value = crate::locate::DATA_DIR)]
    pub data: PathBuf,
    /// Where users' requests come in
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub gateway: SocketAddr,
    #[command(flatten)]
    edge: EdgeArgs,
    /// Where the API listens, besides the socket in the data directory
    // The same id and type as the global option, which it replaces here.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7070")]
    api: String,
    #[command(flatten)]
    observe: ObserveArgs,
    /// The users that apps run as where this runs as root, two for each app
    #[arg(long, value_name = "FIRST-LAST", default_value_t = UserRange::default())]
    app_users: UserRange,
    #[command(flatten)]
    backups: BackupsArgs,
}

impl UpArgs {
    /// Where the API is to listen.
    pub fn api(&self) -> Result<SocketAddr, Failure> {
        self.api.parse().map_err(|_| {
            let message = format!("`{}` is no address to listen on", self.api);
            Failure::mistake(message, "write an IP address and a port, like `--api 127.0.0.1:7070`")
        })
    }
}

/// Runs until `tidegate down` or a signal.
pub fn run(args: UpArgs) -> Result<Exit, Failure> {
    crate::trace::begin();
    let api = args.api()?;
    let UpArgs { data, gateway, edge, observe, app_users, backups, .. } = args;
    server::up(&UpOptions { data, gateway, edge, api, observe, app_users, backups })
}
