//! The short-lived right to follow changes. A browser's `EventSource` sends no headers, so the right is in the address: which
//! flag set, until when, and a signature. Within a window of time it stays the same, so that clients keep their connection.

use std::time::SystemTime;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A ticket is good until the end of the window after its own.
const WINDOW_SECS: u64 = 900;
const LONGEST: usize = 1_024;

/// Makes tickets and knows its own.
#[derive(Debug)]
pub(crate) struct Tickets(hmac::Key);

/// Which flags a ticket is for.
pub(crate) type Set = Option<String>;

impl Tickets {
    /// Servers that share a secret know each other's.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        Tickets(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(crate) fn issue(&self, set: Option<&str>, now: SystemTime) -> String {
        let said = said(window(now), set);
        let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, said.as_bytes()));
        format!("{said}.{signature}")
    }

    /// The flag set it is for; `None` where it is none of ours, or too old.
    pub(crate) fn check(&self, ticket: &str, now: SystemTime) -> Option<Set> {
        let (said, signature) = ticket.rsplit_once('.').filter(|_| ticket.len() <= LONGEST)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        // In constant time.
        hmac::verify(&self.0, said.as_bytes(), &signature).ok()?;
        let (issued, set) = said.split_once('.')?;
        let age = window(now).checked_sub(issued.parse().ok()?)?;
        (age <= 1).then(|| read_set(set))?
    }
}

fn window(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / WINDOW_SECS)
}

fn said(window: u64, set: Option<&str>) -> String {
    match set {
        Some(set) => format!("{window}.{}s", BASE64_URL_SAFE_NO_PAD.encode(set)),
        None => format!("{window}.a"),
    }
}

fn read_set(text: &str) -> Option<Set> {
    if text == "a" {
        return Some(None);
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_suffix('s')?).ok()?;
    String::from_utf8(bytes).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(secs)
    }

    #[test]
    fn a_ticket_names_its_flag_set_and_ends() {
        let tickets = Tickets::new(&[7; 32]);
        for set in [None, Some(""), Some("checkout"), Some("ä.b s")] {
            let ticket = tickets.issue(set, at(9_000));
            assert_eq!(tickets.check(&ticket, at(9_000)), Some(set.map(str::to_owned)), "{set:?}");
            assert_eq!(tickets.check(&ticket, at(10_799)), Some(set.map(str::to_owned)), "{set:?}");
            assert_eq!(tickets.check(&ticket, at(10_800)), None, "{set:?}");
            assert_eq!(tickets.check(&ticket, at(8_999)), None, "{set:?} from the future");
        }
        assert_eq!(tickets.issue(None, at(9_000)), tickets.issue(None, at(9_899)));
    }

    #[test]
    fn what_we_did_not_sign_is_nothing() {
        let ours = Tickets::new(&[7; 32]).issue(None, at(0));
        assert_eq!(Tickets::new(&[8; 32]).check(&ours, at(0)), None);
        let tickets = Tickets::new(&[7; 32]);
        for bad in ["", ".", "a.b.c", "0.a", &ours[1..], &ours.replace("0.a", "1.a"), &"x".repeat(5_000)] {
            assert_eq!(tickets.check(bad, at(0)), None, "{bad}");
        }
    }
}
