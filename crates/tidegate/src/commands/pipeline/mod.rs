//! `tidegate pipeline`: runs of pipelines, what they wrote, and what can be asked of them.

pub mod follow;
pub mod run;

use clap::{Args, Subcommand};
use tidegate_api::Client;
use tidegate_api::wire::RunLogParams;
use tidegate_control::{LogPage, Scope};
use tidegate_core::model::{Name, RunNo};
use tidegate_core::view::PipelineRunView;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// Lines of a page.
const PAGE: usize = 2_000;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate pipeline run            on this machine, without a server\n  tidegate pipeline list\n  tidegate pipeline show -w        the newest run, until it is over\n  \
                        tidegate pipeline show 12 --json\n  tidegate pipeline logs 12 --stage test -f\n  \
                        tidegate pipeline retry 12       only what failed runs again\n\n\
                        A run is one way of a commit into one environment; without a number the newest is meant."
)]
pub struct PipelineArgs {
    #[command(subcommand)]
    what: What,
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, global = true, value_name = "APP")]
    app: Option<Name>,
    /// The environment [default: all]
    #[arg(short, long, global = true, value_name = "ENV")]
    environment: Option<Name>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with runs.
#[derive(Debug, Subcommand)]
enum What {
    /// Run the pipeline of this folder on this machine: the build and the steps, without a server
    Run(run::RunArgs),
    /// Show the newest runs
    List {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        most: u32,
    },
    /// Show a run, its stages and steps
    Show {
        /// Which [default: the newest]
        run: Option<u64>,
        /// Go on showing it until it is over
        #[arg(short, long)]
        watch: bool,
    },
    /// Show what the steps of a run wrote
    Logs {
        /// Which [default: the newest]
        run: Option<u64>,
        /// Only of this stage
        #[arg(long, value_name = "STAGE")]
        stage: Option<String>,
        /// Go on until the run is over
        #[arg(short, long)]
        follow: bool,
    },
    /// End a run; what it deployed already stays
    Cancel {
        /// Which [default: the newest]
        run: Option<u64>,
    },
    /// Run the part of a run that failed once more
    Retry {
        /// Which [default: the newest]
        run: Option<u64>,
        /// Return when it is over
        #[arg(long)]
        wait: bool,
    },
}

/// Asks and shows.
pub fn run(args: PipelineArgs, session: &Session) -> Result<Exit, Failure> {
    let PipelineArgs { what, app, environment, json } = args;
    let what = match what {
        What::Run(asked) => return run::run(asked, environment, session),
        what => what,
    };
    let client = session.client()?;
    let scope = session.scope(ScopeArgs { app, environment });
    session.wait(async {
        match what {
            // Answered without a server.
            What::Run(_) => Ok(Exit::DONE),
            What::List { most } => list(&client, &scope, most as usize, json).await,
            What::Show { run, watch } => {
                let view = which(&client, &scope, run).await?;
                if watch { follow::watch(&client, view, json).await } else { show(&view, json) }
            }
            What::Logs { run, stage, follow } => {
                let run = which(&client, &scope, run).await?.run;
                let params = RunLogParams { stage, cursor: None, most: PAGE, follow };
                logs(&client, run, params, json).await
            }
            What::Cancel { run } => {
                let run = which(&client, &scope, run).await?.run;
                show(&client.run_cancel(run, &who::asks()).await?, json)
            }
            What::Retry { run, wait } => {
                let run = which(&client, &scope, run).await?.run;
                begun(&client, client.run_retry(run, &who::asks()).await?, (wait, json)).await
            }
        }
    })
}

/// The run of a number; without one the newest of the scope.
async fn which(client: &Client, scope: &Scope, run: Option<u64>) -> Result<PipelineRunView, Failure> {
    if let Some(number) = run {
        return Ok(client.pipeline_run(RunNo(number)).await?);
    }
    let newest = client.pipeline_runs(scope, 1).await?.runs.into_iter().next();
    newest
        .ok_or_else(|| Failure::mistake("there are no runs yet", "`tidegate git url` says where to push to"))
}

async fn list(client: &Client, scope: &Scope, most: usize, json: bool) -> Result<Exit, Failure> {
    let list = client.pipeline_runs(scope, most).await?;
    if json { Out::new().json_line(&list) } else { Out::new().text(&print::pipeline_runs(&list)) }
}

/// Shows a run as it is now.
pub fn show(view: &PipelineRunView, json: bool) -> Result<Exit, Failure> {
    if json { Out::new().json_line(view) } else { Out::new().text(&print::pipeline_run(view)) }
}

/// Shows a run that was just asked for; with `wait` once it is over.
pub async fn begun(
    client: &Client,
    view: PipelineRunView,
    (wait, json): (bool, bool),
) -> Result<Exit, Failure> {
    if !wait {
        return show(&view, json);
    }
    let over = follow::until_over(client, view).await?;
    show(&over, json)?;
    Ok(follow::exit_of(&over))
}

/// All of it so far, page by page; with `follow` until the run is over.
async fn logs(client: &Client, run: RunNo, mut params: RunLogParams, json: bool) -> Result<Exit, Failure> {
    loop {
        let mut pages = client.pipeline_logs(run, &params).await?;
        let mut told = 0;
        while let Some(page) = pages.next().await? {
            tell(&page, json)?;
            told += page.lines.len();
            params.cursor = Some(page.cursor);
        }
        if params.follow || told == 0 {
            return Ok(Exit::DONE);
        }
    }
}

fn tell(page: &LogPage, json: bool) -> Result<(), Failure> {
    let mut out = Out::new();
    for line in &page.lines {
        let shown = format!("{} | {}", line.instance, line.line);
        if json {
            out.json_line(line)?
        } else {
            out.line(shown)?
        };
    }
    Ok(())
}
