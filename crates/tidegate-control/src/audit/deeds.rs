//! What the log is told of each call: the command, where it applies, and those of its parameters that are written down. What is not
//! named here is in no entry: no variable of an environment, no command line of a one-off command, no key, no token.

use tidegate_core::access::Action;
use tidegate_core::audit::Deed;
use tidegate_core::model::{FlagAccessKind, FlagKey, InstanceId, Name, Request, RevisionNo, RunNo};
use tidegate_core::release::Asked;

use crate::plane::{BeginRun, BreakGlass, DeployRequest, FlagRef, Scope, ServiceRef};
use crate::setting::{
    ConfigAct, ConfigChange, LabelParameter, RemoveSecret, RotateKey, SetParameter, SetSecret,
};
use crate::source::ConnectSource;

/// Commands that are of one environment, whether they name it or not.
const OF_AN_ENVIRONMENT: [&str; 18] = [
    "rollout pause",
    "rollout resume",
    "rollout promote",
    "rollout abort",
    "rollout retry",
    "rollback",
    "scale",
    "run",
    "jobs run",
    "release",
    "experiment stop",
    "flag key create",
    "flag key revoke",
    "env remove",
    "exposures",
    "config set",
    "config unset",
    "config rollback",
];

/// Whether what is not said of the place is to be filled in.
pub(crate) fn is_of_an_environment(deed: &Deed) -> bool {
    OF_AN_ENVIRONMENT.contains(&deed.command.as_str())
}

fn of_service(action: Action, command: &str, service: &ServiceRef) -> Deed {
    in_scope(action, command, &service.scope).with("service", &service.service)
}

fn in_scope(action: Action, command: &str, scope: &Scope) -> Deed {
    Deed::new(action, command).at(scope.app.as_ref(), scope.environment.as_ref())
}

/// With whoever passes over a protection, and why.
fn through(deed: Deed, glass: Option<&BreakGlass>) -> Deed {
    match glass {
        Some(glass) => deed.with("by", &glass.by).with("break-glass", "yes").because(Some(&glass.why)),
        None => deed,
    }
}

pub(crate) fn deploy(request: &DeployRequest, app: Option<&Name>, environment: Option<&Name>) -> Deed {
    let environment = environment.or(request.environment.as_ref());
    let deed = Deed::new(Action::Deploy, "deploy")
        .at(app, environment)
        .with("by", &request.by)
        .with_some("commit", request.source.commit.as_ref())
        .because(request.break_glass.as_deref());
    let deed = if request.source.dirty { deed.with("dirty", "yes") } else { deed };
    if request.break_glass.is_some() { deed.with("break-glass", "yes") } else { deed }
}

pub(crate) fn request(service: &ServiceRef, request: Request, by: &str, glass: Option<&BreakGlass>) -> Deed {
    let command = match request {
        Request::Pause => "rollout pause",
        Request::Resume => "rollout resume",
        Request::Promote => "rollout promote",
        Request::Abort => "rollout abort",
    };
    through(of_service(Action::Deploy, command, service).with("by", by), glass)
}

pub(crate) fn retry(service: &ServiceRef, glass: Option<&BreakGlass>) -> Deed {
    through(of_service(Action::Deploy, "rollout retry", service), glass)
}

pub(crate) fn rollback(service: &ServiceRef, to: Option<RevisionNo>, glass: Option<&BreakGlass>) -> Deed {
    through(of_service(Action::Deploy, "rollback", service).with_some("to", to), glass)
}

pub(crate) fn scale(service: &ServiceRef, instances: Option<u32>, glass: Option<&BreakGlass>) -> Deed {
    let instances = instances.map_or_else(|| "auto".to_owned(), |instances| instances.to_string());
    through(of_service(Action::Operate, "scale", service).with("instances", instances), glass)
}

/// The command itself is left out: it may hold a secret.
pub(crate) fn run(service: &ServiceRef, revision: Option<RevisionNo>, glass: Option<&BreakGlass>) -> Deed {
    through(of_service(Action::Run, "run", service).with_some("revision", revision), glass)
}

pub(crate) fn run_stop(id: &InstanceId) -> Deed {
    Deed::new(Action::Run, "run stop").with("id", id)
}

pub(crate) fn job_start(job: &ServiceRef) -> Deed {
    in_scope(Action::Operate, "jobs run", &job.scope).with("job", &job.service)
}

pub(crate) fn release(flag: &FlagRef, asked: &Asked) -> Deed {
    let deed = in_scope(Action::Release, "release", &flag.scope)
        .with("flag", &flag.flag)
        .with("order", &asked.order)
        .with("by", &asked.by)
        .because(asked.why.as_deref());
    if asked.guard.is_some() { deed.with("guard", "yes") } else { deed }
}

pub(crate) fn experiment_stop(scope: &Scope, flag: &FlagKey, by: &str, why: Option<&str>) -> Deed {
    in_scope(Action::Release, "experiment stop", scope).with("flag", flag).with("by", by).because(why)
}

/// Whose name it is, never the key.
pub(crate) fn flag_key_create(scope: &Scope, kind: FlagAccessKind, name: &str, by: &str) -> Deed {
    let kind = match kind {
        FlagAccessKind::Server => "server",
        FlagAccessKind::Client => "client",
    };
    in_scope(Action::ManageAccess, "flag key create", scope)
        .with("kind", kind)
        .with("name", name)
        .with("by", by)
}

/// What somebody takes for an id may be the key itself, so it is only written down once it is known to be none.
pub(crate) fn flag_key_revoke(scope: &Scope, which: &str, by: &str) -> Deed {
    let deed = in_scope(Action::ManageAccess, "flag key revoke", scope).with("by", by);
    if which.contains("tidegate-") { deed } else { deed.with("key", which) }
}

pub(crate) fn run_begin(request: &BeginRun) -> Deed {
    let source = &request.source;
    Deed::new(Action::Push, "pipeline begin")
        .at(Some(&request.app), Some(&request.environment))
        .with_some("commit", source.commit.as_ref())
        .with_some("branch", source.branch.as_ref())
        .with("by", &source.by)
}

pub(crate) fn of_run(action: Action, command: &str, run: RunNo, by: &str) -> Deed {
    Deed::new(action, command).with("run", run.0).with("by", by)
}

pub(crate) fn run_approve(run: RunNo, by: &str, why: Option<&str>, glass: Option<&BreakGlass>) -> Deed {
    through(of_run(Action::Approve, "approve", run, by).because(why), glass)
}

pub(crate) fn promote(scope: &Scope, to: &Name, by: &str) -> Deed {
    Deed::new(Action::Deploy, "promote")
        .at(scope.app.as_ref(), Some(to))
        .with_some("from", scope.environment.as_ref())
        .with("by", by)
}

pub(crate) fn environment_remove(scope: &Scope, by: &str, glass: Option<&BreakGlass>) -> Deed {
    through(in_scope(Action::Administer, "env remove", scope).with("by", by), glass)
}

pub(crate) fn branch_gone(app: &Name, branch: &str, by: &str) -> Deed {
    Deed::new(Action::Push, "branch remove").at(Some(app), None).with("branch", branch).with("by", by)
}

/// Nothing that opens the repository, and its address only once it is known to be one: before that it may hold a token.
pub(crate) fn git_connect(request: &ConnectSource) -> Deed {
    Deed::new(Action::Administer, "git connect").at(Some(&request.app), None).with("by", &request.by)
}

pub(crate) fn of_source(command: &str, app: &Name, by: &str) -> Deed {
    Deed::new(Action::Administer, command).at(Some(app), None).with("by", by)
}

/// Names of variables, never what they are set to.
pub(crate) fn config(scope: &Scope, asked: &ConfigChange) -> Deed {
    let names = |names: Vec<&str>| names.join(" ");
    let (command, what) = match &asked.act {
        ConfigAct::Set(set) => ("config set", ("variables", names(set.keys().map(String::as_str).collect()))),
        ConfigAct::Unset(unset) => {
            ("config unset", ("variables", names(unset.iter().map(String::as_str).collect())))
        }
        ConfigAct::Rollback(version) => ("config rollback", ("to", version.to_string())),
    };
    let deed = in_scope(Action::Configure, command, scope)
        .with(what.0, what.1)
        .with_some("service", asked.service.as_ref())
        .with("by", &asked.by);
    let why = Some(asked.why.as_str()).filter(|why| !why.is_empty());
    by_hand(deed.because(why), asked.break_glass.as_deref())
}

/// Which it is, never the value.
pub(crate) fn secret_set(scope: &Scope, asked: &SetSecret) -> Deed {
    let deed = in_scope(Action::Secrets, "secret set", scope).with("secret", &asked.name);
    by_hand(deed.with("by", &asked.by), asked.break_glass.as_deref())
}

pub(crate) fn secret_remove(scope: &Scope, asked: &RemoveSecret) -> Deed {
    in_scope(Action::Secrets, "secret remove", scope).with("secret", &asked.name).with("by", &asked.by)
}

pub(crate) fn secret_rotate_key(asked: &RotateKey) -> Deed {
    Deed::new(Action::Administer, "secret rotate-key").with("by", &asked.by)
}

pub(crate) fn param_set(asked: &SetParameter) -> Deed {
    let deed = Deed::new(Action::Configure, "param set")
        .with("path", &asked.path)
        .with_some("label", asked.label.as_ref())
        .with("rollout", asked.rollout)
        .with("by", &asked.by);
    let why = Some(asked.why.as_str()).filter(|why| !why.is_empty());
    by_hand(deed.because(why), asked.break_glass.as_deref())
}

pub(crate) fn param_label(asked: &LabelParameter) -> Deed {
    let deed = Deed::new(Action::Configure, "param label")
        .with("path", &asked.path)
        .with("label", &asked.label)
        .with("version", asked.version)
        .with("rollout", asked.rollout)
        .with("by", &asked.by);
    by_hand(deed, asked.break_glass.as_deref())
}

/// With why a protection is passed over, where one is.
fn by_hand(deed: Deed, break_glass: Option<&str>) -> Deed {
    match break_glass {
        Some(why) => deed.with("break-glass", "yes").because(Some(why)),
        None => deed,
    }
}

/// That a protection was passed over.
pub(crate) fn break_glass((app, environment): (&Name, &Name), what: &str, by: &str, why: &str) -> Deed {
    Deed::new(Action::BreakGlass, "break-glass")
        .at(Some(app), Some(environment))
        .with("to", what)
        .with("by", by)
        .because(Some(why))
}
