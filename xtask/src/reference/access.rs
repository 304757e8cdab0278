//! Which role may do what where: from the table of endpoints and the policies that come with Tidegate. A test of the API asks a server
//! for all of it.

use std::collections::BTreeSet;

use tidegate_api::{EndpointNeed, needs};
use tidegate_core::access::{Action, Facts, Origin, Place, Question, Role, Who};
use tidegate_policy::Policies;

use crate::Trouble;

/// The commands that ask an endpoint, by its name. A command may ask several; one that only looks is named where it looks first.
const COMMANDS: [(&str, &str); 89] = [
    ("deploy", "deploy"),
    ("deploy_view", "deploy --wait"),
    ("plan", "plan"),
    ("status", "status"),
    ("rollout", "rollout show"),
    ("rollout_proof", "rollout export"),
    ("traffic", "judge plan"),
    ("rollout_act", "rollout pause, resume, promote, abort, retry"),
    ("rollback", "rollback"),
    ("scale", "scale"),
    ("run", "run"),
    ("run_view", "run"),
    ("run_stop", "run (interrupted)"),
    ("pipeline_runs", "pipeline list"),
    ("pipeline_begin", ""),
    ("pipeline_run", "pipeline show"),
    ("pipeline_logs", "pipeline logs"),
    ("pipeline_cancel", "pipeline cancel"),
    ("pipeline_retry", "pipeline retry"),
    ("pipeline_approve", "approve"),
    ("promote", "promote"),
    ("previews", "preview list"),
    ("environment_remove", "env remove; preview stop (needs operate)"),
    ("jobs", "jobs list"),
    ("job", "jobs show"),
    ("job_history", "jobs history"),
    ("job_start", "jobs run"),
    ("flags", "flag list"),
    ("flag", "flag show"),
    ("flag_history", "flag history"),
    ("release", "release; flag archive"),
    ("flag_set", "flag export, flag explain"),
    ("flag_debt", "flag debt"),
    ("git_urls", "git url"),
    ("git_push", ""),
    ("git_sources", "git sources"),
    ("git_connect", "git connect"),
    ("git_disconnect", "git disconnect"),
    ("git_look", "git fetch"),
    ("events", "events"),
    ("logs", "logs"),
    ("otlp_logs", ""),
    ("explain", "explain"),
    ("exposures", ""),
    ("experiments", "experiment list"),
    ("experiment", "experiment show"),
    ("experiment_stop", "experiment stop"),
    ("flag_keys", "flag key list"),
    ("flag_key_create", "flag key create"),
    ("flag_key_revoke", "flag key revoke"),
    ("config", "config get; resource list"),
    ("config_diff", "config diff"),
    ("config_change", "config set, unset, rollback; resource attach, swap"),
    ("secrets", "secret list"),
    ("secret_set", "secret set"),
    ("secret_remove", "secret remove"),
    ("secret_rotate_key", "secret rotate-key"),
    ("parameters", "param list"),
    ("parameter_history", "param history, get"),
    ("parameter_set", "param set"),
    ("parameter_label", "param label"),
    ("metrics", ""),
    ("doctor", "doctor"),
    ("upgrade", "upgrade"),
    ("down", "down"),
    ("access_list", "access list"),
    ("access_grant", "access grant"),
    ("access_revoke", "access revoke"),
    ("access_explain", "access explain"),
    ("policies", "policy show"),
    ("policies_set", "policy set"),
    ("users", "user list"),
    ("user_add", "user add"),
    ("user_disable", "user disable"),
    ("user_enable", "user enable"),
    ("user_remove", "user remove"),
    ("user_invite", "user invite"),
    ("user_link", "user link"),
    ("user_unlink", "user unlink"),
    ("audit_list", "audit list"),
    ("audit_links", "audit export, audit verify"),
    ("audit_head", "audit verify"),
    ("build_verify", "verify; build digest"),
    ("build_attestation", "build attestation"),
    ("build_sbom", "sbom"),
    ("build_admit", "build admit"),
    ("keys", "key list, key show"),
    ("key_rotate", "key rotate"),
    ("advisories", "plan"),
];

/// The page.
///
/// # Errors
/// Where an endpoint has no line in the list of commands, or a line no endpoint.
pub fn page() -> Result<String, Trouble> {
    let policies = Policies::shipped();
    let endpoints: Vec<EndpointNeed> = needs().into_iter().filter(|need| need.action.is_some()).collect();
    let mut page = format!(
        "# Roles, commands and environments\n\nWhat each role may do by the policies that come with Tidegate. {}\n\n\
         `yes`: in every environment; `unprotected`: where the environment is not protected; `each`: the answer has what may be read. \
         What is looked at in the `app` or the `installation` takes a role for the whole of that. Passing over the rules of a protected \
         environment (`--break-glass`) needs `break-glass` besides. The owner, whoever runs Tidegate, may do everything. What is everybody's own (`whoami`, `login`, `logout`, their own tokens) needs no role; the tokens of others \
         are for whoever may `manage-access` in the installation. A token that is of an app or an environment, or gives a role, takes from all of this.\n\n\
         | command | API | needs | in the | {} |\n|---|---|---|---|{}\n",
        super::MADE,
        Role::ALL.map(Role::name).join(" | "),
        "---|".repeat(Role::ALL.len()),
    );
    for need in &endpoints {
        page += &row(&policies, need)?;
    }
    let known: BTreeSet<&str> = endpoints.iter().map(|need| need.id).collect();
    match COMMANDS.iter().find(|(id, _)| !known.contains(id)) {
        Some((id, _)) => Err(format!("xtask/src/reference/access.rs: there is no endpoint {id}").into()),
        None => Ok(page),
    }
}

fn row(policies: &Policies, need: &EndpointNeed) -> Result<String, Trouble> {
    let commands = COMMANDS.iter().find(|(id, _)| *id == need.id);
    let Some((_, command)) = commands else {
        return Err(format!("xtask/src/reference/access.rs: which command asks {}?", need.id).into());
    };
    let action = need.action.ok_or("an endpoint that needs nothing")?;
    let cells = Role::ALL.map(|role| cell(policies, role, action, need.place));
    let glass = if need.break_glass { ", break-glass" } else { "" };
    let command = if command.is_empty() { String::new() } else { format!("`{command}`") };
    let method = &need.method;
    Ok(format!(
        "| {command} | `{method} {}` | {action}{glass} | {} | {} |\n",
        need.path,
        need.place,
        cells.join(" | ")
    ))
}

fn cell(policies: &Policies, role: Role, action: Action, at: &str) -> &'static str {
    let named = |text: &str| text.parse().unwrap_or(Place::Everywhere);
    let may = |place: Place, protected| {
        let facts = Facts { protected, ..Facts::default() };
        let who = Who::Service { token: "anybody".parse().expect("a word is a name") };
        let (from, groups, roles) = (Origin::Within, BTreeSet::new(), BTreeSet::from([role]));
        policies.decide(&Question { who, from, groups, roles, action, place, facts }).allowed
    };
    match at {
        "each" => "each",
        "installation" if may(Place::Everywhere, false) => "yes",
        "app" if may(named("app"), false) => "yes",
        "installation" | "app" => "",
        _ => match (may(named("app/staging"), false), may(named("app/production"), true)) {
            (true, true) => "yes",
            (true, false) => "unprotected",
            (false, _) => "",
        },
    }
}
