//! Logging in with a browser: it is sent to the provider, and comes back with a code that is changed for a token here (authorization code
//! with PKCE). What it was begun with is known by a cookie: nobody can make somebody else's browser finish a login of theirs.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tidegate_core::access::Origin;
use tidegate_core::view::ToldOnce;
use tidegate_os::clock::unix_ms;

use super::OpenId;
use super::pending::{By, LONGEST_MS, Waiting};
use super::provider::not_ours;
use super::refusal;
use super::wire::{Said, is_word};
use crate::flag_key::random;
use crate::identity::{LoggedIn, no_random};
use crate::plane::Refusal;

/// The longest path somebody is sent to.
const LONGEST_PATH: usize = 512;

/// A path of this server and no other: where a browser goes after it has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPath(String);

impl Default for LocalPath {
    fn default() -> Self {
        LocalPath("/".to_owned())
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LocalPath {
    type Err = String;

    /// Begins with one `/`, and holds nothing that a browser could read as a host or a page could be ended by.
    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%?&=+,:;@!*()#".contains(&b);
        let is_path = text.starts_with('/') && !text.starts_with("//") && text.bytes().all(plain);
        if is_path && text.len() <= LONGEST_PATH {
            return Ok(LocalPath(text.to_owned()));
        }
        Err("it is no path of this server, like `/apps`".to_owned())
    }
}

/// A login that was begun.
pub struct BrowserLogin {
    /// What the browser shows when it comes back, as a cookie.
    pub login: ToldOnce,
    /// Where it goes.
    pub url: String,
}

/// What a browser brings back.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Callback {
    /// What is changed for tokens.
    pub code: Option<String>,
    /// By which the login is known.
    pub state: Option<String>,
    /// Who sends it.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

impl OpenId {
    /// Begins a login, after which the browser goes to a path of this server.
    ///
    /// # Errors
    /// Where too many wait, and where the provider cannot be asked.
    pub fn begin_browser(&self, from: Option<IpAddr>, to: LocalPath) -> Result<BrowserLogin, Refusal> {
        let now = unix_ms();
        self.pending().room(from, now)?;
        let endpoint = self.provider.authorization_endpoint(now)?;
        let [login, state, nonce, verifier] = [(); 4].map(|()| random::<32>().map_err(no_random));
        let (login, state, nonce, verifier) = (login?, state?, nonce?, verifier?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let settings = self.settings();
        let callback = settings.callback();
        let mut query = Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", &callback),
            ("scope", &settings.scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{endpoint}{joint}{}", query.finish());
        let by = By::Browser { state, nonce, verifier, to };
        self.pending().add(&login, Waiting { from, until_unix_ms: now + LONGEST_MS, by }, now)?;
        Ok(BrowserLogin { login: ToldOnce::new(login), url })
    }

    /// Finishes a login with what the browser brought back. `login`: what its cookie shows.
    ///
    /// # Errors
    /// Where it is not that browser's login, and where it is refused here or there.
    pub fn end_browser(
        &self,
        login: &str,
        back: Callback,
        from: Origin,
    ) -> Result<(LoggedIn, LocalPath), Refusal> {
        let now = unix_ms();
        let waiting = self.pending().take(login, now).ok_or_else(refusal::no_such_login)?;
        let By::Browser { state, nonce, verifier, to } = waiting.by else {
            return Err(refusal::no_such_login());
        };
        let given = back.state.unwrap_or_default();
        if verify_slices_are_equal(state.as_bytes(), given.as_bytes()).is_err() {
            return Err(refusal::no_such_login());
        }
        if back.iss.is_some_and(|issuer| issuer != self.issuer()) {
            return Err(refusal::bad_token("another provider sends it (`iss`)"));
        }
        let code = match (back.code, back.error.as_deref()) {
            (Some(code), None) => code,
            (_, Some("access_denied")) => return Err(refusal::denied()),
            (_, Some(word)) if is_word(word) => return Err(not_ours(word)),
            (_, _) => return Err(refusal::provider("it sent the browser back with nothing")),
        };
        match self.provider.code_tokens((&code, &verifier), now)? {
            Ok(tokens) => Ok((self.enter(&tokens, Some(&nonce), (None, from))?, to)),
            Err(Said(word)) if word == "invalid_grant" => Err(refusal::expired()),
            Err(Said(word)) => Err(not_ours(&word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_else() {
        for good in ["/", "/apps/shop?tab=runs&x=%20", "/a//b", "/#runs"] {
            assert_eq!(good.parse::<LocalPath>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "apps",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\tevil",
            "/a\"><script>",
            "/a'b",
            "/ä",
            "/\n",
        ] {
            assert!(bad.parse::<LocalPath>().is_err(), "{bad}");
        }
        assert!(format!("/{}", "x".repeat(LONGEST_PATH)).parse::<LocalPath>().is_err());
    }
}
