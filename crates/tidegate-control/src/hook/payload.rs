//! What the payload of a webhook says. Read after it was proved to be its host's; of all it holds a few short fields count, and none
//! of them is an address.

use std::borrow::Cow;

use serde::Deserialize;

use super::{HookEvent, Host, Incoming, NotTaken};
use crate::git::is_commit;

const BRANCHES: &str = "refs/heads/";
/// The longest name of a branch, in bytes.
const LONGEST_BRANCH: usize = 250;
/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 64;

/// The fields that hosts have for a push. Each host has some of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    object_kind: Option<String>,
    #[serde(rename = "ref")]
    name: Option<String>,
    after: Option<String>,
    user_username: Option<String>,
    user_name: Option<String>,
    pusher: Option<Person>,
}

/// Somebody, as GitHub (`name`) or Gitea (`login`) has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Person {
    login: Option<String>,
    name: Option<String>,
}

/// What it says.
pub(super) fn event(host: Host, incoming: &Incoming<'_>) -> Result<HookEvent, NotTaken> {
    let kind = kind(host, incoming)?;
    match kind {
        "ping" => return Ok(HookEvent::Ping),
        "push" | "Push Hook" => {}
        other => return Ok(HookEvent::Idle(format!("a `{}` begins nothing: only pushes do", short(other)))),
    }
    let text = json(incoming)?;
    let payload: Payload =
        serde_json::from_slice(&text).map_err(|_| NotTaken::Malformed("its body is no JSON of a push"))?;
    if host == Host::GitLab && payload.object_kind.as_deref() != Some("push") {
        // Unlike the header this is part of what is signed.
        return Ok(HookEvent::Idle("it is no push to a branch".to_owned()));
    }
    push(&payload)
}

fn kind<'a>(host: Host, incoming: &Incoming<'a>) -> Result<&'a str, NotTaken> {
    let name = match host {
        Host::GitHub => "x-github-event",
        Host::GitLab => "x-gitlab-event",
        Host::Gitea => "x-gitea-event",
        Host::Forgejo => "x-forgejo-event",
    };
    (incoming.header)(name).ok_or(NotTaken::Malformed("it does not say which event it is of"))
}

/// The JSON: the body, or a field of it where it is sent as a form would be.
fn json<'a>(incoming: &Incoming<'a>) -> Result<Cow<'a, [u8]>, NotTaken> {
    let media = (incoming.header)("content-type").unwrap_or_default();
    if !media.starts_with("application/x-www-form-urlencoded") {
        return Ok(Cow::Borrowed(incoming.body));
    }
    let mut fields = form_urlencoded::parse(incoming.body);
    let payload = fields.find(|(name, _)| name == "payload").map(|(_, text)| text.into_owned().into_bytes());
    payload.map(Cow::Owned).ok_or(NotTaken::Malformed("its form has no `payload`"))
}

fn push(payload: &Payload) -> Result<HookEvent, NotTaken> {
    let name = payload.name.as_deref().ok_or(NotTaken::Malformed("it names no branch"))?;
    let after = payload.after.as_deref().ok_or(NotTaken::Malformed("it names no commit"))?;
    let Some(branch) = name.strip_prefix(BRANCHES) else {
        return Ok(HookEvent::Idle(format!("{} is no branch: only those begin runs", short(name))));
    };
    if branch.is_empty() || branch.len() > LONGEST_BRANCH || branch.chars().any(char::is_control) {
        return Err(NotTaken::Malformed("the name of its branch cannot be one"));
    }
    if !is_commit(after) {
        return Err(NotTaken::Malformed("what it names is no id of a commit"));
    }
    if after.bytes().all(|b| b == b'0') {
        return Ok(HookEvent::Idle(format!("the branch {} was deleted: nothing runs", short(branch))));
    }
    Ok(HookEvent::Push { branch: branch.to_owned(), commit: after.to_owned(), by: person(payload) })
}

/// Who pushed; empty where it is not said.
fn person(payload: &Payload) -> String {
    let pusher = payload.pusher.as_ref();
    let names = [
        pusher.and_then(|pusher| pusher.login.as_deref()),
        pusher.and_then(|pusher| pusher.name.as_deref()),
        payload.user_username.as_deref(),
        payload.user_name.as_deref(),
    ];
    names.into_iter().flatten().map(short).find(|name| !name.is_empty()).unwrap_or_default()
}

/// On one short line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}
