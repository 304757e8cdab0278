//! The gateway alone, without the rest of the program: built in a fraction of the time, for trying what makes it faster.
//!
//! ```text
//! cargo build --release -p tidegate-gateway --example gateway
//! bench/gateway --quick --case 1k --tidegate target/release/examples/gateway
//! ```
//! It takes the options of `tidegate gateway` that the measurement uses.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tidegate_gateway::{GatewayConfig, gateway_main};

const USAGE: &str =
    "gateway gateway --dir DIR --listen ADDR:PORT [--workers N] [--https ADDR:PORT --certs DIR]";

fn main() -> ExitCode {
    match config(std::env::args().skip(1)) {
        Some(config) => match gateway_main(config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => said(&format!("error: {error}")),
        },
        None => said(USAGE),
    }
}

#[expect(clippy::print_stdout, reason = "which options it has is asked of it")]
fn said(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::from(2)
}

/// `None`: not a command line that is understood.
fn config(mut args: impl Iterator<Item = String>) -> Option<GatewayConfig> {
    args.next().filter(|command| command == "gateway")?;
    let (mut dir, mut listen, mut workers, mut https, mut certs) = (None, None, None, None, None);
    while let Some(option) = args.next() {
        let value = args.next()?;
        match option.as_str() {
            "--dir" => dir = Some(PathBuf::from(value)),
            "--listen" => listen = Some(value.parse::<SocketAddr>().ok()?),
            "--workers" => workers = Some(value.parse::<usize>().ok()?),
            "--https" => https = Some(value.parse::<SocketAddr>().ok()?),
            "--certs" => certs = Some(PathBuf::from(value)),
            _ => return None,
        }
    }
    let mut config = GatewayConfig::new(dir?, listen?);
    config.workers = workers.unwrap_or(config.workers);
    config.certs = certs.unwrap_or(config.certs);
    config.https = https;
    Some(config)
}
