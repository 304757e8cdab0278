//! One step: its attempts, its time, what it leaves.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tidegate_core::model::{Name, StepSpec};

use super::child::{Ended, Group};
use super::setting::Setting;
use super::workspace::Workspaces;
use super::{beside, report, shown, tell};
use crate::failure::Failure;

/// What the attempts of all steps share.
pub(super) type Shared = Arc<Mutex<Workspaces>>;

/// Tries a step until it succeeds, as often as it says. Whether it did.
pub(super) async fn run(
    stage: Name,
    step: StepSpec,
    workspaces: Shared,
    setting: Arc<Setting>,
) -> Result<bool, Failure> {
    let label = format!("{stage}/{}", step.name);
    for attempt in 0..=step.retries {
        if attempt > 0 {
            tell(&format!("{label}: once more ({attempt} of {})", step.retries));
        }
        if attempt_one(&stage, &step, &label, attempt == step.retries, &workspaces, &setting).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn attempt_one(
    stage: &Name,
    step: &StepSpec,
    label: &str,
    last: bool,
    workspaces: &Shared,
    setting: &Setting,
) -> Result<bool, Failure> {
    let begun = Instant::now();
    let workspace = lock(workspaces).begin(step)?;
    let mut env = setting.env_of(stage, step);
    let beside = beside::start(step, &workspace, &env, label).await;
    let failed = match &beside {
        Err(why) => Some(why.clone()),
        Ok(beside) => {
            env.extend(beside.env.clone());
            run_command(step, &workspace, &env, label).await
        }
    };
    let tests = report::read(step, &workspace, label);
    let tests = tests.map(|tests| format!(" ({})", report::in_words(&tests))).unwrap_or_default();
    match &failed {
        None => {
            lock(workspaces).keep(step, &workspace)?;
            tell(&format!("{label}: succeeded in {}{tests}", shown(begun)));
        }
        Some(why) => {
            tell(&format!("{label}: failed after {}: {why}{tests}", shown(begun)));
            if last && setting.shell_on_fail {
                open_shell(&workspace, &env, label).await;
            }
        }
    }
    drop(beside);
    Workspaces::end(&workspace);
    Ok(failed.is_none())
}

/// Runs the command; why it failed.
async fn run_command(
    step: &StepSpec,
    workspace: &Path,
    env: &BTreeMap<String, String>,
    label: &str,
) -> Option<String> {
    let started = Group::start(&step.run, workspace, env, label);
    let ended = match started {
        Ok(mut group) => group.end_within(step.timeout.to_std()).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(Ended::Exit(status)) if status.success() => None,
        Ok(Ended::Exit(status)) => Some(in_words(status)),
        Ok(Ended::TooLong) => Some(format!("it took longer than {}", step.timeout)),
        Err(error) => Some(format!("it could not be run: {error}")),
    }
}

/// How a command ended.
pub(super) fn in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// A shell where the step failed, with the same variables and the same processes beside it. Nobody to type into it: none.
async fn open_shell(workspace: &Path, env: &BTreeMap<String, String>, label: &str) {
    if !std::io::stdin().is_terminal() {
        tell(&format!("{label}: no shell is opened, because standard input is not a terminal"));
        return;
    }
    let shell = env.get("SHELL").map_or("/bin/sh", String::as_str);
    tell(&format!("{label}: a shell in its workspace; `exit` goes on"));
    let ended =
        tokio::process::Command::new(shell).current_dir(workspace).env_clear().envs(env).status().await;
    if let Err(error) = ended {
        tell(&format!("{label}: {shell} could not be started: {error}"));
    }
}

/// Whoever panicked while holding it has ended the run.
pub(super) fn lock(workspaces: &Shared) -> std::sync::MutexGuard<'_, Workspaces> {
    workspaces.lock().unwrap_or_else(PoisonError::into_inner)
}
