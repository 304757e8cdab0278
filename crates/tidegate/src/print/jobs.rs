//! `tidegate jobs` as text.

use tidegate_core::model::Name;
use tidegate_core::view::{JobRunView, JobView};

use super::table::{or_dash, table};
use super::text::quoted;

/// A line for each job.
pub fn jobs(jobs: &[JobView]) -> String {
    if jobs.is_empty() {
        return "there are no jobs; they come with `jobs:` in the manifest\n".to_owned();
    }
    job_table(jobs)
}

/// The same as part of a larger picture: nothing where there are none.
pub(super) fn job_table(jobs: &[JobView]) -> String {
    let rows: Vec<_> = jobs.iter().map(job_row).collect();
    table(["JOB", "REVISION", "SCHEDULE", "NOW", "LAST RUN", "NEXT RUN"], &rows)
}

fn job_row(job: &JobView) -> [String; 6] {
    let zone = if job.timezone == "UTC" { String::new() } else { format!(" {}", job.timezone) };
    [
        job.name.clone(),
        job.revision.to_string(),
        format!("{}{zone}", job.schedule),
        now(job),
        or_dash(job.last.as_ref().map(|last| format!("{} {}", last.phase, last.slot))),
        job.next_local.clone().unwrap_or_else(|| "never".to_owned()),
    ]
}

fn now(job: &JobView) -> String {
    match job.open.as_slice() {
        [] => "idle".to_owned(),
        [only] => format!("{} (run {})", only.phase, only.number),
        several => format!("{} runs", several.len()),
    }
}

/// A job with its runs in progress and why the last one failed.
pub fn job(job: &JobView) -> String {
    let facts = [
        ("revision", job.revision.to_string()),
        ("schedule", format!("{} ({})", job.schedule, job.timezone)),
        (
            "next run",
            job.next_local.clone().unwrap_or_else(|| "never: its revision has it no more".to_owned()),
        ),
        ("overlap", job.overlap.clone()),
        ("timeout", job.timeout.clone()),
        ("retries", job.retries.to_string()),
        ("catch up", job.catch_up.clone()),
        ("now", now(job)),
    ];
    let facts = facts.map(|(name, value)| format!("  {name:<9} {value}\n")).concat();
    let skipped = match job.skipped {
        0 => String::new(),
        slots => format!("{slots} slots were left out since the run in progress began\n"),
    };
    let open: String = job.open.iter().map(run_line).collect();
    let last = job.last.as_ref().map_or_else(|| "it has not run yet\n".to_owned(), ended);
    let parts = [format!("job {}\n{facts}", job.name), skipped, open, last];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn run_line(run: &JobRunView) -> String {
    let attempts = match run.attempts.len() {
        0 => String::new(),
        n => format!(", attempt {n}"),
    };
    format!("run {} for {} is {}{attempts}\n", run.number, run.slot, run.phase)
}

/// How a run ended, with its last words where it failed.
fn ended(run: &JobRunView) -> String {
    let why = run.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let head = format!("run {} for {} {}{why}\n", run.number, run.slot, run.phase);
    format!("{head}{}", quoted("its last words:", &run.last_output))
}

/// What `tidegate jobs run` says.
pub fn run_of(job: &Name, run: &JobRunView) -> String {
    match run.phase.as_str() {
        "succeeded" | "failed" => format!("{job}: {}", ended(run)),
        phase => {
            format!("{job}: run {} is {phase}; `tidegate jobs logs {job}` shows what it writes\n", run.number)
        }
    }
}

/// A line for each run.
pub fn runs(runs: &[JobRunView]) -> String {
    if runs.is_empty() {
        return "it has not run yet\n".to_owned();
    }
    let rows: Vec<_> = runs.iter().map(run_row).collect();
    table(["RUN", "FOR", "CAUSE", "PHASE", "REVISION", "ATTEMPTS", "SECONDS", "HOW IT ENDED"], &rows)
}

fn run_row(run: &JobRunView) -> [String; 8] {
    [
        run.number.to_string(),
        run.slot.clone(),
        run.cause.clone(),
        run.phase.clone(),
        or_dash(run.revision),
        run.attempts.len().to_string(),
        or_dash(run.seconds.map(|seconds| format!("{seconds:.1}"))),
        or_dash(run.exit.as_ref()),
    ]
}
