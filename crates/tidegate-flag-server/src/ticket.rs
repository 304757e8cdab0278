//! The short-lived right to follow changes. A browser's `EventSource` sends no headers, so the right is in the address: whose
//! it is, which flags, until when, and a signature. Within a window of time it stays the same, so that clients keep their connection.

use std::time::SystemTime;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::hall::{Hall, Pass};
use crate::keys::{Audience, Grant, Holder};

/// A ticket is good until the end of the window after its own.
const WINDOW_SECS: u64 = 900;
const LONGEST: usize = 1_024;

/// Makes tickets and knows its own.
#[derive(Debug)]
pub(crate) struct Tickets(hmac::Key);

/// What a ticket says of who has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// A name for the key it was given for, from which nothing is learned of the key; none for who needs none.
    key: Option<String>,
    board: String,
    audience: Audience,
    /// Which flags it is for.
    pub(crate) set: Option<String>,
}

impl Tickets {
    /// Servers that share a secret know each other's.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Tickets(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A ticket to follow what a pass sees of one flag set, or of all.
    pub(crate) fn issue(&self, pass: &Pass, set: Option<&str>, now: SystemTime) -> String {
        let Grant { board, audience, .. } = Grant::clone(pass.grant());
        let key = pass.holder().digest().map(|digest| self.name(digest));
        let said = Said { key, board, audience, set: set.map(str::to_owned) };
        let said = serde_json::to_vec(&said).expect("memory takes it, and names are strings");
        let said = format!("{}.{}", window(now), BASE64_URL_SAFE_NO_PAD.encode(said));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, said.as_bytes()));
        format!("{said}.{signature}")
    }

    /// What it says; `None` where it is none of ours, or too old.
    pub(crate) fn check(&self, ticket: &str, now: SystemTime) -> Option<Said> {
        let (said, signature) = ticket.rsplit_once('.').filter(|_| ticket.len() <= LONGEST)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        hmac::verify(&self.0, said.as_bytes(), &signature).ok()?;
        let (issued, said) = said.split_once('.')?;
        let age = window(now).checked_sub(issued.parse().ok()?)?;
        let said = BASE64_URL_SAFE_NO_PAD.decode(said).ok().filter(|_| age <= 1)?;
        serde_json::from_slice(&said).ok()
    }

    /// The pass of whoever a ticket was given to, if that one may still see the same.
    pub(crate) fn pass(&self, said: &Said, hall: &Hall) -> Option<Pass> {
        let holder = match (&said.key, said.audience) {
            (Some(name), _) => hall.named(name, |digest| self.name(digest))?,
            (None, Audience::Server) => Holder::Nobody,
            (None, Audience::Client) => Holder::Page,
        };
        let pass = hall.find(holder)?;
        let grant = pass.grant();
        (grant.board == said.board && grant.audience == said.audience).then_some(pass)
    }

    fn name(&self, digest: &[u8; 32]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&hmac::sign(&self.0, digest).as_ref()[..12])
    }
}

fn window(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / WINDOW_SECS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::HeaderMap;
    use tidegate_flags::{FlagSet, Options};

    use super::*;
    use crate::board::Board;
    use crate::hall::Caller;
    use crate::keys::Keys;
    use crate::snapshot::Snapshot;

    fn at(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
    }

    fn hall(keys: Keys) -> Arc<Hall> {
        let set = FlagSet::parse(r#"{"flags":{}}"#, &Options::default()).unwrap();
        Hall::of_one(Board::new(Snapshot::new(set, at(0))), keys)
    }

    fn pass(hall: &Hall, key: Option<&'static str>) -> Pass {
        let name = http::HeaderName::from_static("x-api-key");
        let headers = key.map(|key| (name, http::HeaderValue::from_static(key)));
        match hall.caller(&HeaderMap::from_iter(headers), false) {
            Caller::Known(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ticket_names_its_flag_set_and_ends() {
        let (tickets, hall) = (Tickets::new(&[7; 32]), hall(Keys::default()));
        let pass = pass(&hall, None);
        for set in [None, Some(""), Some("checkout"), Some("ä.b s")] {
            let ticket = tickets.issue(&pass, set, at(9_000));
            let set_at = |secs| tickets.check(&ticket, at(secs)).map(|said| said.set);
            assert_eq!(set_at(9_000), Some(set.map(str::to_owned)), "{set:?}");
            assert_eq!(set_at(10_799), Some(set.map(str::to_owned)), "{set:?}");
            assert_eq!(set_at(10_800), None, "{set:?}");
            assert_eq!(set_at(8_999), None, "{set:?} from the future");
        }
        assert_eq!(tickets.issue(&pass, None, at(9_000)), tickets.issue(&pass, None, at(9_899)));
    }

    #[test]
    fn what_we_did_not_sign_is_nothing() {
        let pass = pass(&hall(Keys::default()), None);
        let ours = Tickets::new(&[7; 32]).issue(&pass, None, at(0));
        assert_eq!(Tickets::new(&[8; 32]).check(&ours, at(0)), None);
        let tickets = Tickets::new(&[7; 32]);
        for bad in ["", ".", "a.b.c", "0.a", &ours[1..], &ours.replace("0.e", "1.e"), &"x".repeat(5_000)] {
            assert_eq!(tickets.check(bad, at(0)), None, "{bad}");
        }
    }

    #[test]
    fn a_ticket_is_good_for_as_long_as_the_key_it_was_given_for() {
        let (tickets, both) = (Tickets::new(&[7; 32]), "0123456789abcdef\nfedcba9876543210");
        let before = hall(Keys::parse(both).unwrap());
        let ticket = tickets.issue(&pass(&before, Some("0123456789abcdef")), None, at(0));
        let said = tickets.check(&ticket, at(0)).unwrap();
        assert!(tickets.pass(&said, &before).is_some());
        assert!(tickets.pass(&said, &hall(Keys::parse("fedcba9876543210").unwrap())).is_none());
        assert!(tickets.pass(&said, &hall(Keys::default())).is_none());
    }
}
