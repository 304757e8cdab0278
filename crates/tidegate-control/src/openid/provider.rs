//! The provider: what it says of itself and its keys, kept for a while, and what is asked of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use form_urlencoded::{Serializer, byte_serialize};
use serde::de::DeserializeOwned;
use tidegate_core::access::IdClaims;

use super::keys::Keys;
use super::refusal;
use super::settings::OpenIdSettings;
use super::wire::{self, DeviceAnswer, Document, Said, Tokens};
use crate::engine::ask::http::{self, Bearer, Get, Post};
use crate::engine::ask::reply::Fetched;
use crate::engine::ask::trust;
use crate::plane::Refusal;

/// How long one question may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How long what was read is believed, in milliseconds.
const KEPT_MS: u64 = 10 * 60_000;
/// How often at the most keys are read again because one is not among them, in milliseconds.
const AGAIN_MS: u64 = 60_000;
const FORM: &str = "application/x-www-form-urlencoded";

/// See the module.
pub(super) struct Provider {
    settings: OpenIdSettings,
    read: Mutex<Option<Arc<Read>>>,
}

/// What was read of the provider at one time.
struct Read {
    document: Document,
    keys: Keys,
    at_unix_ms: u64,
}

impl Provider {
    /// Nothing is asked yet.
    pub(super) fn new(settings: OpenIdSettings) -> Self {
        Provider { settings, read: Mutex::default() }
    }

    pub(super) fn settings(&self) -> &OpenIdSettings {
        &self.settings
    }

    /// Its keys. `fresh`: one was missing from those that are known; they are read again, now and then.
    pub(super) fn keys(&self, fresh: bool, now_unix_ms: u64) -> Result<Keys, Refusal> {
        let kept = if fresh { AGAIN_MS } else { KEPT_MS };
        self.read(kept, now_unix_ms).map(|read| read.keys.clone())
    }

    /// Where browsers log in.
    pub(super) fn authorization_endpoint(&self, now_unix_ms: u64) -> Result<String, Refusal> {
        Ok(self.read(KEPT_MS, now_unix_ms)?.document.authorization_endpoint.clone())
    }

    /// Begins a login on another device.
    pub(super) fn begin_device(&self, now_unix_ms: u64) -> Result<DeviceAnswer, Refusal> {
        let read = self.read(KEPT_MS, now_unix_ms)?;
        let Some(endpoint) = &read.document.device_authorization_endpoint else {
            return Err(refusal::provider("it offers no login on another device (RFC 8628)")
                .help("log in with a code of an administrator's: `tidegate login URL --code CODE`"));
        };
        let form = [("scope", self.settings.scopes.as_str())];
        match self.ask(&read.document, endpoint, &form, "a login on another device")? {
            Ok(begun) => Ok(begun),
            Err(Said(word)) => Err(not_ours(&word)),
        }
    }

    /// Asks what became of one.
    pub(super) fn device_tokens(
        &self,
        code: &str,
        now_unix_ms: u64,
    ) -> Result<Result<Tokens, Said>, Refusal> {
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
        self.tokens(&form, now_unix_ms)
    }

    /// Changes what a browser brought back.
    pub(super) fn code_tokens(
        &self,
        (code, verifier): (&str, &str),
        now_unix_ms: u64,
    ) -> Result<Result<Tokens, Said>, Refusal> {
        let callback = self.settings.callback();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", verifier),
        ];
        self.tokens(&form, now_unix_ms)
    }

    fn tokens(&self, form: &[(&str, &str)], now_unix_ms: u64) -> Result<Result<Tokens, Said>, Refusal> {
        let read = self.read(KEPT_MS, now_unix_ms)?;
        self.ask(&read.document, &read.document.token_endpoint, form, "tokens")
    }

    /// What it says of somebody besides. `None`: it offers nothing.
    pub(super) fn user_info(&self, tokens: &Tokens, now_unix_ms: u64) -> Result<Option<IdClaims>, Refusal> {
        let read = self.read(KEPT_MS, now_unix_ms)?;
        let bearer = tokens.access_token.as_deref().and_then(Bearer::new);
        let Some((url, bearer)) = read.document.userinfo_endpoint.as_deref().zip(bearer) else {
            return Ok(None);
        };
        let claims = fetched(url, Some(bearer), "what it knows of somebody")?;
        IdClaims::of(claims).map(Some).map_err(|why| refusal::bad_token(&why.to_string()))
    }

    /// What is known of it, not older than this.
    fn read(&self, kept_ms: u64, now_unix_ms: u64) -> Result<Arc<Read>, Refusal> {
        // Held while it is read: everybody who waits gets the same.
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let is_young = |read: &&Arc<Read>| now_unix_ms.saturating_sub(read.at_unix_ms) < kept_ms;
        if let Some(read) = known.as_ref().filter(is_young) {
            return Ok(Arc::clone(read));
        }
        let read = Arc::new(self.read_now(now_unix_ms)?);
        *known = Some(Arc::clone(&read));
        Ok(read)
    }

    fn read_now(&self, now_unix_ms: u64) -> Result<Read, Refusal> {
        let issuer = &self.settings.rules.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document: Document = fetched(&url, None, "description of itself")?;
        if document.issuer != *issuer {
            return Err(refusal::provider("it calls itself by another URL than `--oidc-issuer`"));
        }
        let endpoints = [
            Some(&document.authorization_endpoint),
            Some(&document.token_endpoint),
            Some(&document.jwks_uri),
            document.userinfo_endpoint.as_ref(),
            document.device_authorization_endpoint.as_ref(),
        ];
        for endpoint in endpoints.into_iter().flatten() {
            OpenIdSettings::check_url(endpoint)
                .map_err(|_| refusal::provider("one of the addresses that it names is not https"))?;
        }
        let keys = Keys::of(fetched(&document.jwks_uri, None, "keys")?);
        Ok(Read { document, keys, at_unix_ms: now_unix_ms })
    }

    /// Sends a form as the provider's client.
    fn ask<T: DeserializeOwned>(
        &self,
        document: &Document,
        url: &str,
        form: &[(&str, &str)],
        what: &str,
    ) -> Result<Result<T, Said>, Refusal> {
        let (id, secret) = (&self.settings.client_id, self.settings.client_secret.reveal());
        let mut body = Serializer::new(String::new());
        body.extend_pairs(form).append_pair("client_id", id);
        // Where nothing is said it is the first, says the standard.
        let methods = document.token_endpoint_auth_methods_supported.as_deref();
        let basic = methods.is_none_or(|all| all.iter().any(|method| method == "client_secret_basic"));
        if !basic {
            body.append_pair("client_secret", secret);
        }
        let bearer = basic.then(|| Bearer::basic(&encoded(id), &encoded(secret)));
        let body = body.finish();
        let post = Post { url, bearer, media: FORM, body: body.as_bytes(), within: WITHIN };
        let fetched = http::post(&post, trust::system).map_err(|why| refusal::provider(&why))?;
        wire::answer(what, &fetched)
    }
}

/// What an address answers.
fn fetched<T: DeserializeOwned>(url: &str, bearer: Option<Bearer>, what: &str) -> Result<T, Refusal> {
    let get = Get { url: url.to_owned(), bearer, within: WITHIN };
    let fetched: Fetched = http::get(&get, trust::system).map_err(|why| refusal::provider(&why))?;
    match wire::answer(what, &fetched)? {
        Ok(answer) => Ok(answer),
        Err(Said(word)) => Err(refusal::provider(&format!("asked for {what} it says `{word}`"))),
    }
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// It does not take us for its client, or does not let it do this.
pub(super) fn not_ours(word: &str) -> Refusal {
    refusal::provider(&format!("it says `{word}`"))
        .help("whoever runs this Tidegate looks at `--oidc-client-id` and `--oidc-client-secret`, and at what the provider lets that client do")
}
