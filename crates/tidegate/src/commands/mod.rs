//! The commands, a file each: what can be typed after its name, and what it does.

pub mod access;
pub mod approve;
pub mod audit;
pub mod backup;
pub mod build;
pub mod cert;
pub mod check;
pub mod completions;
pub mod config;
pub mod deploy;
pub mod doctor;
pub mod down;
pub mod env;
pub mod events;
pub mod experiment;
pub mod explain;
pub mod flag;
pub mod gateway;
pub mod git;
pub mod git_hook;
pub mod git_ssh;
pub mod init;
pub mod jobs;
pub mod judge;
pub mod key;
pub mod login;
pub mod logout;
pub mod logs;
pub mod param;
pub mod pipeline;
pub mod plan;
pub mod policy;
pub mod preview;
pub mod promote;
pub mod release;
pub mod resource;
pub mod restore;
pub mod rollback;
pub mod rollout;
pub mod run;
pub mod sbom;
pub mod scale;
pub mod schema;
pub mod secret;
pub mod shim;
pub mod status;
pub mod token;
pub mod up;
pub mod upgrade;
pub mod user;
pub mod verify;
pub mod whoami;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Does what was typed.
pub fn run(cli: Cli) -> Result<Exit, Failure> {
    let typed = cli.api.clone();
    let session = Session::new(cli.api, cli.ca);
    match cli.command {
        Command::Up(args) => up::run(*args),
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Pipeline(args) => pipeline::run(args, &session),
        Command::Plan(args) => plan::run(args, &session),
        Command::Deploy(args) => deploy::run(args, &session),
        Command::Status(args) => status::run(args, &session),
        Command::Rollout(args) => rollout::run(args, &session),
        Command::Release(args) => release::run(args, &session),
        Command::Rollback(args) => rollback::run(args, &session),
        Command::Scale(args) => scale::run(args, &session),
        Command::Logs(args) => logs::run(args, &session),
        Command::Run(args) => run::run(args, &session),
        Command::Promote(args) => promote::run(args, &session),
        Command::Approve(args) => approve::run(args, &session),
        Command::Preview(args) => preview::run(args, &session),
        Command::Env(args) => env::run(args, &session),
        Command::Config(args) => config::run(args, &session),
        Command::Secret(args) => secret::run(args, &session),
        Command::Param(args) => param::run(args, &session),
        Command::Resource(args) => resource::run(args, &session),
        Command::Jobs(args) => jobs::run(args, &session),
        Command::Events(args) => events::run(args, &session),
        Command::Explain(args) => explain::run(args, &session),
        Command::Experiment(args) => experiment::run(args, &session),
        Command::Flag(args) => flag::run(args, &session),
        Command::Git(args) => git::run(args, &session),
        Command::Access(args) => access::run(args, &session),
        Command::Policy(args) => policy::run(args, &session),
        Command::Audit(args) => audit::run(args, &session),
        Command::Doctor(args) => doctor::run(args, &session),
        Command::Verify(args) => verify::run(args, &session),
        Command::Build(args) => build::run(args, &session),
        Command::Sbom(args) => sbom::run(args, &session),
        Command::Key(args) => key::run(args, &session),
        Command::Cert(args) => cert::run(&args, typed.as_deref()),
        Command::Judge(args) => judge::run(args, &session),
        Command::Schema => schema::run(),
        Command::Completions(args) => completions::run(&args),
        Command::Backup(args) => backup::run(args, &session),
        Command::Restore(args) => restore::run(&args),
        Command::Upgrade(args) => upgrade::run(args, &session),
        Command::Down(args) => down::run(args, &session),
        Command::Login(args) => login::run(args, &session),
        Command::Logout(args) => logout::run(args, &session),
        Command::Whoami(args) => whoami::run(args, &session),
        Command::User(args) => user::run(args, &session),
        Command::Token(args) => token::run(args, &session),
        Command::Shim(args) => shim::run(&args),
        Command::Gateway(args) => gateway::run(*args),
        Command::GitHook(args) => git_hook::run(&args, &session),
        Command::GitSsh(args) => git_ssh::run(&args),
    }
}
