//! `tidegate judge replay`: what the judge says of counts that were written down.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tidegate_core::judge::{Bundle, Decision, Judge, Policy};
use tidegate_core::model::Verdict;

use super::counts::{Counts, CountsError, Next};
use super::options::PolicyArgs;
use super::summary::Summary;
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;

/// The largest proof bundle that is read.
const LARGEST_BUNDLE: u64 = 256 << 20;

/// As typed.
#[derive(Debug, Args)]
#[command(after_long_help = "A file of counts has a line for each second:\n\n  \
        second,n_stable,bad_stable,n_candidate,bad_candidate\n  0,90,0,10,0\n  1,92,1,9,0\n\n\
        The first line may name the columns; without it they are these five. Beside them there can be slow1_stable,\n\
        slow1_candidate up to slow6_candidate: requests slower than stable's p50, p75, p90, p95, p99, p99.9 from before.\n\
        Seconds may be left out, and must not go back.\n\n\
        With --runs a file can have many runs. A run ends at an empty line, at a line of names, and where the second\n\
        goes back. For each there is a line of output, in order.\n\n\
        A proof bundle is judged by its own policy; it is an error where its counts do not give its verdict.\n\n\
        Examples:\n  tidegate judge replay counts.csv --json\n  \
        simulate | tidegate judge replay - --runs --summary --json")]
pub struct ReplayArgs {
    /// Files of counts or proof bundles; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A file has many runs
    #[arg(long)]
    runs: bool,
    /// Print how many runs ended how, after all others
    #[arg(long)]
    summary: bool,
    /// Stop each run at its first decision. Without it an abort can follow a promotion, as in a bake time
    #[arg(long)]
    until_decided: bool,
    /// Write the judge's state down and read it again after each N seconds: it must change nothing
    #[arg(long, value_name = "N")]
    restart_every: Option<u64>,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is printed of a run.
#[derive(Debug, Serialize)]
struct Replayed {
    verdict: Verdict,
    at_second: Option<u64>,
    candidate_requests: u64,
    candidate_bad: u64,
    log_e: f64,
}

/// Judges each file.
pub fn run(args: &ReplayArgs) -> Result<Exit, Failure> {
    let mut replay =
        Replay { args, policy: args.policy.policy()?, out: Out::new(), summary: Summary::default() };
    for file in &args.files {
        replay.file(file)?;
    }
    replay.finish()
}

/// A replay as it goes on.
struct Replay<'a> {
    args: &'a ReplayArgs,
    policy: Policy,
    out: Out,
    summary: Summary,
}

impl Replay<'_> {
    fn file(&mut self, file: &Path) -> Result<(), Failure> {
        let name = file.display().to_string();
        if name == "-" {
            return self.input(&name, io::stdin().lock());
        }
        let opened = File::open(file).map_err(|error| unreadable(&name, &error))?;
        self.input(&name, opened)
    }

    fn input(&mut self, name: &str, input: impl Read) -> Result<(), Failure> {
        let mut counts = Counts::new(input, self.args.runs);
        if counts.is_json().map_err(|error| failure(name, error))? {
            let bytes = counts.rest(LARGEST_BUNDLE).map_err(|error| unreadable(name, &error))?;
            return self.tell(name, &bundle(name, &bytes)?, 0);
        }
        let mut told = 0;
        loop {
            let mut run = Run::new(self.args, &self.policy);
            let next = run.take_all(&mut counts).map_err(|error| failure(name, error))?;
            if next == Next::End {
                break;
            }
            if told > 0 && !self.args.runs {
                return Err(Failure::mistake(
                    format!("{name}: there is more than one run in it"),
                    "add --runs to judge each of them",
                ));
            }
            told += 1;
            self.tell(name, &run.judge.decided(), run.windows)?;
        }
        if told == 0 {
            return Err(Failure::mistake(
                format!("{name}:1:1: there are no counts"),
                "write a line for each second, as `tidegate judge replay --help` says",
            ));
        }
        Ok(())
    }

    fn tell(&mut self, name: &str, decision: &Decision, windows: u64) -> Result<(), Failure> {
        if self.args.summary {
            self.summary.add(decision, windows);
        }
        if self.args.json.json {
            return self.out.json_line(&Replayed::of(decision)).map(|_| ());
        }
        let at = decision.at_second.map_or(String::new(), |second| format!(" at second {second}"));
        let message = decision.judged().message;
        self.out.line(format_args!("{name}: {}{at}: {message}", decision.verdict.as_str())).map(|_| ())
    }

    fn finish(mut self) -> Result<Exit, Failure> {
        if !self.args.summary {
            return self.out.flush();
        }
        let summed = self.summary.summed();
        if self.args.json.json {
            self.out.json_line(&serde_json::json!({ "summary": summed }))?;
            return self.out.flush();
        }
        let line = format!(
            "{} runs: {} aborted, {} promoted, {} inconclusive, {} undecided",
            summed.runs, summed.abort.runs, summed.promote.runs, summed.inconclusive, summed.r#continue
        );
        self.out.line(line)?;
        self.out.flush()
    }
}

/// One run.
struct Run<'a> {
    judge: Judge,
    args: &'a ReplayArgs,
    windows: u64,
}

impl<'a> Run<'a> {
    fn new(args: &'a ReplayArgs, policy: &Policy) -> Self {
        Run { judge: Judge::new(policy.clone()), args, windows: 0 }
    }

    /// Judges until the run is over: [`Next::End`] where there was none.
    fn take_all(&mut self, counts: &mut Counts<impl Read>) -> Result<Next, CountsError> {
        let mut decided = false;
        loop {
            let window = match counts.next()? {
                Next::Window(window) => window,
                over => return Ok(over),
            };
            self.windows += 1;
            if decided {
                continue;
            }
            self.judge.take(&window);
            decided = self.judge.is_final(self.args.until_decided);
            if self.args.restart_every.is_some_and(|every| self.windows.is_multiple_of(every.max(1))) {
                self.restart();
            }
        }
    }

    fn restart(&mut self) {
        let written = serde_json::to_string(&self.judge);
        let read = written.ok().and_then(|text| serde_json::from_str::<Judge>(&text).ok());
        self.judge = read.expect("the judge's state holds finite numbers and words only");
    }
}

impl Replayed {
    fn of(decision: &Decision) -> Self {
        Replayed {
            verdict: decision.verdict,
            at_second: decision.at_second,
            candidate_requests: decision.candidate_requests,
            candidate_bad: decision.candidate_bad,
            log_e: decision.log_e,
        }
    }
}

/// The decision of a proof bundle, where its counts say so.
fn bundle(name: &str, bytes: &[u8]) -> Result<Decision, Failure> {
    let read: Result<Bundle, _> = serde_json::from_slice(bytes);
    let help = "export it again with the version that judged";
    let bundle = read.map_err(|error| {
        Failure::mistake(format!("{name}:{}:{}: {error}", error.line(), error.column()), help)
    })?;
    bundle.check().map_err(|error| Failure::mistake(format!("{name}: {error}"), help))
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::mistake(
        format!("{name} cannot be read: {error}"),
        "name a file of counts, or `-` for standard input",
    )
}

fn failure(name: &str, error: CountsError) -> Failure {
    match error {
        CountsError::Io(error) => unreadable(name, &error),
        CountsError::Mistake(wrong) => {
            Failure::mistake(format!("{name}:{}:{}: {}", wrong.line, wrong.column, wrong.message), wrong.help)
        }
    }
}
