//! How the gateway meets its clients: the options that `tidegate up` takes and hands on to `tidegate gateway`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use tidegate_gateway::GatewayConfig;

/// As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct EdgeArgs {
    /// Where users' requests come in under TLS
    #[arg(long, value_name = "ADDR:PORT")]
    pub https: Option<SocketAddr>,
    /// Where certificates are, as HOST/cert.pem and HOST/key.pem [default: gateway/certs in the data directory]
    #[arg(long, value_name = "DIR", requires = "https")]
    pub certs: Option<PathBuf>,
}

impl EdgeArgs {
    /// The same as arguments of another command. Paths are absolute, so that they mean the same there.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        if let Some(https) = self.https {
            args.extend(["--https".into(), https.to_string().into()]);
        }
        if let Some(certs) = &self.certs {
            let certs = std::path::absolute(certs).unwrap_or_else(|_| certs.clone());
            args.extend(["--certs".into(), certs.into()]);
        }
        args
    }

    /// Tells the gateway.
    pub fn apply(self, config: &mut GatewayConfig) {
        config.https = self.https;
        if let Some(certs) = self.certs {
            config.certs = certs;
        }
    }
}
