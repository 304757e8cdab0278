//! `tidegate deploy`: sends the folder, and with `--wait` follows until every rollout is over.

mod follow;
mod outcome;

use std::path::PathBuf;

use clap::Args;
use tidegate_api::Client;
use tidegate_control::snapshot::{pack, scan, source_of};
use tidegate_control::{DeployRequest, EventQuery};
use tidegate_core::model::Name;
use tidegate_core::view::DeployView;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{self, Checked, Folder};
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate deploy --wait\n  tidegate deploy shop -e staging --env-file staging.env\n  \
                        tidegate deploy --wait --json | jq .services\n\n\
                        Without --wait it returns once the deploy has begun. With --wait it returns when every rollout \
                        is over, the time the candidate is watched included, with exit code 0 when all succeeded and 1 \
                        when one was taken back."
)]
pub struct DeployArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Return when every rollout is over
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is deployed, and where.
#[derive(Clone, Debug, Args)]
pub struct FolderArgs {
    /// The app's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The environment [default: the manifest's]
    #[arg(short, long, value_name = "ENV")]
    pub environment: Option<Name>,
    /// The app's name where only a Procfile is there [default: the folder's name]
    #[arg(long, value_name = "APP")]
    pub app: Option<Name>,
    /// Variables from a file, over the manifest's; can be given several times
    #[arg(long = "env-file", value_name = "FILE")]
    pub env_files: Vec<PathBuf>,
}

impl FolderArgs {
    /// The folder, with its manifest found.
    pub fn open(&self) -> Result<Folder, Failure> {
        let folder = Folder::open(&self.path)?;
        Ok(match &self.app {
            Some(app) => Folder { name: app.to_string(), ..folder },
            None => folder,
        })
    }
}

/// Checks, sends, follows.
pub fn run(args: DeployArgs, session: &Session) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let (mut request, _) = request_of(&folder, &args.folder)?;
    request.break_glass = args.glass.why();
    let client = session.client()?;
    session.wait(async {
        let seen = newest_event(&client).await?;
        let begun = send(&client, &folder, &request).await?;
        if !args.wait {
            return tell_begun(&begun, args.json.json);
        }
        let over = follow::until_over(&client, begun, seen).await?;
        outcome::tell(&over, args.json.json)
    })
}

/// What goes with a folder's snapshot, and what was looked at. Mistakes end it here, before anything is sent.
pub fn request_of(folder: &Folder, args: &FolderArgs) -> Result<(DeployRequest, Checked), Failure> {
    let env = folder::read_env_files(&args.env_files)?;
    let checked = folder.checked(args.environment.as_ref(), &env)?;
    let request = DeployRequest {
        environment: args.environment.clone(),
        folder: folder.name.clone(),
        source: source_of(&folder.path),
        env,
        by: who::asks(),
        break_glass: None,
    };
    Ok((request, checked))
}

/// Also shows that the server is there and lets us in, before a large upload finds out.
async fn newest_event(client: &Client) -> Result<u64, Failure> {
    let events = client.events(EventQuery { most: 1, ..EventQuery::default() }, false).await?.all().await?;
    Ok(events.last().map_or(0, |event| event.seq))
}

async fn send(client: &Client, folder: &Folder, request: &DeployRequest) -> Result<DeployView, Failure> {
    let snapshot = scan(&folder.path).map_err(|error| folder::cannot_take(&error))?;
    let files = snapshot.entries.len();
    print::to_stderr(&format!("sending {files} file{}\n", if files == 1 { "" } else { "s" }));
    Ok(client.deploy(request, move |out| pack(&snapshot, out)).await?)
}

fn tell_begun(begun: &DeployView, json: bool) -> Result<Exit, Failure> {
    if json {
        return Out::new().json_line(&outcome::Outcome::of(begun));
    }
    let DeployView { id, app, environment, .. } = begun;
    let mut out = Out::new();
    out.line(format_args!("deploy {id} of {app} to {environment} has begun"))?;
    out.line(format_args!("next: `tidegate events -f --app {app} -e {environment}` or `tidegate status`"))
}
