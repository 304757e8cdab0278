//! What is said about users, tokens and logins.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Name;

pub use tidegate_control::identity::TokenAsked;

/// The body of a new user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserBody {
    /// What they are called.
    pub name: Name,
    /// Whether they may do everything.
    #[serde(default)]
    pub admin: bool,
    /// As whom an identity provider knows them; left out: it does not let them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<LinkBody>,
}

/// As whom an identity provider knows a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// By which it knows them: the claim `sub`.
    pub subject: String,
    /// Which provider, by its URL; left out: the one that lets people in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// The body of a login that somebody agrees to at their identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceBody {
    /// The name of the token that is wanted.
    pub token: Name,
}

/// The body of a question what became of such a login.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicePoll {
    /// By which it is known.
    pub login: String,
}

/// It does not show by what the login is known.
impl std::fmt::Debug for DevicePoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevicePoll").finish_non_exhaustive()
    }
}

/// The query string of a login in a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenIdParams {
    /// The path of this server where the browser goes after it has logged in.
    pub to: Option<String>,
}

/// The body of a login by a code that is good once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The code.
    pub code: String,
    /// What the first administrator is to be called; of others: who they are, or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Name>,
    /// The name of the token that is wanted; left out: a session is opened, whose cookie the answer has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Name>,
}

/// It does not show the code.
impl std::fmt::Debug for LoginBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginBody")
            .field("user", &self.user)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// The query string of what is asked about tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenParams {
    /// Only those of this user.
    pub user: Option<Name>,
}
