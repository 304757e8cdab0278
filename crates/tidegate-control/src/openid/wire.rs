//! What providers answer, as far as it is read. None of it has a `Debug` that shows a token.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal;
use crate::engine::ask::reply::Fetched;
use crate::plane::Refusal;

/// What a provider says of itself.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Document {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// What a login at the provider gave.
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

/// That a login on another device was begun.
#[derive(Deserialize)]
pub(super) struct DeviceAnswer {
    pub(super) device_code: String,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    pub(super) verification_uri_complete: Option<String>,
    pub(super) expires_in: u64,
    pub(super) interval: Option<u64>,
}

/// Why a provider did not do as asked: one of the words of OAuth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said(pub(super) String);

/// An answer that says yes, or a word that says why not.
pub(super) fn answer<T: DeserializeOwned>(what: &str, fetched: &Fetched) -> Result<Result<T, Said>, Refusal> {
    if (200..300).contains(&fetched.status) {
        // The message of a parser quotes what it read: a token, maybe.
        let parsed = serde_json::from_str(&fetched.body);
        return parsed.map(Ok).map_err(|_| refusal::provider(&format!("it answers no {what}")));
    }
    let body: Value = serde_json::from_str(&fetched.body).unwrap_or_default();
    let word = body.get("error").and_then(Value::as_str).filter(|word| is_word(word));
    match word {
        Some(word) if fetched.status < 500 => Ok(Err(Said(word.to_owned()))),
        Some(_) | None => {
            Err(refusal::provider(&format!("asked for {what} it answers with status {}", fetched.status)))
        }
    }
}

/// Whether a text is a word of OAuth, which can stand in a message.
pub(super) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
