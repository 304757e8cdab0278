//! How the gateway meets its clients: the options that `tidegate up` takes and hands on to `tidegate gateway`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use tidegate_gateway::GatewayConfig;
use tidegate_gateway::tls::{AcmeChallenge, AcmeConfig};

use crate::flag_edge::FlagEdgeArgs;
use crate::wiring::flags::FlagGuest;

/// Where the local authority is, in the gateway's directory.
pub const LOCAL_CA: &str = "dev-ca";

/// As typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct EdgeArgs {
    /// Where users' requests come in under TLS
    #[arg(long, value_name = "ADDR:PORT")]
    pub https: Option<SocketAddr>,
    /// Where certificates are, as HOST/cert.pem and HOST/key.pem [default: gateway/certs in the data directory]
    #[arg(long, value_name = "DIR", requires = "https")]
    pub certs: Option<PathBuf>,
    /// Give routed hosts without a certificate one of this machine's own authority
    #[arg(long, requires = "https", conflicts_with = "acme_email")]
    pub dev_certs: bool,
    /// Get certificates for routed hosts by ACME; the authority writes to this address about those that expire
    #[arg(long, value_name = "MAIL", requires = "https")]
    pub acme_email: Option<String>,
    /// The authority: `letsencrypt`, `staging` or the URL of a directory
    #[arg(long, value_name = "URL", requires = "acme_email", default_value = "letsencrypt")]
    pub acme_directory: String,
    /// The certificate that the authority's own HTTPS is checked by [default: what the system trusts]
    #[arg(long, value_name = "FILE", requires = "acme_email")]
    pub acme_ca: Option<PathBuf>,
    #[command(flatten)]
    pub flags: FlagEdgeArgs,
    /// Serve flags under TLS, with the same certificates
    #[arg(long, requires = "https")]
    pub flags_tls: bool,
    /// Networks of load balancers in front that begin with the PROXY protocol, which is then required of them
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub proxy_protocol: Vec<IpNet>,
    /// Where clients are: a database of countries or cities in MaxMind's format, read again when it changes [default: gateway/geo.mmdb in the data directory]
    #[arg(long, value_name = "FILE")]
    pub geo: Option<PathBuf>,
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
        if self.dev_certs {
            args.push("--dev-certs".into());
        }
        if let Some(email) = &self.acme_email {
            args.extend(["--acme-email".into(), email.into()]);
            args.extend(["--acme-directory".into(), (&self.acme_directory).into()]);
        }
        if let Some(ca) = &self.acme_ca {
            let ca = std::path::absolute(ca).unwrap_or_else(|_| ca.clone());
            args.extend(["--acme-ca".into(), ca.into()]);
        }
        for proxy in &self.proxy_protocol {
            args.extend(["--proxy-protocol".into(), proxy.to_string().into()]);
        }
        if let Some(geo) = &self.geo {
            let geo = std::path::absolute(geo).unwrap_or_else(|_| geo.clone());
            args.extend(["--geo".into(), geo.into()]);
        }
        args.extend(self.flags.to_args());
        if self.flags_tls {
            args.push("--flags-tls".into());
        }
        args
    }

    fn directory(&self) -> String {
        match self.acme_directory.as_str() {
            "letsencrypt" => "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            "staging" => "https://acme-staging-v02.api.letsencrypt.org/directory".to_owned(),
            url => url.to_owned(),
        }
    }

    /// Tells the gateway.
    pub fn apply(self, config: &mut GatewayConfig) {
        let directory = self.directory();
        config.https = self.https;
        config.guest = FlagGuest::of(&self.flags, self.flags_tls);
        config.proxies = self.proxy_protocol;
        config.geo = self.geo;
        config.local_ca = self.dev_certs.then(|| config.dir.join(LOCAL_CA));
        config.acme = self.acme_email.map(|email| AcmeConfig {
            email,
            directory,
            ca: self.acme_ca,
            challenges: vec![AcmeChallenge::Http01, AcmeChallenge::TlsAlpn01],
        });
        if let Some(certs) = self.certs {
            config.certs = certs;
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        edge: EdgeArgs,
    }

    #[test]
    fn all_options_reach_the_gateway() {
        let line = "up --https 127.0.0.1:8443 --certs /certs --acme-email a@shop.example --acme-directory staging --acme-ca /ca.pem \
                    --flags-tls --proxy-protocol 10.0.0.0/8 --geo /geo.mmdb";
        let up = Typed::try_parse_from(line.split_whitespace()).unwrap().edge;
        let args = ["gateway".into()].into_iter().chain(up.to_args());
        assert_eq!(Typed::try_parse_from(args).unwrap().edge, up);
        let mut config = GatewayConfig::new("/gateway".into(), "127.0.0.1:80".parse().unwrap());
        up.apply(&mut config);
        assert_eq!(config.geo, Some("/geo.mmdb".into()));
    }
}
