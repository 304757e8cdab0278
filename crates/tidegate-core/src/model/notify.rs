//! Whom an environment tells what happens to it. Passwords and addresses that are secrets are named here, never held.

use serde::{Deserialize, Serialize};

/// One of those who are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// Who, and how.
    pub to: NotifyTo,
    /// Of what; empty: of everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Occasion>,
}

/// Who is told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyTo {
    /// A program: a CloudEvent as JSON in the body of a `POST`.
    Webhook {
        /// Where.
        url: Place,
        /// The name of the secret that has the bearer token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// A chat: `{"text": …}` in the body of a `POST`, as Slack, Mattermost, Rocket.Chat and others take it.
    Chat {
        /// Where.
        url: Place,
    },
    /// People, by e-mail.
    Mail {
        /// Their addresses.
        to: Vec<String>,
        /// The address it comes from.
        from: String,
        /// The server: `smtp://host:587`, which goes over to TLS where it can, or `smtps://host:465`.
        server: String,
        /// The name and the name of the secret with the password, where the server asks for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<(String, String)>,
    },
}

/// A URL, or the secret that has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// As it is.
    Url(String),
    /// The name of a secret whose value it is: the URL of a chat's hook is as good as a password.
    Secret(String),
}

/// What somebody may want to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A run began.
    Begun,
    /// A run waits for consent, or for the environment to be open.
    Waiting,
    /// A run did all of it.
    Succeeded,
    /// A run failed or was ended, or a deploy did.
    Failed,
    /// A rollout was taken back.
    TakenBack,
    /// A protection was passed over. Everybody is told, whatever they asked for.
    BreakGlass,
}

impl Notify {
    /// The most of one environment.
    pub const MOST: usize = 10;

    /// Whether they are to be told.
    pub fn wants(&self, occasion: Occasion) -> bool {
        occasion == Occasion::BreakGlass || self.on.is_empty() || self.on.contains(&occasion)
    }
}

impl Occasion {
    /// The word in the manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Occasion::Begun => "begun",
            Occasion::Waiting => "waiting",
            Occasion::Succeeded => "succeeded",
            Occasion::Failed => "failed",
            Occasion::TakenBack => "taken-back",
            Occasion::BreakGlass => "break-glass",
        }
    }

    /// That of an event, by its kind; `None`: nobody is told of those.
    pub fn of(kind: &str) -> Option<Occasion> {
        match kind {
            "pipeline.began" => Some(Occasion::Begun),
            "pipeline.waiting" => Some(Occasion::Waiting),
            "pipeline.succeeded" => Some(Occasion::Succeeded),
            "pipeline.failed" | "pipeline.cancelled" | "pipeline.refused" | "deploy.failed" => {
                Some(Occasion::Failed)
            }
            "rollout.aborted" | "rollout.failed" => Some(Occasion::TakenBack),
            "environment.break-glass" => Some(Occasion::BreakGlass),
            _ => None,
        }
    }
}
