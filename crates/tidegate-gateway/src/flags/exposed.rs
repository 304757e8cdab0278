//! The experiments among the flags of a set, as its file has them: whose variants are told to the control plane, and under what digests.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use tidegate_core::model::{BundleExperiment, BundleExperiments, FlagKey};

/// A user's digest: 16 bytes of an HMAC of their name.
pub(super) type Digest = [u8; 16];

/// See the module.
#[derive(Debug)]
pub(super) struct Exposed {
    salt: hmac::Key,
    flags: HashMap<FlagKey, Arc<Experiment>>,
}

/// One experiment. Two that are equal are the same one, in whatever table or file.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Experiment {
    /// `app/environment`.
    pub(super) set: String,
    pub(super) flag: FlagKey,
    pub(super) known: BundleExperiment,
}

impl Exposed {
    /// Of a set. `None`: the key of its digests is none.
    pub(super) fn of(set: &str, given: BundleExperiments) -> Option<Self> {
        let salt = bytes_of(&given.salt)?;
        let flags = given.flags.into_iter().map(|(flag, known)| {
            let experiment = Experiment { set: set.to_owned(), flag: flag.clone(), known };
            (flag, Arc::new(experiment))
        });
        Some(Exposed { salt: hmac::Key::new(hmac::HMAC_SHA256, &salt), flags: flags.collect() })
    }

    /// The experiment on a flag.
    pub(super) fn on(&self, flag: &FlagKey) -> Option<&Arc<Experiment>> {
        self.flags.get(flag)
    }

    /// As the control plane makes it of users that are told to it by name: see `experiment/pseudonym.rs` there.
    pub(super) fn digest(&self, user: &str) -> Digest {
        let mut digest = [0; 16];
        digest.copy_from_slice(&hmac::sign(&self.salt, user.as_bytes()).as_ref()[..16]);
        digest
    }
}

impl Experiment {
    /// The place of a variant that only chance gives; `None`: a rule gave it.
    pub(super) fn place(&self, variant: &str) -> Option<usize> {
        self.known.variants.iter().position(|known| known == variant)
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
    (digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit))
        .then(|| digits.chunks_exact(2).map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn given(salt: String) -> BundleExperiments {
        let known =
            BundleExperiment { design: "d1".to_owned(), variants: vec!["off".to_owned(), "on".to_owned()] };
        BundleExperiments { salt, flags: BTreeMap::from([("cart".parse().unwrap(), known)]) }
    }

    /// The control plane's own test has the same figures: both sides make the same digest of a user.
    #[test]
    fn the_control_plane_knows_users_by_the_same_digest() {
        let exposed = Exposed::of("shop/production", given("07".repeat(32))).unwrap();
        let hex: String = exposed.digest("ann").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "b86f6e0b902d4113864ea164a4f64730");
        assert_eq!(exposed.on(&"cart".parse().unwrap()).unwrap().place("on"), Some(1));
        assert_eq!(exposed.on(&"cart".parse().unwrap()).unwrap().place("staff"), None);
    }

    #[test]
    fn without_a_key_nobody_is_told() {
        for bad in [String::new(), "07".repeat(31), "x7".repeat(32), "+7".repeat(32)] {
            assert!(Exposed::of("a/b", given(bad)).is_none());
        }
    }
}
