//! Logging in on the word of an identity provider, by OpenID Connect: in a browser, or on another device.
//!
//! Tidegate is the provider's client: its secret, and what the provider answers, never leave this process. Whoever logs in gets a token or a
//! session of Tidegate's own. Calls block for as long as the provider takes, which is bounded, as is what it may answer; they run on the
//! API's blocking pool. Whom a provider's word makes of somebody here, [`tidegate_core::access::decide_entry`] decides.

mod browser;
mod device;
mod keys;
mod pending;
mod provider;
mod refusal;
mod settings;
mod token;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::access::{Expected, IdClaims, Origin, Person};
use tidegate_core::model::Name;
use tidegate_os::clock::unix_ms;

use crate::identity::{Enter, Identity, LoggedIn};
use crate::plane::Refusal;
pub use browser::{BrowserLogin, Callback, LocalPath};
use pending::Pending;
use provider::Provider;
pub(crate) use refusal::code_of as refused_code;
pub use refusal::{ENTERED, NOT_LET_IN};
pub use settings::{ClientSecret, OpenIdSettings, SettingsError};
use wire::Tokens;

/// See the module.
pub struct OpenId {
    provider: Provider,
    desk: Arc<dyn Identity>,
    pending: Mutex<Pending>,
}

impl OpenId {
    /// With these settings; `desk`: who makes tokens and sessions. Nothing is asked of the provider yet.
    pub fn new(settings: OpenIdSettings, desk: Arc<dyn Identity>) -> Self {
        OpenId { provider: Provider::new(settings), desk, pending: Mutex::default() }
    }

    /// Whose word counts, by its URL.
    pub fn issuer(&self) -> &str {
        &self.settings().rules.issuer
    }

    fn settings(&self) -> &OpenIdSettings {
        self.provider.settings()
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets in whom the provider's tokens are about.
    fn enter(
        &self,
        tokens: &Tokens,
        nonce: Option<&str>,
        (token, from): (Option<Name>, Origin),
    ) -> Result<LoggedIn, Refusal> {
        let claims = self.claims(tokens, nonce)?;
        let rules = self.settings().rules.clone();
        let person = Person::of(&claims, &rules).map_err(|why| refusal::refused(&why))?;
        let entered = self.desk.enter(Enter { person, rules, token, from })?;
        entered.map_err(|why| refusal::refused(&why))
    }

    /// What the provider says of somebody: in the ID token, and where what is needed is not in there, to whoever has the access token.
    fn claims(&self, tokens: &Tokens, nonce: Option<&str>) -> Result<IdClaims, Refusal> {
        let keys = |fresh| self.provider.keys(fresh, unix_ms());
        let claims = token::verified(&tokens.id_token, keys)?;
        let settings = self.settings();
        let now_s = unix_ms() / 1_000;
        let expected = Expected { issuer: &settings.rules.issuer, client: &settings.client_id, nonce, now_s };
        claims.check(&expected).map_err(|why| refusal::bad_token(&why.to_string()))?;
        let rules = &settings.rules;
        let complete = [&rules.name_claim, &rules.groups_claim].iter().all(|name| claims.get(name).is_some());
        if complete {
            return Ok(claims);
        }
        match self.provider.user_info(tokens, unix_ms())? {
            Some(more) => claims.and(more).map_err(|why| refusal::bad_token(&why.to_string())),
            None => Ok(claims),
        }
    }
}
