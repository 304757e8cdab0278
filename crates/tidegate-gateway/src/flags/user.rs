//! Who asks, as far as drawing a variant goes. Nothing of it is verified: it grants nothing.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tidegate_core::model::UserKey;

use crate::view::RequestView;

/// A longer name of a user is none.
const LONGEST: usize = 256;
/// Of a token's claims, encoded.
const LONGEST_CLAIMS: usize = 8 * 1024;

/// The first of these that the request has.
pub(super) fn user_of<'a>(keys: &[UserKey], view: &'a dyn RequestView) -> Option<Cow<'a, str>> {
    keys.iter().find_map(|key| one(key, view))
}

fn one<'a>(key: &UserKey, view: &'a dyn RequestView) -> Option<Cow<'a, str>> {
    let value = match key {
        UserKey::Cookie(name) => Cow::Borrowed(text(view.cookie(name)?)?),
        UserKey::Header(name) => Cow::Borrowed(text(view.field(&name.to_ascii_lowercase())?)?),
        UserKey::Claim(name) => Cow::Owned(claim(view.field("authorization")?, name)?),
    };
    (1..=LONGEST).contains(&value.len()).then_some(value)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().map(str::trim)
}

/// A claim of a JSON web token: text, or a number as text.
fn claim(authorization: &[u8], name: &str) -> Option<String> {
    let (scheme, token) = text(authorization)?.split_once(' ')?;
    let claims = token.trim().split('.').nth(1)?;
    if !scheme.eq_ignore_ascii_case("bearer") || claims.len() > LONGEST_CLAIMS {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    match serde_json::from_slice::<serde_json::Map<String, Value>>(&claims).ok()?.remove(name)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fake::Asked;

    fn token(claims: &str) -> String {
        format!("Bearer e30.{}.signature", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_first_that_a_request_has_names_its_user() {
        let keys =
            [UserKey::Cookie("uid".into()), UserKey::Header("X-User".into()), UserKey::Claim("sub".into())];
        let user = |asked: &Asked| user_of(&keys, asked).map(Cow::into_owned);
        let asked = Asked::get("/").with("authorization", &token(r#"{"sub":"u3"}"#));
        assert_eq!(user(&asked).as_deref(), Some("u3"));
        let asked = asked.with("x-user", "u2");
        assert_eq!(user(&asked).as_deref(), Some("u2"));
        let asked = asked.with("cookie", "a=b; uid=u1");
        assert_eq!(user(&asked).as_deref(), Some("u1"));
        assert_eq!(user(&Asked::get("/").with("x-user", "")), None);
        assert_eq!(user(&Asked::get("/").with("x-user", &"u".repeat(257))), None);
    }

    #[test]
    fn a_token_that_is_none_names_nobody() {
        let keys = [UserKey::Claim("sub".into())];
        let user =
            |value: &str| user_of(&keys, &Asked::get("/").with("authorization", value)).map(Cow::into_owned);
        assert_eq!(user(&token(r#"{"sub":7}"#)).as_deref(), Some("7"));
        let long = token(&format!(r#"{{"sub":"u","x":"{}"}}"#, "x".repeat(9_000)));
        for wrong in [
            "",
            "Bearer",
            "Bearer a",
            "Bearer a.b.c",
            "Basic e30.e30.",
            &token("[1]"),
            &token(r#"{"sub":true}"#),
            &long,
        ] {
            assert_eq!(user(wrong), None, "{wrong}");
        }
    }
}
