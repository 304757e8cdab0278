//! The client's calls about users, tokens and logins.

use tidegate_core::model::Name;
use tidegate_core::view::{
    DeviceLogin, DeviceState, InviteMade, LoginView, LoginWays, TokenList, TokenMade, TokenView, UserList,
    UserView, WhoView,
};

use super::request::{Ask, segment};
use super::{Client, ClientError};
use crate::wire::{DeviceBody, DevicePoll, LinkBody, LoginBody, TokenAsked, TokenParams, UserBody};

const USERS: &str = "/v1/users";
const TOKENS: &str = "/v1/tokens";

impl Client {
    /// Changes a code that is good once for a token.
    pub async fn login(&self, body: &LoginBody) -> Result<LoginView, ClientError> {
        self.json(Ask::post("/v1/sessions").body(body)?).await
    }

    /// How somebody can log in.
    pub async fn login_ways(&self) -> Result<LoginWays, ClientError> {
        self.json(Ask::get("/v1/login")).await
    }

    /// Begins a login that somebody agrees to at their identity provider.
    pub async fn login_device(&self, body: &DeviceBody) -> Result<DeviceLogin, ClientError> {
        self.json(Ask::post("/v1/login/oidc/device").body(body)?).await
    }

    /// What became of it.
    pub async fn login_device_poll(&self, body: &DevicePoll) -> Result<DeviceState, ClientError> {
        self.json(Ask::post("/v1/login/oidc/device/poll").body(body)?).await
    }

    /// Has the token that this client comes with refused from now on.
    pub async fn logout(&self) -> Result<(), ClientError> {
        self.json::<serde_json::Value>(Ask::post("/v1/logout")).await.map(drop)
    }

    /// Who asks, as the server sees them.
    pub async fn whoami(&self) -> Result<WhoView, ClientError> {
        self.json(Ask::get("/v1/whoami")).await
    }

    /// The users.
    pub async fn users(&self) -> Result<UserList, ClientError> {
        self.json(Ask::get(USERS)).await
    }

    /// Adds a user.
    pub async fn user_add(&self, body: &UserBody) -> Result<UserView, ClientError> {
        self.json(Ask::post(USERS).body(body)?).await
    }

    /// Says as whom an identity provider knows a user.
    pub async fn user_link(&self, user: &Name, body: &LinkBody) -> Result<UserView, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/link")).body(body)?).await
    }

    /// Has the identity provider let a user in no more.
    pub async fn user_unlink(&self, user: &Name) -> Result<UserView, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/unlink"))).await
    }

    /// Lets a user in nowhere.
    pub async fn user_disable(&self, user: &Name) -> Result<UserView, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/disable"))).await
    }

    /// Lets a user in again.
    pub async fn user_enable(&self, user: &Name) -> Result<UserView, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/enable"))).await
    }

    /// Forgets a user.
    pub async fn user_remove(&self, user: &Name) -> Result<UserView, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/remove"))).await
    }

    /// Makes a code that lets a user in once.
    pub async fn user_invite(&self, user: &Name) -> Result<InviteMade, ClientError> {
        self.json(Ask::post(&format!("{USERS}/{user}/invite"))).await
    }

    /// The tokens that whoever asks sees, or those of a user among them.
    pub async fn tokens(&self, user: Option<Name>) -> Result<TokenList, ClientError> {
        self.json(Ask::get(TOKENS).query(&TokenParams { user })?).await
    }

    /// Makes a token.
    pub async fn token_create(&self, asked: &TokenAsked) -> Result<TokenMade, ClientError> {
        self.json(Ask::post(TOKENS).body(asked)?).await
    }

    /// Revokes a token, by its id or name.
    pub async fn token_revoke(&self, which: &str, user: Option<Name>) -> Result<TokenView, ClientError> {
        let path = format!("{TOKENS}/{}/revoke", segment(which));
        self.json(Ask::post(&path).query(&TokenParams { user })?).await
    }
}
