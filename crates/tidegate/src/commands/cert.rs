//! `tidegate cert`: the certificates the gateway shows, and an authority of this machine's own for development.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use tidegate_gateway::tls::{CertificateTrouble, LocalCa, LocalCaError, is_host, list};

use crate::edge::LOCAL_CA;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate cert dev shop.localhost\n  tidegate cert list\n\nThe gateway finds a new certificate \
                        within a second."
)]
pub struct CertArgs {
    #[command(subcommand)]
    what: What,
    /// Where everything is kept [default: what `--api` says, else `.tidegate`]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where certificates are [default: gateway/certs in the data directory]
    #[arg(long, global = true, value_name = "DIR")]
    certs: Option<PathBuf>,
}

/// What to do with certificates.
#[derive(Debug, Subcommand)]
enum What {
    /// Show hosts, who signed for them and until when, and what is wrong
    List,
    /// Make certificates for hosts, signed by this machine's own authority
    Dev {
        /// Names, wildcards like `*.shop.localhost`, or addresses
        #[arg(value_name = "HOST", required = true)]
        hosts: Vec<String>,
    },
}

/// Does what was typed, on the files: the gateway need not run. `api`: where the server is, where that was typed.
pub fn run(args: &CertArgs, api: Option<&str>) -> Result<Exit, Failure> {
    let data = folder(args.data.as_deref(), api)?;
    let gateway = data.join("gateway");
    let certs = args.certs.clone().unwrap_or_else(|| gateway.join("certs"));
    match &args.what {
        What::List if args.certs.is_none() && !data.is_dir() => {
            let message = format!("{} is no data directory of Tidegate", data.display());
            Err(Failure::environment(message, "say where it is: `tidegate cert list --data DIR`"))
        }
        What::List => show(&gateway, &certs),
        What::Dev { hosts } => make(&gateway, &certs, hosts),
    }
}

/// The data directory.
fn folder(data: Option<&Path>, api: Option<&str>) -> Result<PathBuf, Failure> {
    match (data, api) {
        (Some(data), _) => Ok(data.to_owned()),
        (None, Some(url)) if url.contains("://") => {
            let message = "certificates are files on the gateway's machine, and no API shows them";
            Err(Failure::mistake(message, "run it there, with `--data DIR` for the data directory"))
        }
        (None, Some(dir)) => Ok(PathBuf::from(dir)),
        (None, None) => Ok(PathBuf::from(crate::locate::DATA_DIR)),
    }
}

fn show(gateway: &Path, certs: &Path) -> Result<Exit, Failure> {
    let listed = list(certs).map_err(|error| {
        let message = format!("{} cannot be read: {error}", certs.display());
        Failure::environment(message, "run it as the user who runs `tidegate up`")
    })?;
    let mut text = String::new();
    for certificate in &listed {
        let origin = certificate.origin.as_str();
        let line = match &certificate.leaf {
            Ok(leaf) => format!("{}, by {} ({origin})", lasts(leaf.not_after), leaf.issuer),
            Err(why) => format!("cannot be used: {why}"),
        };
        text.push_str(&format!("{}  {line}\n", certificate.host));
    }
    let trouble = CertificateTrouble::read(gateway);
    for (host, failed) in &trouble.failed {
        text.push_str(&format!("{host}  none could be made ({} times): {}\n", failed.times, failed.why));
    }
    for (host, times) in &trouble.unknown {
        text.push_str(&format!("{host}  asked for {times} times, and there is none\n"));
    }
    if text.is_empty() {
        text = format!("no certificates in {}\n", certs.display());
    }
    Out::new().text(&text)?;
    Ok(Exit::DONE)
}

fn lasts(until: SystemTime) -> String {
    match until.duration_since(SystemTime::now()) {
        Ok(left) => format!("{} days left", left.as_secs() / 86_400),
        Err(_) => "expired".to_owned(),
    }
}

fn make(gateway: &Path, certs: &Path, hosts: &[String]) -> Result<Exit, Failure> {
    if let Some(bad) = hosts.iter().find(|host| !is_host(host)) {
        let message = format!("`{bad}` is no host a certificate can be made for");
        return Err(Failure::mistake(message, "write a lower-case name, `*.name` or an address"));
    }
    let ca = LocalCa::open_or_make(&gateway.join(LOCAL_CA)).map_err(|error| refused(&error))?;
    let mut text = String::new();
    for host in hosts {
        let made = ca.ensure(certs, host).map_err(|error| refused(&error))?;
        let did = if made { "made" } else { "there already, nothing was changed" };
        text.push_str(&format!("{host}  {did}\n"));
    }
    let authority = std::path::absolute(ca.certificate()).unwrap_or_else(|_| ca.certificate().to_owned());
    let authority = authority.display();
    text.push_str(&format!(
        "the authority's certificate is {authority}\n  curl:    curl --cacert {authority} https://...\n  browser: import it under \
         \"authorities\"\n  Debian:  cp {authority} /usr/local/share/ca-certificates/tidegate.crt && update-ca-certificates\n"
    ));
    Out::new().text(&text)?;
    Ok(Exit::DONE)
}

fn refused(error: &LocalCaError) -> Failure {
    Failure::environment(error.to_string(), "run it as the user who runs `tidegate up`")
}
