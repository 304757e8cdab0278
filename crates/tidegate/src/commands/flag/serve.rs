//! `tidegate flag serve`: the flags of a file, served to OpenFeature clients. Needs nothing else to run.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_flag_server::{
    Addresses, Board, FlagFile, Hall, Keys, Limits, News, Origins, ServeError, Servers, Settings, Stopper,
};
use tidegate_flags::{Fractional, Options};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{Out, to_stderr};
use crate::wiring::server;

/// Where keys may be instead of a file.
const KEYS: &str = "TIDEGATE_FLAG_KEYS";

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate flag serve --file flags.json --ofrep 127.0.0.1:8016\n  \
                  tidegate flag serve --file flags.json --grpc 127.0.0.1:8013 --sync 127.0.0.1:8015\n\n\
                  The file is served anew whenever it changes. While it cannot be read, what was good goes on being\n\
                  served, and the mistake is shown here.\n\n\
                  Keys are lines of a key file, or of TIDEGATE_FLAG_KEYS: `KEY`, or `KEY flagSetId=NAME` for one flag\n\
                  set only. Without keys everybody who reaches the address may ask.")]
pub struct ServeArgs {
    /// The flags, in flagd's format: JSON or YAML
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    listen: Listen,
    /// How `fractional` chooses, unless the flag set says: v2 is flagd's and that of most clients, v3 that of newer ones
    #[arg(long, value_name = "VERSION", default_value = "v2")]
    fractional: Fractional,
    /// Only clients with one of these keys may ask
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Only pages of this origin may ask, like `https://shop.example`; may be repeated [default: any]
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
}

/// At least one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Listen {
    /// Where OFREP is served, over HTTP
    #[arg(long, value_name = "ADDR:PORT")]
    ofrep: Option<SocketAddr>,
    /// Where flagd's evaluation is served, over gRPC
    #[arg(long, value_name = "ADDR:PORT")]
    grpc: Option<SocketAddr>,
    /// Where flagd's sync is served, over gRPC; it may be the same as --grpc
    #[arg(long, value_name = "ADDR:PORT")]
    sync: Option<SocketAddr>,
}

/// Serves until a signal.
pub fn run(args: ServeArgs) -> Result<Exit, Failure> {
    crate::trace::begin();
    let _ = tidegate_os::process::allow_many_files();
    let keys = keys(args.key_file.as_deref())?;
    let origins = origins(&args.origin)?;
    let file = FlagFile::new(args.file.clone(), Options { fractional: args.fractional });
    let first = file.read().map_err(|error| {
        Failure::mistake(error.to_string(), "mend the file; it is to be in flagd's format, as JSON or YAML")
    })?;
    let flags = first.flags();
    let board = Board::new(first);
    warn(&board);
    let addresses = Addresses { ofrep: args.listen.ofrep, grpc: args.listen.grpc, sync: args.listen.sync };
    let hall = Hall::of_one(board.clone(), keys);
    let settings = Settings { origins, limits: Limits::default(), secret: secret()?, certificates: None };
    let runtime = tokio::runtime::Runtime::new().map_err(no_thread)?;
    runtime.block_on(async {
        let servers = Servers::open(addresses, &settings, hall).await.map_err(|error| taken(&error))?;
        let _following = file.follow(board.clone(), move |news| tell(&news, &board)).map_err(no_thread)?;
        say_ready(&args.file, flags, servers.addresses())?;
        let (stopper, stop) = Stopper::new();
        let serving = tokio::spawn(servers.run(stop));
        let _ = server::wait_for_signal().await;
        stopper.stop();
        let _ = serving.await;
        Ok(Exit::DONE)
    })
}

fn keys(file: Option<&Path>) -> Result<Keys, Failure> {
    let (text, place) = match file {
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| {
                let message = format!("{} cannot be read: {error}", file.display());
                Failure::mistake(message, "give a file with a key on each line")
            })?;
            (text, file.display().to_string())
        }
        None => match std::env::var(KEYS) {
            Ok(text) => (text, KEYS.to_owned()),
            Err(std::env::VarError::NotPresent) => return Ok(Keys::default()),
            Err(error) => return Err(Failure::mistake(format!("{KEYS}: {error}"), "write plain letters")),
        },
    };
    Keys::parse(&text).map_err(|error| {
        Failure::mistake(format!("{place}, {error}"), "write `KEY` or `KEY flagSetId=NAME` on each line")
    })
}

fn origins(origins: &[String]) -> Result<Origins, Failure> {
    Origins::only(origins).map_err(|bad| {
        let help = "write a scheme and a host, like `--origin https://shop.example`";
        Failure::mistake(format!("`{bad}` is no origin"), help)
    })
}

/// Of this process alone: whoever follows when it ends asks again.
fn secret() -> Result<[u8; 32], Failure> {
    tidegate_flag_server::new_secret()
        .ok_or_else(|| Failure::environment("the machine gives no random bytes", "look at its system log"))
}

fn taken(error: &ServeError) -> Failure {
    let message = format!("{error}: {}", error.source);
    Failure::environment(message, "give another address, or end what listens there")
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::environment(
        format!("no thread can be started: {error}"),
        "free some memory or raise the limit of processes, and try again",
    )
}

fn say_ready(file: &Path, flags: usize, addresses: Addresses) -> Result<Exit, Failure> {
    let mut text = format!("serving {} of {}\n", counted(flags), file.display());
    let Addresses { ofrep, grpc, sync } = addresses;
    for (name, address) in [("ofrep", ofrep), ("grpc", grpc), ("sync", sync)] {
        if let Some(address) = address {
            let scheme = if name == "ofrep" { "http://" } else { "" };
            text.push_str(&format!("  {name:<6} {scheme}{address}\n"));
        }
    }
    Out::new().text(&text)
}

fn tell(news: &News, board: &Board) {
    match news {
        News::Served(flags) => {
            to_stderr(&format!("the file changed: serving {}\n", counted(*flags)));
            warn(board);
        }
        News::Refused(error) => {
            to_stderr(&format!("error: {error}\n  help: mend the file; what it had before is still served\n"))
        }
    }
}

/// Says which flags fail whenever they are asked for.
fn warn(board: &Board) {
    for problem in board.now().problems() {
        to_stderr(&format!("warning: flag `{}` fails: {}\n", problem.key, problem.message));
    }
}

fn counted(flags: usize) -> String {
    format!("{flags} flag{}", if flags == 1 { "" } else { "s" })
}
