//! Users under digests: HMAC-SHA256 of what they are called, by a key of their environment, which is made of one that is in a file of its
//! own. Without the key nobody can try names until a digest fits, and copies of the store alone do not have it.
//!
//! The gateway is given the key of each environment that has experiments, and makes the same digests.

use std::io;
use std::path::Path;

use aws_lc_rs::hmac;
use tidegate_core::experiment::{EventBatch, Measurement, UserDigest};
use tidegate_core::model::{FlagKey, Name};

use crate::key_file::hmac_key;
use crate::plane::{Refusal, RefusalKind};

/// The file in the data directory.
const FILE: &str = "experiment-key";
/// The longest name of a user or an event, in bytes.
const LONGEST: usize = 512;

/// The key, ready to be used. It is never shown.
pub struct Pseudonyms(hmac::Key);

/// A batch whose users are digests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Received {
    /// Who was served what.
    pub exposures: Vec<Seen>,
    /// Who did what.
    pub measured: Vec<Measured>,
}

/// A user was served a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Of this flag.
    pub flag: FlagKey,
    /// This one.
    pub variant: String,
    /// Who.
    pub user: UserDigest,
    /// When, where that was said: milliseconds since the Unix epoch.
    pub at_unix_ms: Option<u64>,
}

/// A user did something.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What.
    pub metric: String,
    /// Who.
    pub user: UserDigest,
    /// Which event: the same one sent twice has the same.
    pub event: UserDigest,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// How much.
    pub value: f64,
}

impl Pseudonyms {
    /// The key of a data directory, made where there is none.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` where the file holds something else.
    pub fn of(data: &Path) -> io::Result<Self> {
        hmac_key(&data.join(FILE)).map(Pseudonyms)
    }

    /// A batch of an environment with digests for names.
    ///
    /// # Errors
    /// A name that is too long, or none.
    pub fn digested(
        &self,
        (app, environment): (&Name, &Name),
        batch: EventBatch,
    ) -> Result<Received, Refusal> {
        let salt = self.salt((app, environment));
        let user = |name: &str| checked("user", name).map(|()| user_digest(&salt, name));
        let exposures = batch.exposures.into_iter().map(|one| {
            let at_unix_ms = one.at.map(|at| at.0);
            Ok(Seen { user: user(&one.user)?, flag: one.flag, variant: one.variant, at_unix_ms })
        });
        let measured = batch.metrics.into_iter().map(|one| {
            Ok(Measured {
                user: user(&one.user)?,
                event: self.event(&one)?,
                metric: one.metric,
                at_unix_ms: one.at.0,
                value: one.value,
            })
        });
        Ok(Received {
            exposures: exposures.collect::<Result<_, Refusal>>()?,
            measured: measured.collect::<Result<_, Refusal>>()?,
        })
    }

    /// The key of an environment's users, in hex: for the gateway alone.
    pub fn salt_in_hex(&self, place: (&Name, &Name)) -> String {
        self.tag(&salt_of(place)).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn salt(&self, place: (&Name, &Name)) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.tag(&salt_of(place)).as_ref())
    }

    /// The metric is a part of it: one order can be an event of two metrics.
    fn event(&self, one: &Measurement) -> Result<UserDigest, Refusal> {
        let metric = one.metric.as_bytes();
        if let Some(id) = &one.id {
            checked("id", id)?;
            return Ok(self.digest(&[b"event", metric, id.as_bytes()]));
        }
        Ok(self.digest(&[b"content", metric, &one.at.0.to_le_bytes(), &one.value.to_bits().to_le_bytes()]))
    }

    fn digest(&self, parts: &[&[u8]]) -> UserDigest {
        short(self.tag(parts))
    }

    /// Each part goes in with its length, so that parts cannot run into each other.
    fn tag(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut all = hmac::Context::with_key(&self.0);
        for part in parts {
            all.update(&(part.len() as u64).to_le_bytes());
            all.update(part);
        }
        all.sign()
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}

fn salt_of<'a>((app, environment): (&'a Name, &'a Name)) -> [&'a [u8]; 3] {
    [b"users", app.as_str().as_bytes(), environment.as_str().as_bytes()]
}

/// As the gateway makes it: see `flags/exposed.rs` there.
fn user_digest(salt: &hmac::Key, name: &str) -> UserDigest {
    short(hmac::sign(salt, name.as_bytes()))
}

fn short(tag: hmac::Tag) -> UserDigest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&tag.as_ref()[..16]);
    UserDigest(digest)
}

fn checked(what: &str, name: &str) -> Result<(), Refusal> {
    if !name.is_empty() && name.len() <= LONGEST {
        return Ok(());
    }
    let message = format!("a `{what}` has 1 to {LONGEST} bytes, and one of the batch has {}", name.len());
    Err(Refusal::new(RefusalKind::Invalid, "experiment::name", message)
        .help("nothing of the batch was taken"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tidegate_core::experiment::{At, Exposure};

    use super::*;

    const ANN: &str = "b86f6e0b902d4113864ea164a4f64730";

    fn batch(user: &str, id: Option<&str>) -> EventBatch {
        let user = user.to_owned();
        EventBatch {
            exposures: vec![Exposure {
                flag: "cart".parse().unwrap(),
                variant: "on".to_owned(),
                user: user.clone(),
                at: None,
            }],
            metrics: vec![Measurement {
                metric: "bought".to_owned(),
                user,
                value: 1.0,
                at: At(5),
                id: id.map(str::to_owned),
            }],
        }
    }

    fn digested(pseudonyms: &Pseudonyms, environment: &str, batch: EventBatch) -> Received {
        pseudonyms.digested((&"shop".parse().unwrap(), &environment.parse().unwrap()), batch).unwrap()
    }

    #[test]
    fn a_user_has_one_digest_in_an_environment_and_another_with_another_key() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = Pseudonyms::of(one.path()).unwrap();
        let ann = digested(&first, "production", batch("ann", None));
        assert_eq!(ann.exposures[0].user, ann.measured[0].user);
        assert_eq!(ann, digested(&Pseudonyms::of(one.path()).unwrap(), "production", batch("ann", None)));
        let user = |received: Received| received.exposures[0].user;
        assert_ne!(user(ann.clone()), user(digested(&first, "production", batch("bob", None))));
        assert_ne!(user(ann.clone()), user(digested(&first, "staging", batch("ann", None))));
        assert_ne!(
            user(ann),
            user(digested(&Pseudonyms::of(two.path()).unwrap(), "production", batch("ann", None)))
        );
        let mode = std::fs::metadata(one.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    /// The gateway's own test has the same figures: both sides make the same digest of a user.
    #[test]
    fn the_gateway_knows_users_by_the_same_digest() {
        let salt = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        assert_eq!(user_digest(&salt, "ann").to_hex(), ANN);
        let data = tempfile::tempdir().unwrap();
        let place = ("shop".parse().unwrap(), "production".parse().unwrap());
        let pseudonyms = Pseudonyms::of(data.path()).unwrap();
        let hex = pseudonyms.salt_in_hex((&place.0, &place.1));
        let bytes: Vec<u8> =
            (0..32).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
        let given = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        let posted = pseudonyms.digested((&place.0, &place.1), batch("ann", None)).unwrap();
        assert_eq!(posted.exposures[0].user, user_digest(&given, "ann"));
        assert!(!format!("{pseudonyms:?}").contains(&hex));
    }

    #[test]
    fn an_event_is_told_by_its_id_or_by_all_of_it() {
        let data = tempfile::tempdir().unwrap();
        let pseudonyms = Pseudonyms::of(data.path()).unwrap();
        let event = |id: Option<&str>, at: u64| {
            let mut batch = batch("ann", id);
            batch.metrics[0].at = At(at);
            digested(&pseudonyms, "production", batch).measured[0].event
        };
        assert_eq!(event(Some("order-1"), 5), event(Some("order-1"), 6));
        assert_ne!(event(Some("order-1"), 5), event(Some("order-2"), 5));
        assert_eq!(event(None, 5), event(None, 5));
        assert_ne!(event(None, 5), event(None, 6));
    }

    #[test]
    fn a_name_has_a_length_and_a_key_is_whole() {
        let data = tempfile::tempdir().unwrap();
        let pseudonyms = Pseudonyms::of(data.path()).unwrap();
        let place = ("shop".parse().unwrap(), "production".parse().unwrap());
        for bad in [String::new(), "x".repeat(513)] {
            let refusal = pseudonyms.digested((&place.0, &place.1), batch(&bad, None)).unwrap_err();
            assert_eq!(refusal.code, "experiment::name");
        }
        std::fs::write(data.path().join(FILE), b"short").unwrap();
        assert_eq!(Pseudonyms::of(data.path()).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }
}
