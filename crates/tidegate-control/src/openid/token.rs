//! Whether an ID token is the provider's.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;
use tidegate_core::access::IdClaims;

use super::keys::{Keys, is_public_key};
use super::refusal::bad_token;
use crate::plane::Refusal;

/// The longest token, in bytes.
const LONGEST: usize = 64 * 1_024;

/// The claims of a token that one of the provider's keys has signed. `keys`: those that are known, or (`true`) read again.
pub(super) fn verified(
    token: &str,
    keys: impl Fn(bool) -> Result<Keys, Refusal>,
) -> Result<IdClaims, Refusal> {
    if token.len() > LONGEST {
        return Err(bad_token("it is too long"));
    }
    // `none`, and whatever else is not known, is no algorithm.
    let header = decode_header(token).map_err(|_| bad_token("it is signed in no way that is taken"))?;
    if !is_public_key(header.alg) {
        return Err(bad_token("it is signed in no way that is taken"));
    }
    let known = keys(false)?.of_token(&header);
    let key = match known {
        Some(key) => key,
        None => keys(true)?
            .of_token(&header)
            .ok_or_else(|| bad_token("it is signed by none of the provider's keys"))?,
    };
    // What it says is checked apart from this, by our clock and with words of our own.
    let mut signed = Validation::new(header.alg);
    signed.required_spec_claims.clear();
    (signed.validate_exp, signed.validate_aud) = (false, false);
    let claims = decode::<Value>(token, &key, &signed).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => bad_token("its signature is wrong"),
        _ => bad_token("it is no signed token"),
    })?;
    IdClaims::of(claims.claims).map_err(|why| bad_token(&why.to_string()))
}
