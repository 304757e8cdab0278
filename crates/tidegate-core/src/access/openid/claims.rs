//! What an ID token says, and whether it says it to us, now, and about the login that was begun.

use serde_json::{Map, Value};

/// By how much the provider's clock may differ from ours, in seconds.
pub const LEEWAY_S: u64 = 60;

/// The claims of an ID token whose signature is the provider's.
#[derive(Clone, Debug, PartialEq)]
pub struct IdClaims(Map<String, Value>);

/// What an ID token has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Who said it.
    pub issuer: &'a str,
    /// To whom: our client id.
    pub client: &'a str,
    /// What the login was begun with; `None`: nothing, as in the device flow, which binds by its own code.
    pub nonce: Option<&'a str>,
    /// The time, in seconds since the Unix epoch.
    pub now_s: u64,
}

/// Why an ID token is none for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Another issuer's.
    #[error("it is another issuer's")]
    Issuer,
    /// Made for another client.
    #[error("it was made for another client (`aud`)")]
    Audience,
    /// Several audiences, and it is not said that it was made for us.
    #[error("it was made for another client (`azp`)")]
    Party,
    /// Its time is over, or not said.
    #[error("it has expired (`exp`)")]
    Expired,
    /// It is not good yet, or made in the future.
    #[error("it is from the future (`nbf`, `iat`): see the clocks of both machines")]
    Early,
    /// It answers another login.
    #[error("it answers another login (`nonce`)")]
    Nonce,
    /// It is about nobody.
    #[error("it names nobody (`sub`)")]
    Subject,
    /// It is not what an ID token is.
    #[error("it is no ID token")]
    Shape,
}

/// The longest subject, as the standard has it.
const LONGEST_SUBJECT: usize = 255;

impl IdClaims {
    /// The claims as they were read.
    ///
    /// # Errors
    /// [`BadToken::Shape`] where it is no object.
    pub fn of(claims: Value) -> Result<Self, BadToken> {
        let Value::Object(claims) = claims else { return Err(BadToken::Shape) };
        Ok(IdClaims(claims))
    }

    /// Whether they are for us.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), BadToken> {
        if self.text("iss") != Some(expected.issuer) {
            return Err(BadToken::Issuer);
        }
        self.check_audience(expected.client)?;
        let expires = self.seconds("exp").ok_or(BadToken::Expired)?;
        if expected.now_s >= expires.saturating_add(LEEWAY_S) {
            return Err(BadToken::Expired);
        }
        let early = |name: &str| self.seconds(name).is_some_and(|at| at > expected.now_s + LEEWAY_S);
        if early("nbf") || early("iat") {
            return Err(BadToken::Early);
        }
        if expected.nonce.is_some_and(|nonce| self.text("nonce") != Some(nonce)) {
            return Err(BadToken::Nonce);
        }
        self.subject().map(drop).ok_or(BadToken::Subject)
    }

    fn check_audience(&self, client: &str) -> Result<(), BadToken> {
        let (for_us, several) = match self.0.get("aud") {
            Some(Value::Array(all)) => (all.iter().any(|one| one == client), all.len() > 1),
            Some(one) => (one == client, false),
            None => (false, false),
        };
        if !for_us {
            return Err(BadToken::Audience);
        }
        match self.0.get("azp") {
            Some(party) if party == client => Ok(()),
            None if !several => Ok(()),
            Some(_) | None => Err(BadToken::Party),
        }
    }

    /// Who it is about, as the provider knows them.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
            .filter(|text| (1..=LONGEST_SUBJECT).contains(&text.len()) && !text.contains(char::is_control))
    }

    /// Adds what else the provider says of the same person. What the token says itself stays.
    ///
    /// # Errors
    /// [`BadToken::Subject`] where it is about somebody else.
    pub fn and(mut self, more: IdClaims) -> Result<Self, BadToken> {
        if more.subject().is_none() || more.subject() != self.subject() {
            return Err(BadToken::Subject);
        }
        for (name, value) in more.0 {
            self.0.entry(name).or_insert(value);
        }
        Ok(self)
    }

    /// A claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A time. Some providers write a fraction.
    fn seconds(&self, name: &str) -> Option<u64> {
        let value = self.get(name)?;
        value.as_u64().or_else(|| value.as_f64().filter(|at| *at >= 0.0).map(|at| at as u64))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    fn expected() -> Expected<'static> {
        Expected { issuer: "https://id.example", client: "tidegate", nonce: Some("n"), now_s: NOW }
    }

    /// A good one with these claims in place of its own; `null` takes one away.
    fn checked(changed: Value) -> Result<(), BadToken> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "tidegate", "sub": "1", "nonce": "n", "exp": NOW + 300, "iat": NOW,
        });
        for (name, value) in changed.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().shift_remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        IdClaims::of(claims).unwrap().check(&expected())
    }

    #[test]
    fn a_token_is_for_us_and_for_now_or_it_is_none() {
        assert_eq!(checked(json!({})), Ok(()));
        for good in [
            json!({ "aud": ["tidegate"] }),
            json!({ "aud": ["tidegate", "other"], "azp": "tidegate" }),
            json!({ "exp": NOW - LEEWAY_S + 1 }),
            json!({ "exp": NOW as f64 + 0.5 }),
            json!({ "iat": NOW + LEEWAY_S }),
        ] {
            assert_eq!(checked(good.clone()), Ok(()), "{good}");
        }
        for (bad, why) in [
            (json!({ "iss": "https://id.example/" }), BadToken::Issuer),
            (json!({ "iss": null }), BadToken::Issuer),
            (json!({ "aud": "other" }), BadToken::Audience),
            (json!({ "aud": null }), BadToken::Audience),
            (json!({ "aud": [] }), BadToken::Audience),
            (json!({ "aud": ["tidegate", "other"] }), BadToken::Party),
            (json!({ "azp": "other" }), BadToken::Party),
            (json!({ "exp": NOW - LEEWAY_S }), BadToken::Expired),
            (json!({ "exp": null }), BadToken::Expired),
            (json!({ "exp": "tomorrow" }), BadToken::Expired),
            (json!({ "exp": -1 }), BadToken::Expired),
            (json!({ "nbf": NOW + LEEWAY_S + 1 }), BadToken::Early),
            (json!({ "iat": NOW + LEEWAY_S + 1 }), BadToken::Early),
            (json!({ "nonce": "other" }), BadToken::Nonce),
            (json!({ "nonce": null }), BadToken::Nonce),
            (json!({ "sub": null }), BadToken::Subject),
            (json!({ "sub": "" }), BadToken::Subject),
            (json!({ "sub": "a\nb" }), BadToken::Subject),
            (json!({ "sub": 7 }), BadToken::Subject),
        ] {
            assert_eq!(checked(bad.clone()), Err(why), "{bad}");
        }
        assert_eq!(IdClaims::of(json!([])), Err(BadToken::Shape));
    }

    #[test]
    fn what_is_said_besides_is_about_the_same_person_and_changes_nothing() {
        let token = IdClaims::of(json!({ "sub": "1", "groups": ["a"] })).unwrap();
        let more = IdClaims::of(json!({ "sub": "1", "groups": ["b"], "name": "Ann" })).unwrap();
        let both = token.clone().and(more).unwrap();
        assert_eq!((both.get("groups"), both.text("name")), (Some(&json!(["a"])), Some("Ann")));
        let other = IdClaims::of(json!({ "sub": "2", "groups": ["b"] })).unwrap();
        assert_eq!(token.clone().and(other), Err(BadToken::Subject));
        assert_eq!(token.and(IdClaims::of(json!({})).unwrap()), Err(BadToken::Subject));
    }
}
