//! What every step of a local run is given, and where it all happens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tidegate_core::model::{Name, PipelineSpec, StageSpec, StageWork, StepSpec};

use crate::failure::Failure;

/// What a step gets of the environment of whoever types. Not more: a run that depends on more would fail on the server.
const PASSED: [&str; 18] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TERM",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// A local run.
#[derive(Debug)]
pub struct Setting {
    /// The app.
    pub app: Name,
    /// The environment it is as if for.
    pub environment: Name,
    /// The branch, where the folder is a checkout.
    pub branch: Option<String>,
    /// The commit, likewise.
    pub commit: Option<String>,
    /// The app's folder.
    pub folder: PathBuf,
    /// The build command, and how long it may take.
    pub build: Option<(String, std::time::Duration)>,
    /// The one step that is asked for: its name, or `STAGE/NAME`, or a stage.
    pub only: Option<String>,
    /// Whether a shell is opened where a step failed.
    pub shell_on_fail: bool,
    /// The values of secrets by name.
    pub secrets: BTreeMap<String, String>,
}

/// Whether a step is meant by what was typed.
pub(super) fn means(typed: &str, stage: &StageSpec, step: &StepSpec) -> bool {
    let name = step.name.as_str();
    // `unit` is meant by `unit (node 18)` as well: one of its matrix.
    let written_out = name.strip_prefix(typed).is_some_and(|rest| rest.starts_with(" ("));
    let within = typed.split_once('/').is_some_and(|(of, step)| of == stage.name.as_str() && step == name);
    typed == name || written_out || within || typed == stage.name.as_str()
}

impl Setting {
    /// Whether a step is to be run.
    pub(super) fn wants(&self, stage: &StageSpec, step: &StepSpec) -> bool {
        self.only.as_ref().is_none_or(|only| means(only, stage, step))
    }

    /// Refuses what could not be done: a step there is not, a secret nobody gave.
    pub fn check(&self, pipeline: &PipelineSpec) -> Result<(), Failure> {
        let mut wanted = 0;
        for stage in &pipeline.stages {
            let StageWork::Steps(steps) = &stage.work else { continue };
            for step in steps.iter().filter(|step| self.wants(stage, step)) {
                wanted += 1;
                self.check_secrets(step)?;
            }
        }
        match &self.only {
            Some(only) if wanted == 0 => Err(no_such_step(only, pipeline)),
            Some(_) | None => Ok(()),
        }
    }

    fn check_secrets(&self, step: &StepSpec) -> Result<(), Failure> {
        let Some(missing) = step.secrets.iter().find(|name| !self.secrets.contains_key(*name)) else {
            return Ok(());
        };
        let message = format!("the step `{}` needs the secret {missing}", step.name);
        let help = format!("set {missing} in your environment, or name a file that has it with --env-file");
        Err(Failure::mistake(message, help))
    }

    /// The environment of a step, without what processes beside it say.
    pub(super) fn env_of(&self, stage: &Name, step: &StepSpec) -> BTreeMap<String, String> {
        let mut env = self.env_of_build();
        env.extend(step.env.clone());
        let secrets =
            step.secrets.iter().filter_map(|name| Some((name.clone(), self.secrets.get(name)?.clone())));
        env.extend(secrets);
        env.insert("TIDEGATE_STAGE".to_owned(), stage.to_string());
        env.insert("TIDEGATE_STEP".to_owned(), step.name.clone());
        env
    }

    /// The environment of the build command.
    pub(super) fn env_of_build(&self) -> BTreeMap<String, String> {
        let mut env = own_variables();
        env.retain(|name, _| PASSED.contains(&name.as_str()) || name.starts_with("LC_"));
        env.insert("TIDEGATE_APP".to_owned(), self.app.to_string());
        env.insert("TIDEGATE_ENVIRONMENT".to_owned(), self.environment.to_string());
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        env.insert("TIDEGATE_BRANCH".to_owned(), text(&self.branch));
        env.insert("TIDEGATE_COMMIT".to_owned(), text(&self.commit));
        env
    }

    /// Where folders are kept from run to run.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
        Some(caches.join("tidegate").join("pipeline").join(self.app.as_str()))
    }
}

/// The environment of whoever types, as far as it is text.
pub fn own_variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn no_such_step(only: &str, pipeline: &PipelineSpec) -> Failure {
    let names: Vec<String> = pipeline.stages.iter().flat_map(names_of).collect();
    let meant = tidegate_config::did_you_mean(only, names.iter().map(String::as_str));
    let help = match names.is_empty() {
        true => "the pipeline has no steps: write some in `test`, or in `pipeline`".to_owned(),
        false => format!("its steps are {}", names.join(", ")),
    };
    Failure::mistake(format!("the pipeline has no step `{only}`{meant}"), help)
}

fn names_of(stage: &StageSpec) -> Vec<String> {
    match &stage.work {
        StageWork::Steps(steps) => steps.iter().map(|step| step.name.clone()).collect(),
        StageWork::Build
        | StageWork::Deploy
        | StageWork::Smoke(_)
        | StageWork::Verify
        | StageWork::Release(_) => Vec::new(),
    }
}

/// The branch of a checkout; `None` where it is none, or on no branch.
pub fn branch_of(folder: &Path) -> Option<String> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["symbolic-ref", "--short", "-q", "HEAD"])
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    let branch = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !branch.is_empty()).then_some(branch)
}
