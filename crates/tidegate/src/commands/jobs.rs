//! `tidegate jobs`: jobs on a schedule, their runs and what those wrote.

use std::time::Duration;

use clap::{Args, Subcommand};
use tidegate_api::Client;
use tidegate_control::{LogQuery, ServiceRef};
use tidegate_core::model::{InstanceId, Name};
use tidegate_core::view::{JobRunView, LogLine};

use crate::cli::{GlobalScopeArgs, JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines of a page.
const PAGE: usize = 2_000;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate jobs list\n  tidegate jobs show report\n  tidegate jobs run report --wait   run it now\n  \
                        tidegate jobs history report\n  tidegate jobs logs report         what its newest run wrote\n  \
                        tidegate jobs logs report --run 12"
)]
pub struct JobsArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    scope: GlobalScopeArgs,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
enum What {
    /// Show all jobs: when each ran last and is due next
    List,
    /// Show a job, its runs in progress and why the last one failed
    Show {
        /// Which
        job: Name,
    },
    /// Run a job now, whatever its schedule
    Run {
        /// Which
        job: Name,
        /// Wait until it is over; exit code 1 where it failed
        #[arg(long)]
        wait: bool,
    },
    /// Show the runs of a job, the newest first
    History {
        /// Which
        job: Name,
    },
    /// Show what a run wrote
    Logs {
        /// Of which job
        job: Name,
        /// Of this run [default: the newest that began]
        #[arg(long, value_name = "N")]
        run: Option<u64>,
    },
}

/// Does what was typed.
pub fn run(args: JobsArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let typed = ScopeArgs::from(args.scope);
    let json = JsonArgs { json: args.json };
    let scope = typed.clone();
    let of = |job: Name| session.service(scope.clone(), job);
    session.wait(async {
        match args.what {
            What::List => list(&client, session, typed, json).await,
            What::Show { job } => show(&client, &of(job), json).await,
            What::Run { job, wait } => start(&client, &of(job), wait, json).await,
            What::History { job } => history(&client, &of(job), json).await,
            What::Logs { job, run } => logs(&client, &of(job), run, json).await,
        }
    })
}

async fn list(client: &Client, session: &Session, typed: ScopeArgs, json: JsonArgs) -> Result<Exit, Failure> {
    let list = client.jobs(&session.scope(typed)).await?;
    if json.json { Out::new().json_pretty(&list.jobs) } else { Out::new().text(&print::jobs(&list.jobs)) }
}

async fn show(client: &Client, job: &ServiceRef, json: JsonArgs) -> Result<Exit, Failure> {
    let view = client.job(job).await?;
    if json.json { Out::new().json_pretty(&view) } else { Out::new().text(&print::job(&view)) }
}

async fn history(client: &Client, job: &ServiceRef, json: JsonArgs) -> Result<Exit, Failure> {
    let history = client.job_history(job).await?;
    if json.json {
        Out::new().json_pretty(&history.runs)
    } else {
        Out::new().text(&print::runs(&history.runs))
    }
}

async fn start(client: &Client, job: &ServiceRef, wait: bool, json: JsonArgs) -> Result<Exit, Failure> {
    let mut run = client.job_start(job).await?;
    while wait && !is_over(&run) {
        tokio::time::sleep(LOOK_EVERY).await;
        run = the_run(client, job, Some(run.number)).await?;
    }
    if json.json {
        Out::new().json_pretty(&run)?;
    } else {
        Out::new().text(&print::run_of(&job.service, &run))?;
    }
    Ok(if run.phase == "failed" { Exit::MISTAKE } else { Exit::DONE })
}

fn is_over(run: &JobRunView) -> bool {
    matches!(run.phase.as_str(), "succeeded" | "failed")
}

/// The run with this number; the newest that began where none is given.
async fn the_run(client: &Client, job: &ServiceRef, number: Option<u64>) -> Result<JobRunView, Failure> {
    let history = client.job_history(job).await?;
    let meant = |run: &JobRunView| match number {
        Some(number) => run.number == number,
        None => !run.attempts.is_empty(),
    };
    history.runs.into_iter().find(meant).ok_or_else(|| {
        let which = number.map_or("no run".to_owned(), |number| format!("no run {number}"));
        let message = format!("{which} of {} is kept", job.service);
        Failure::mistake(message, format!("`tidegate jobs history {}` shows those that are", job.service))
    })
}

/// All attempts of the run, one after the other.
async fn logs(client: &Client, job: &ServiceRef, run: Option<u64>, json: JsonArgs) -> Result<Exit, Failure> {
    let run = the_run(client, job, run).await?;
    for attempt in run.attempts {
        let query = LogQuery { unit: Some(InstanceId(attempt)), most: PAGE, ..LogQuery::default() };
        let mut out = Out::new();
        for page in client.logs(query, false).await?.all().await? {
            page.lines.iter().try_for_each(|line| line_of(&mut out, line, json))?;
        }
    }
    Ok(Exit::DONE)
}

fn line_of(out: &mut Out, line: &LogLine, json: JsonArgs) -> Result<(), Failure> {
    let printed = if json.json {
        out.json_line(line)
    } else {
        out.line(format_args!("{} | {}", line.instance, line.line))
    };
    printed.map(drop)
}
