//! `tidegate git connect`: has an app follow a repository at a Git host.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_control::source::{ConnectSource, Hidden};
use tidegate_core::model::Name;
use tidegate_core::time::Millis;

use super::app_of;
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::read_small;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate git connect https://github.com/ann/shop.git --poll 1m\n  \
                  tidegate git connect https://gitlab.com/ann/shop.git --token-file token.txt\n  \
                  tidegate git connect git@git.example.org:ann/shop.git --ssh-key-file deploy_key --branch main --branch 'release/*'\n\n\
                  Tokens, keys and secrets are read from files (`-`: standard input) and never shown again.")]
pub struct ConnectArgs {
    /// The repository, as its host shows it for cloning
    #[arg(value_name = "URL")]
    url: String,
    /// The app [default: the one in this folder]
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    /// A branch to follow, or a pattern of branches; can be given more than once [default: all]
    #[arg(long = "branch", value_name = "BRANCH")]
    branches: Vec<String>,
    /// Look at it this often without being told to, from 10s on [default: when a webhook comes]
    #[arg(long, value_name = "TIME")]
    poll: Option<Millis>,
    /// A file with the token that opens it over https
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The name that goes with the token [default: git]
    #[arg(long, value_name = "NAME", requires = "token_file")]
    user: Option<String>,
    /// A file with the private key that opens it over ssh, without a passphrase
    #[arg(long, value_name = "FILE", conflicts_with = "token_file")]
    ssh_key_file: Option<PathBuf>,
    /// A file with the keys of its host, like ~/.ssh/known_hosts [default: the first key it shows is believed from then on]
    #[arg(long, value_name = "FILE", requires = "ssh_key_file")]
    known_hosts_file: Option<PathBuf>,
    /// A file with the secret of its webhooks [default: one is made and shown]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks the server, which tries the repository first.
pub fn run(args: ConnectArgs, session: &Session) -> Result<Exit, Failure> {
    let request = request(&args, app_of(args.app.clone(), session, "connect URL --app APP")?)?;
    let client = session.client()?;
    let connected = session.wait(async { Ok(client.git_connect(&request).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&connected);
    }
    Out::new().text(&print::git_connected(&connected))
}

fn request(args: &ConnectArgs, app: Name) -> Result<ConnectSource, Failure> {
    let hidden = |file: &Option<PathBuf>| file.as_deref().map(text_of).transpose();
    Ok(ConnectSource {
        app,
        url: args.url.clone(),
        branches: args.branches.clone(),
        poll_ms: args.poll,
        secret: hidden(&args.secret_file)?.map(|text| Hidden::new(text.trim_end())),
        token: hidden(&args.token_file)?.map(|text| Hidden::new(text.trim_end())),
        user: args.user.clone(),
        ssh_key: hidden(&args.ssh_key_file)?.map(Hidden::new),
        known_hosts: hidden(&args.known_hosts_file)?,
        by: who::asks(),
    })
}

/// A file's text, or that of standard input.
fn text_of(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        let read = std::io::stdin().take(MOST).read_to_string(&mut text);
        return read.map(|_| text).map_err(|error| {
            Failure::mistake(format!("standard input cannot be read: {error}"), "name a file instead of `-`")
        });
    }
    let absent = || Failure::mistake(format!("there is no file {}", path.display()), "name another");
    read_small(path)?.ok_or_else(absent)
}

/// The most that is read of standard input: more than any key has.
const MOST: u64 = 64 << 10;
