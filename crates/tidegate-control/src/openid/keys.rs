//! The keys a provider signs with.

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header};
use serde::Deserialize;
use serde_json::Value;

/// The most that are looked at.
const MOST: usize = 100;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(Vec<Jwk>);

/// As providers list them. One that is not understood is no reason to do without the others.
#[derive(Deserialize)]
pub(super) struct Listed {
    keys: Vec<Value>,
}

impl Keys {
    /// Those that are understood.
    pub(super) fn of(listed: Listed) -> Self {
        let keys = listed.keys.into_iter().take(MOST);
        Keys(keys.filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    /// The key by which a token says that it is signed; where it names none, the only one that it can be.
    pub(super) fn of_token(&self, header: &Header) -> Option<DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| is_for_signing(key)).filter_map(|key| {
            let named = header.kid.is_none() || header.kid == key.common.key_id;
            let said = key.common.key_algorithm.is_none_or(|said| said == KeyAlgorithm::from(header.alg));
            let key = (named && said).then(|| DecodingKey::from_jwk(key).ok()).flatten()?;
            // What is public is never the secret of an HMAC.
            (key.family() != AlgorithmFamily::Hmac && key.family().algorithms().contains(&header.alg))
                .then_some(key)
        });
        let key = fitting.next()?;
        (header.kid.is_some() || fitting.next().is_none()).then_some(key)
    }
}

fn is_for_signing(key: &Jwk) -> bool {
    matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
}

/// Whether whoever has the public key alone cannot have signed by it.
pub(super) fn is_public_key(algorithm: Algorithm) -> bool {
    !AlgorithmFamily::Hmac.algorithms().contains(&algorithm)
}
