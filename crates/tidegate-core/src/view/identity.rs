//! `tidegate user`, `token` and `whoami`: who is known, and by what they are let in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::Role;

/// The users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserList {
    /// By name.
    pub users: Vec<UserView>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// What they are called.
    pub name: String,
    /// Whether they may do everything.
    pub admin: bool,
    /// Whether they are let in nowhere.
    pub disabled: bool,
    /// When they were added, as RFC 3339.
    pub added_at: String,
    /// Who added them.
    pub added_by: String,
    /// How many of their tokens are good.
    pub tokens: u64,
    /// As whom an identity provider knows them; `None`: it does not let them in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<OpenIdView>,
}

/// As whom an identity provider knows a user, and what it said of them last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenIdView {
    /// Who vouches: its URL.
    pub issuer: String,
    /// By which it knows them.
    pub subject: String,
    /// The groups they were in when they logged in last.
    pub groups: Vec<String>,
    /// Until when those groups give anything, as RFC 3339; `None`: they never logged in.
    pub groups_until: Option<String>,
    /// When they logged in last, as RFC 3339; `None`: never.
    pub seen_at: Option<String>,
}

/// How somebody can log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginWays {
    /// Whose word counts, by its URL; `None`: no identity provider's does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
}

/// A login that was begun, which somebody finishes at their identity provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceLogin {
    /// By which the login is asked after. Whoever has it gets the token.
    pub login: ToldOnce,
    /// What they type there.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// In how many seconds it is over.
    pub expires_in_s: u64,
    /// How many seconds to wait between two questions.
    pub interval_s: u64,
}

/// It does not show what it is asked after by.
impl std::fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

/// What became of a login that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceState {
    /// In how many seconds to ask again; 0 where it is done.
    pub wait_s: u64,
    /// What it gave; `None`: nobody has finished it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<LoginView>,
}

/// Tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    /// The newest first.
    pub tokens: Vec<TokenView>,
}

/// What is known of a token. The text is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// By which it is revoked.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whose it is; `None`: a program's.
    pub user: Option<String>,
    /// Only this app.
    pub app: Option<String>,
    /// Only this environment.
    pub environment: Option<String>,
    /// The most it gives; `None`: what its user has.
    pub role: Option<Role>,
    /// `good`, `expired` or `revoked`.
    pub state: String,
    /// When it was made, as RFC 3339.
    pub made_at: String,
    /// Who made it.
    pub made_by: String,
    /// When it expires, as RFC 3339; `None`: never.
    pub expires_at: Option<String>,
    /// When it was used last, to about a minute, as RFC 3339.
    pub used_at: Option<String>,
}

/// A token that was just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    /// The text. It is told this once.
    pub secret: ToldOnce,
    /// The rest of it.
    pub token: TokenView,
}

/// A code that was just made for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InviteMade {
    /// The code. It is told this once, and good once.
    pub code: ToldOnce,
    /// Whom it lets in.
    pub user: String,
    /// When it expires, as RFC 3339.
    pub expires_at: String,
}

/// What a code was changed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginView {
    /// Who is logged in.
    pub user: String,
    /// The token, where one was asked for. It is told this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ToldOnce>,
    /// Of a session: what each request that changes something sends in `X-Tidegate-Csrf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<ToldOnce>,
    /// When it ends, as RFC 3339.
    pub expires_at: String,
}

/// Who asks, as Tidegate sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoView {
    /// Their name: `ann`, `token:ci`, `owner`.
    pub who: String,
    /// `owner`, `user` or `service`.
    pub kind: String,
    /// From where: an address, `socket uid 1000`.
    pub from: String,
    /// By what: `socket`, `owner-token`, `token`, `session`.
    pub means: String,
    /// The name of the token they used.
    pub token: Option<String>,
    /// When that ends, as RFC 3339; `None`: it does not by itself.
    pub expires_at: Option<String>,
    /// Whether they may do everything.
    pub admin: bool,
    /// Only this app.
    pub app: Option<String>,
    /// Only this environment.
    pub environment: Option<String>,
    /// The most that the token gives; `None`: what they have.
    pub most: Option<Role>,
    /// The roles they have.
    pub roles: Vec<RoleView>,
    /// Of a session: what each request that changes something sends in `X-Tidegate-Csrf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<ToldOnce>,
}

/// A role of somebody, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleView {
    /// Which.
    pub role: Role,
    /// In this app; `None`: in all of them.
    pub app: Option<String>,
    /// In this environment; `None`: in all of them.
    pub environment: Option<String>,
}

/// A secret on its way to whoever asked for it. Its `Debug` output does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ToldOnce(String);

impl ToldOnce {
    /// Of a text.
    pub fn new(text: impl Into<String>) -> Self {
        ToldOnce(text.into())
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ToldOnce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToldOnce(…)")
    }
}
