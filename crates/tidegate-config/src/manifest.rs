//! The validated manifest, and what it says of one environment.

use std::collections::BTreeMap;

use tidegate_core::model::{
    EnvironmentPolicy, JobSpec, MigrateSpec, Name, PipelineSpec, RouteSpec, ServiceSpec,
};
use tidegate_core::pipeline::takes_pushes;
use tidegate_core::time::Millis;

use crate::codes;
use crate::compile::{FlagPlan, Plan};
use crate::diagnostic::Diagnostic;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::raw::{NameFault, check_env_name, check_env_value};

/// The environment meant where a command names none.
const PRODUCTION: &str = "production";
/// The branches that come to production where no environment is declared: what Git and its hosts call the first one.
const MAIN_BRANCHES: [&str; 2] = ["main", "master"];

/// A manifest without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub(crate) file: String,
    pub(crate) app: Name,
    pub(crate) build_run: Option<String>,
    pub(crate) build_within: Millis,
    pub(crate) base: Plan,
    pub(crate) environments: BTreeMap<Name, Plan>,
    pub(crate) policies: BTreeMap<Name, EnvironmentPolicy>,
    pub(crate) pipeline: PipelineSpec,
    pub(crate) flags: Option<FlagPlan>,
}

/// What a manifest says of one environment: everything merged, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// The build command; `None`: the snapshot is the build.
    pub build_run: Option<String>,
    /// How long it may take.
    pub build_within: Millis,
    /// Variables of the build command: always empty. Configuration is never baked into a build, so that one build can
    /// run in every environment.
    pub build_env: BTreeMap<String, String>,
    /// Services by name.
    pub services: BTreeMap<Name, ServiceSpec>,
    /// Jobs by name.
    pub jobs: BTreeMap<Name, JobSpec>,
    /// Services that are rolled out as one, each train in its order.
    pub trains: BTreeMap<Name, Vec<Name>>,
    /// Routes in the order of the manifest.
    pub routes: Vec<RouteSpec>,
    /// The migration step.
    pub migrate: Option<MigrateSpec>,
}

impl Resolved {
    /// Tokens that checks are to ask with and no variable has: the checks could never answer. Values are looked at by nobody;
    /// `tidegate check`, which has no env file, does not ask.
    pub fn missing_tokens(&self) -> Vec<Diagnostic> {
        let mut missing = Vec::new();
        for (service, spec) in &self.services {
            for (check, asks) in &spec.strategy.checks {
                let token = asks.source.token().filter(|token| !spec.env.contains_key(*token));
                missing.extend(token.map(|token| no_token(service, check, token)));
            }
        }
        missing
    }
}

fn no_token(service: &Name, check: &str, token: &str) -> Diagnostic {
    let message =
        format!("the check `{check}` of `{service}` asks with the token in `{token}`, which is not set");
    Diagnostic::error(codes::CHECK_OPTION, message)
        .in_file("env file")
        .help(format!("give it to the deploy: `--env-file FILE` with a line `{token}=…`"))
}

impl Manifest {
    /// The app's name.
    pub fn app(&self) -> &Name {
        &self.app
    }

    /// The declared environments, sorted. None declared: every name can be used.
    pub fn environments(&self) -> Vec<Name> {
        self.environments.keys().cloned().collect()
    }

    /// The environment meant where a command names none: `production` where it is declared or none is, else the only
    /// one declared; several: an error that lists them.
    pub fn default_environment(&self) -> Result<Name, Box<Diagnostic>> {
        let declared = self.environments.keys().find(|name| name.as_str() == PRODUCTION);
        match (declared, self.environments.keys().next(), self.environments.len()) {
            (Some(name), ..) | (None, Some(name), 1) => Ok(name.clone()),
            (None, None, _) => Ok(production()),
            (None, Some(_), _) => Err(Box::new(self.which_environment())),
        }
    }

    /// The pipeline of a run into an environment: the same for all. Which stages are left out there, and for which branches, each
    /// stage says itself.
    pub fn pipeline(&self, _environment: &Name) -> PipelineSpec {
        self.pipeline.clone()
    }

    /// The way into an environment. Where none is declared, `main` and `master` come to `production`.
    pub fn policy(&self, environment: &Name) -> EnvironmentPolicy {
        if let Some(policy) = self.policies.get(environment) {
            return policy.clone();
        }
        let meant = self.environments.is_empty() && environment.as_str() == PRODUCTION;
        let branches = MAIN_BRANCHES.iter().filter(|_| meant).map(|branch| (*branch).to_owned());
        EnvironmentPolicy { branches: branches.collect(), ..EnvironmentPolicy::default() }
    }

    /// The environments to which a push to a branch is deployed, sorted. Those that are promoted to are not among them.
    pub fn environments_of(&self, branch: &str) -> Vec<Name> {
        let undeclared = self.environments.is_empty().then(production);
        let all = self.environments.keys().cloned().chain(undeclared);
        all.filter(|environment| takes_pushes(&self.policy(environment), branch)).collect()
    }

    /// The environments into which a build comes from another one, sorted, and whether it does so by itself.
    pub fn promotions_from(&self, from: &Name) -> Vec<(Name, bool)> {
        let follows = self.policies.iter().filter(|(_, policy)| policy.promote_from.as_ref() == Some(from));
        follows.map(|(name, policy)| (name.clone(), policy.automatic)).collect()
    }

    /// What the manifest says of an environment.
    ///
    /// A service's variables, later ones win: the app's `env`, the environment's `env`, the service's `env`, the
    /// environment's `env` for the service, and `env_file`: what is given on the command line wins over the manifest.
    /// A job's likewise.
    /// The migration gets the app's, the environment's and the file's.
    ///
    /// Errors: an environment that is not declared though others are; names or values in `env_file` that cannot be
    /// used (their values are never quoted).
    pub fn resolve(
        &self,
        environment: &Name,
        env_file: &BTreeMap<String, String>,
    ) -> Result<Resolved, Vec<Diagnostic>> {
        let mut diagnostics = check_env_file(env_file);
        let plan = self.environments.get(environment);
        if plan.is_none() && !self.environments.is_empty() {
            diagnostics.push(self.unknown_environment(environment));
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics);
        }
        let Plan { mut services, mut jobs, trains, routes, mut migrate, env } =
            plan.unwrap_or(&self.base).clone();
        for service in services.values_mut() {
            service.env = merged([&env, &service.env, env_file]);
        }
        for job in jobs.values_mut() {
            job.env = merged([&env, &job.env, env_file]);
        }
        if let Some(migrate) = &mut migrate {
            migrate.env = merged([&env, env_file]);
        }
        Ok(Resolved {
            app: self.app.clone(),
            environment: environment.clone(),
            build_run: self.build_run.clone(),
            build_within: self.build_within,
            build_env: BTreeMap::new(),
            services,
            jobs,
            trains,
            routes,
            migrate,
        })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.environments.keys().map(Name::as_str)
    }

    fn which_environment(&self) -> Diagnostic {
        Diagnostic::error(
            codes::WHICH_ENVIRONMENT,
            "there are several environments and none is called `production`",
        )
        .in_file(&self.file)
        .help(format!("say which one: `-e NAME` with one of {}", list(self.names())))
    }

    fn unknown_environment(&self, name: &Name) -> Diagnostic {
        let meant = did_you_mean(name.as_str(), self.names());
        let message = format!("the environment {} is not declared{meant}", quote(name.as_str()));
        Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, message)
            .in_file(&self.file)
            .help(format!("`environments` declares {}", list(self.names())))
    }
}

fn production() -> Name {
    PRODUCTION.parse().expect("the word has the shape of a name")
}

/// The layers as one; later ones win.
fn merged<const N: usize>(layers: [&BTreeMap<String, String>; N]) -> BTreeMap<String, String> {
    layers.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Variables usually come from `parse_env_file`, which has checked them; the API hands in a caller's own.
fn check_env_file(env_file: &BTreeMap<String, String>) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (name, value) in env_file {
        let checked = check_env_name(name);
        let name = quote(name);
        match checked {
            Ok(()) => {}
            Err(NameFault::Shape) => diagnostics.push(
                Diagnostic::error(codes::ENV_NAME, format!("{name} cannot be the name of a variable"))
                    .help("letters, digits and `_`, not beginning with a digit"),
            ),
            Err(NameFault::Reserved) => {
                diagnostics.push(Diagnostic::error(
                    codes::ENV_RESERVED,
                    format!("{name} is set by Tidegate itself"),
                ));
            }
        }
        if !check_env_value(value) {
            let message = format!("the value of {name} is longer than 64 KiB or contains a NUL");
            diagnostics.push(Diagnostic::error(codes::ENV_TEXT, message));
        }
    }
    diagnostics.into_iter().map(|diagnostic| diagnostic.in_file("env file")).collect()
}
