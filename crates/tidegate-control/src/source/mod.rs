//! Repositories at Git hosts that apps follow: a webhook or a poll has one looked at, and what is new there begins runs.
//!
//! [`GitSources`] is what the API may ask, and [`crate::Handle`] who answers; the [`Scout`] looks, on threads of its own, and hands
//! what it finds to [`crate::push`]. Which commit a branch is at is only ever seen in the repository: a webhook says that
//! something is new, not what. A look is level-triggered, so a kill at any moment is made good by the next one.

mod broken;
mod connect;
mod deliver;
mod hidden;
mod keys;
mod look;
mod scout;
#[cfg(test)]
mod tests;
mod view;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Name;
use tidegate_core::time::Millis;
use tidegate_core::view::{GitConnected, GitSourceList, GitSourceView, HookAnswer};

use crate::handle::Handle;
use crate::hook::{Delivery, HookSecret};
use crate::plane::{Refusal, RefusalKind};
pub use hidden::Hidden;
pub use keys::prepare;
pub use scout::Scout;
pub(crate) use view::findings;

/// What the API may ask about repositories that are followed.
pub trait GitSources: Send + Sync + 'static {
    /// All of them.
    fn git_sources(&self) -> Result<GitSourceList, Refusal>;
    /// Has an app follow a repository, in place of another one where there was one. It is tried first, which takes as long as its
    /// host does, at most half a minute.
    fn git_connect(&self, request: ConnectSource) -> Result<GitConnected, Refusal>;
    /// Has an app follow nothing any more; what it followed. `by`: who asks.
    fn git_disconnect(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal>;
    /// Has the repository of an app looked at now.
    fn git_look(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal>;
    /// What an app's host proves its webhooks with; `None`: the app follows nothing.
    fn hook_secret(&self, app: &Name) -> Result<Option<HookSecret>, Refusal>;
    /// Takes a webhook that is its host's.
    fn git_hook(&self, app: &Name, delivery: Delivery) -> Result<HookAnswer, Refusal>;
    /// Puts into the timeline that a webhook was refused.
    fn git_hook_refused(&self, app: &Name, why: &str) -> Result<(), Refusal>;
    /// Refuses a push where the app follows a repository elsewhere: it has one history.
    fn pushes_are_taken(&self, app: &Name) -> Result<(), Refusal>;
}

/// Which repository an app is to follow, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectSource {
    /// The app.
    pub app: Name,
    /// Where the repository is.
    pub url: String,
    /// Patterns of the branches to follow; empty: all of them.
    #[serde(default)]
    pub branches: Vec<String>,
    /// How often to look without being told to; left out: never.
    #[serde(default)]
    pub poll_ms: Option<Millis>,
    /// What webhooks are proved with; left out: one is made.
    #[serde(default)]
    pub secret: Option<Hidden>,
    /// A token that opens the repository.
    #[serde(default)]
    pub token: Option<Hidden>,
    /// The name that goes with the token; left out: `git`.
    #[serde(default)]
    pub user: Option<String>,
    /// The private key that opens it over SSH.
    #[serde(default)]
    pub ssh_key: Option<Hidden>,
    /// The keys of its host, as in a file `known_hosts`; left out: the first one it shows is believed from then on.
    #[serde(default)]
    pub known_hosts: Option<String>,
    /// Who asks, as they call themselves.
    #[serde(default)]
    pub by: String,
}

impl GitSources for Handle {
    fn git_sources(&self) -> Result<GitSourceList, Refusal> {
        view::list(self)
    }

    fn git_connect(&self, request: ConnectSource) -> Result<GitConnected, Refusal> {
        connect::connect(self, request)
    }

    fn git_disconnect(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
        connect::disconnect(self, app, by)
    }

    fn git_look(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
        connect::look(self, app, by)
    }

    fn hook_secret(&self, app: &Name) -> Result<Option<HookSecret>, Refusal> {
        let Some(source) = view::source_of(self, app)? else { return Ok(None) };
        keys::hook_secret(self.data(), &source.id).map(Some).map_err(|error| unreadable(&error))
    }

    fn git_hook(&self, app: &Name, delivery: Delivery) -> Result<HookAnswer, Refusal> {
        let app = app.clone();
        self.ask(move |world, time| deliver::take(world.store, time, &app, delivery))
    }

    fn git_hook_refused(&self, app: &Name, why: &str) -> Result<(), Refusal> {
        let (app, why) = (app.clone(), why.to_owned());
        self.ask(move |world, time| deliver::refused(world.store, time, &app, &why))
    }

    fn pushes_are_taken(&self, app: &Name) -> Result<(), Refusal> {
        let Some(source) = view::source_of(self, app)? else { return Ok(()) };
        let message = format!("{app} follows {}: push there", source.address);
        Err(Refusal::new(RefusalKind::Conflict, "git::follows", message)
            .help(format!("or have it follow nothing: `tidegate git disconnect {app}`")))
    }
}

/// The refusal where an app follows nothing.
fn follows_nothing(app: &Name) -> Refusal {
    let message = format!("{app} follows no repository");
    Refusal::new(RefusalKind::NotFound, "git::no-source", message)
        .help("`tidegate git connect URL` connects one, `tidegate git sources` shows them")
}

fn unreadable(error: &std::io::Error) -> Refusal {
    let message = format!("what opens the repository cannot be read: {error}");
    Refusal::new(RefusalKind::Environment, "git::keys", message)
        .help("connect the repository again: `tidegate git connect URL`")
}

/// A name on one short line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}
