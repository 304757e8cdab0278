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
use crate::wiring::openid::OpenIdArgs;
use crate::wiring::server::{self, ApiOptions, UpOptions};

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
    /// The API speaks TLS with the certificates of this PEM file, which is read again where it changes
    #[arg(long, value_name = "FILE", requires = "api_key")]
    api_cert: Option<PathBuf>,
    /// The key of the first of them, in a PEM file
    #[arg(long, value_name = "FILE", requires = "api_cert")]
    api_key: Option<PathBuf>,
    /// A host name that the API goes by besides its address; may be repeated
    #[arg(long, value_name = "NAME")]
    api_name: Vec<String>,
    /// The API may listen beyond this machine without TLS: tokens and secrets can then be read on the way
    #[arg(long, conflicts_with = "api_cert")]
    api_plain: bool,
    #[command(flatten)]
    observe: ObserveArgs,
    /// Advisories as OSV exports them: packages of builds that are in one are told by `plan` and `doctor`
    #[arg(long, value_name = "DIR")]
    advisories: Option<PathBuf>,
    /// The users that apps run as where this runs as root, two for each app
    #[arg(long, value_name = "FIRST-LAST", default_value_t = UserRange::default())]
    app_users: UserRange,
    /// Apps may ask the cloud's metadata service (169.254.169.254), which gives them the machine's own credentials
    #[arg(long)]
    cloud_metadata: bool,
    #[command(flatten)]
    backups: BackupsArgs,
    #[command(flatten)]
    openid: OpenIdArgs,
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
    let api = ApiOptions::typed(&args)?;
    let openid = args.openid.typed(&api)?;
    server::up(&UpOptions {
        data: args.data,
        gateway: args.gateway,
        edge: args.edge,
        api,
        observe: args.observe,
        advisories: args.advisories,
        app_users: args.app_users,
        cloud_metadata: args.cloud_metadata,
        backups: args.backups,
        openid,
    })
}

impl ApiOptions {
    /// As typed. Beyond this machine tokens are to be unreadable on their way, unless that was said.
    fn typed(args: &UpArgs) -> Result<Self, Failure> {
        let at = args.api()?;
        let pair = args.api_cert.clone().zip(args.api_key.clone());
        if pair.is_none() && !args.api_plain && !at.ip().is_loopback() {
            let message =
                format!("the API would listen on {at} without TLS: tokens could be read on the way");
            let help = "give it a certificate with --api-cert and --api-key, or say --api-plain where the way is safe";
            return Err(Failure::mistake(message, help));
        }
        if let Some(bad) = args.api_name.iter().find(|name| !is_host(name)) {
            let message = format!("`{bad}` is no host name");
            return Err(Failure::mistake(message, "write it alone, like `--api-name tidegate.example`"));
        }
        Ok(ApiOptions { at, pair, names: args.api_name.clone() })
    }
}

fn is_host(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
    (1..=253).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn options(args: &[&str]) -> Result<ApiOptions, Failure> {
        let cli = Cli::try_parse_from([&["tidegate", "up"], args].concat()).unwrap();
        let Command::Up(args) = cli.command else { unreachable!("up was typed") };
        ApiOptions::typed(&args)
    }

    #[test]
    fn beyond_this_machine_the_api_speaks_tls_unless_that_was_said() {
        assert!(options(&[]).is_ok() && options(&["--api", "[::1]:7070"]).is_ok());
        assert!(
            options(&["--api", "0.0.0.0:7071"]).is_err() && options(&["--api", "192.0.2.1:7071"]).is_err()
        );
        assert!(options(&["--api", "0.0.0.0:7071", "--api-plain"]).is_ok());
        let pair = ["--api", "0.0.0.0:7071", "--api-cert", "c", "--api-key", "k", "--api-name", "td.example"];
        assert_eq!(options(&pair).unwrap().names, ["td.example"]);
        for bad in ["", "https://td.example", "td.example:7071", "*.example"] {
            assert!(options(&["--api-name", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_a_mistake() {
        assert!(Cli::try_parse_from(["tidegate", "up", "--api-cert", "c"]).is_err());
        assert!(Cli::try_parse_from(["tidegate", "up", "--api-key", "k"]).is_err());
    }
}
