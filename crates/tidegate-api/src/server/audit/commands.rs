//! What the log calls the endpoints that change something, and which parts of a request it is told where the control plane never got it.

use axum::extract::RawPathParams;
use tidegate_core::access::Action;
use tidegate_core::audit::Deed;

/// Whether the log is told of an endpoint that does not only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// When it is answered.
    Now,
    /// When it is answered, where it was done: who is refused is a stranger, and counted at the door.
    Done,
    /// What comes of it is entered while the answer is read.
    Later,
    /// Not at all.
    Never,
}

/// Endpoints that take something and are in no entry.
const NEVER: [(&str, &str); 7] = [
    ("plan", "it changes nothing"),
    ("advisories", "the same"),
    ("exposures", "what apps' users do, a thousand times a second: it is counted, not logged"),
    ("otlp_logs", "the same by another way"),
    ("login_device", "nobody is let in by it yet"),
    ("login_device_poll", "the login that comes of it, or its refusal, is entered with it"),
    ("git_hook", "the runs that it begins are entered; who is not the host is counted at the door"),
];

const COMMANDS: [(&str, &str, Action); 45] = [
    ("deploy", "deploy", Action::Deploy),
    ("rollout_act", "rollout", Action::Deploy),
    ("rollback", "rollback", Action::Deploy),
    ("scale", "scale", Action::Operate),
    ("run", "run", Action::Run),
    ("run_stop", "run stop", Action::Run),
    ("pipeline_begin", "pipeline begin", Action::Push),
    ("pipeline_cancel", "pipeline cancel", Action::Push),
    ("pipeline_retry", "pipeline retry", Action::Push),
    ("pipeline_approve", "approve", Action::Approve),
    ("promote", "promote", Action::Deploy),
    ("environment_remove", "env remove", Action::Administer),
    ("job_start", "jobs run", Action::Operate),
    ("release", "release", Action::Release),
    ("git_push", "push", Action::Push),
    ("git_connect", "git connect", Action::Administer),
    ("git_disconnect", "git disconnect", Action::Administer),
    ("git_look", "git fetch", Action::Administer),
    ("experiment_stop", "experiment stop", Action::Release),
    ("flag_key_create", "flag key create", Action::ManageAccess),
    ("flag_key_revoke", "flag key revoke", Action::ManageAccess),
    ("login", "login", Action::Read),
    ("logout", "logout", Action::Read),
    ("user_add", "user add", Action::ManageAccess),
    ("user_disable", "user disable", Action::ManageAccess),
    ("user_enable", "user enable", Action::ManageAccess),
    ("user_remove", "user remove", Action::ManageAccess),
    ("user_link", "user link", Action::ManageAccess),
    ("user_unlink", "user unlink", Action::ManageAccess),
    ("user_invite", "user invite", Action::ManageAccess),
    ("token_create", "token create", Action::ManageAccess),
    ("token_revoke", "token revoke", Action::ManageAccess),
    ("build_admit", "build admit", Action::BreakGlass),
    ("key_rotate", "key rotate", Action::Administer),
    ("config_change", "config", Action::Configure),
    ("secret_set", "secret set", Action::Secrets),
    ("secret_remove", "secret remove", Action::Secrets),
    ("secret_rotate_key", "secret rotate-key", Action::Administer),
    ("parameter_set", "param set", Action::Configure),
    ("parameter_label", "param label", Action::Configure),
    ("upgrade", "upgrade", Action::Administer),
    ("down", "down", Action::Administer),
    ("access_grant", "access grant", Action::ManageAccess),
    ("access_revoke", "access revoke", Action::ManageAccess),
    ("policies_set", "policy set", Action::ManageAccess),
];

/// Parts of a path and of a query string that are written down. Whatever is not named here is not: it may be a key.
const WRITTEN: [&str; 10] =
    ["service", "action", "run", "job", "flag", "by", "to", "revision", "user", "build"];

/// Whether the log is told of an endpoint that does not only read. One that nobody thought of is told.
pub(super) fn told(id: &str) -> Told {
    if NEVER.iter().any(|(never, _)| *never == id) {
        return Told::Never;
    }
    match id {
        "git_push" => Told::Later,
        "login" => Told::Done,
        _ => Told::Now,
    }
}

/// What is known of a request before its body is read.
pub(super) fn deed(id: &str, parts: Option<&RawPathParams>, query: Option<&str>) -> Deed {
    let known = COMMANDS.iter().find(|(known, ..)| *known == id);
    let (command, action) =
        known.map_or((id, Action::Administer), |(_, command, action)| (*command, *action));
    let in_path = parts.into_iter().flatten().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let in_query = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
    let mut deed = Deed::new(action, command);
    for (name, value) in in_path.chain(in_query) {
        deed = match name.as_str() {
            "app" => Deed { app: value.parse().ok(), ..deed },
            "environment" => Deed { environment: value.parse().ok(), ..deed },
            "break_glass" => deed.with("break-glass", "yes").because(Some(&value)),
            name if WRITTEN.contains(&name) => deed.with(name, value),
            _ => deed,
        };
    }
    deed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::endpoints;

    #[test]
    fn every_endpoint_that_takes_something_has_a_command_or_a_reason_for_none() {
        let all = endpoints::all();
        let takes = |id: &str| all.iter().any(|endpoint| endpoint.id == id && endpoint.method != "get");
        for endpoint in all.iter().filter(|endpoint| endpoint.method != "get") {
            let id = endpoint.id;
            let known = COMMANDS.iter().any(|(command, ..)| *command == id);
            assert!(known || told(id) == Told::Never, "{id} is in neither table of {}", file!());
        }
        for (id, why) in NEVER {
            assert!(takes(id) && !why.is_empty(), "{id} is not there any more");
        }
        for (id, ..) in COMMANDS {
            assert!(takes(id), "{id} is not there any more");
        }
    }

    #[test]
    fn only_what_is_named_is_written_down() {
        let query = "app=shop&by=ann&break_glass=fire&token=abc&password=x&environment=No%20Name";
        let deed = deed("flag_key_revoke", None, Some(query));
        assert_eq!(deed.app.as_ref().map(ToString::to_string), Some("shop".to_owned()));
        assert_eq!((deed.environment, deed.why.as_deref()), (None, Some("fire")));
        assert_eq!(deed.with.keys().collect::<Vec<_>>(), ["break-glass", "by"]);
    }
}
