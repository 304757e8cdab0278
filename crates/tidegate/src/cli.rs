//! The command line as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tidegate_core::model::Name;

use crate::commands::{
    access, approve, audit, backup, build, cert, check, completions, config, deploy, doctor, down, env,
    events, experiment, explain, flag, gateway, git, git_hook, git_ssh, init, jobs, judge, key, login,
    logout, logs, param, pipeline, plan, policy, preview, promote, release, resource, restore, rollback,
    rollout, run, sbom, scale, secret, shim, status, token, up, upgrade, user, verify, whoami,
};

/// Deploys apps and takes broken versions back.
#[derive(Debug, Parser)]
#[command(
    version,
    disable_help_subcommand = true,
    after_help = "Start:\n  tidegate up                 start the control plane and the gateway (leave it running)\n  \
                  tidegate init               write a tidegate.yaml for the app in this folder\n  \
                  tidegate deploy --wait      build it and roll it out\n  \
                  tidegate explain            why the last rollout ended as it did\n\n\
                  Exit codes: 0 done, 1 a mistake or a rollout that did not succeed, 2 the environment failed, 70 a bug"
)]
pub struct Cli {
    /// The server: its data directory, or its address such as http://127.0.0.1:7070
    ///
    /// Without it TIDEGATE_API says where, else the nearest `.tidegate` in this folder or above, else the server of the last `tidegate
    /// login`. An address needs a login, or a token in TIDEGATE_TOKEN: one's own, or the text of the file `token` in the server's data
    /// directory.
    // Not `env = …`: `up` has an `--api` of its own, which TIDEGATE_API is not about.
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub api: Option<String>,

    /// A PEM file with the authorities that vouch for the server [default: the system's]
    ///
    /// Without it TIDEGATE_CA says which, else what `tidegate login` was told.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do: a file of `commands` each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the control plane and the gateway
    Up(Box<up::UpArgs>),
    /// Write a commented tidegate.yaml for the app in a folder
    Init(init::InitArgs),
    /// Show every mistake in the manifest
    Check(check::CheckArgs),
    /// Show what a deploy would do
    Plan(plan::PlanArgs),
    /// Build the app in a folder and roll it out
    Deploy(deploy::DeployArgs),
    /// Run the pipeline of a folder here; show its runs and steer them
    Pipeline(pipeline::PipelineArgs),
    /// Carry the build of an environment on to another
    Promote(promote::PromoteArgs),
    /// Agree to a run that waits for consent
    Approve(approve::ApproveArgs),
    /// Show environments that were made for branches, or take one down
    Preview(preview::PreviewArgs),
    /// Take an environment down
    Env(env::EnvArgs),
    /// Show or change the variables of an environment
    Config(config::ConfigArgs),
    /// Set secrets, which nobody reads back
    Secret(secret::SecretArgs),
    /// Show or set parameters that apps share
    Param(param::ParamArgs),
    /// Show backing services, or have another one take the place of one
    Resource(resource::ResourceArgs),
    /// Show services, instances and rollouts in progress
    Status(status::StatusArgs),
    /// Show or steer the rollout of a service
    Rollout(rollout::RolloutArgs),
    /// Go back to an earlier revision of a service
    Rollback(rollback::RollbackArgs),
    /// Change what a feature flag serves
    Release(release::ReleaseArgs),
    /// Set the number of instances
    Scale(scale::ScaleArgs),
    /// Show what services wrote
    Logs(logs::LogsArgs),
    /// Run a command in the build and environment of a service
    Run(run::RunArgs),
    /// Show jobs on a schedule and their runs, or run one now
    Jobs(jobs::JobsArgs),
    /// Show where to push an app, or have it follow a repository elsewhere
    Git(git::GitArgs),
    /// Show what happened
    Events(events::EventsArgs),
    /// Say why a rollout ended as it did, or what an error code means
    Explain(explain::ExplainArgs),
    /// Show what variants of flags lead to
    Experiment(experiment::ExperimentArgs),
    /// Show feature flags, or serve those of a file to OpenFeature clients
    Flag(flag::FlagArgs),
    /// Give and take roles, and say why somebody may do something
    Access(access::AccessArgs),
    /// Show, try and set policies
    Policy(policy::PolicyArgs),
    /// Show who changed what and who was refused, and whether the log of it is whole
    Audit(audit::AuditArgs),
    /// Show what this machine can and cannot do
    Doctor(doctor::DoctorArgs),
    /// Say whether a build is what was signed: of which commit, by which run
    Verify(verify::VerifyArgs),
    /// Print the digest or the attestation of a build
    Build(build::BuildArgs),
    /// List the packages of a build
    Sbom(sbom::SbomArgs),
    /// Show or change the key that signs what is said of builds
    Key(key::KeyArgs),
    /// Show certificates, or make some for development
    Cert(cert::CertArgs),
    /// Judge counts from files as a rollout would, and say what a decision takes
    Judge(judge::JudgeArgs),
    /// Print the JSON Schema of tidegate.yaml
    Schema,
    /// Print completions for a shell
    Completions(completions::CompletionsArgs),
    /// Put the whole installation into one encrypted file, while it runs
    Backup(backup::BackupArgs),
    /// Bring a backup back into an empty data directory
    Restore(restore::RestoreArgs),
    /// Replace the control plane and the gateway by the program on disk
    Upgrade(upgrade::UpgradeArgs),
    /// Stop every instance, the gateway and the control plane
    Down(down::DownArgs),
    /// Keep what lets you in at a server
    Login(login::LoginArgs),
    /// Have the token of a login refused, and forget it
    Logout(logout::LogoutArgs),
    /// Show who a server takes you for
    Whoami(whoami::WhoamiArgs),
    /// Show and change who is known by name
    User(user::UserArgs),
    /// Make, show and revoke what people and programs are let in by
    Token(token::TokenArgs),
    /// A process that holds one instance (started by Tidegate itself)
    #[command(hide = true)]
    Shim(shim::ShimArgs),
    /// The gateway's process (started by Tidegate itself)
    #[command(hide = true)]
    Gateway(Box<gateway::GatewayArgs>),
    /// A hook of a repository (started by git itself)
    #[command(hide = true)]
    GitHook(git_hook::GitHookArgs),
    /// What a key may do (started by sshd)
    #[command(hide = true)]
    GitSsh(git_ssh::GitSshArgs),
}

/// Which app and environment.
#[derive(Clone, Debug, Default, Args)]
pub struct ScopeArgs {
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, value_name = "APP")]
    pub app: Option<Name>,
    /// The environment [default: the manifest's, or the only one]
    #[arg(short, long, value_name = "ENV")]
    pub environment: Option<Name>,
}

/// [`ScopeArgs`] of a command with verbs, typed before or after the verb.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalScopeArgs {
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, global = true, value_name = "APP")]
    app: Option<Name>,
    /// The environment [default: the manifest's, or the only one]
    #[arg(short, long, global = true, value_name = "ENV")]
    environment: Option<Name>,
}

impl From<GlobalScopeArgs> for ScopeArgs {
    fn from(typed: GlobalScopeArgs) -> ScopeArgs {
        ScopeArgs { app: typed.app, environment: typed.environment }
    }
}

/// For programs.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
