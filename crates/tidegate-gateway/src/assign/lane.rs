//! The lane of a train: what says, in `tidegate-lane`, which side of it a request met first.
//!
//! The gateway writes the field for every instance of a service whose train is on its way, an instance passes it on with the
//! requests it makes for that one, and the gateway takes it back as its own proof: a keyed hash over train, run and side. Who
//! does not have it from the gateway cannot make it, and it holds for this one rollout of this one train. What clients send
//! under the name never gets to an instance: the gateway's own takes its place or nothing does.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use tidegate_core::model::{self, ArmRole};

use super::Secret;
use crate::view::RequestView;

/// The field.
pub(crate) const NAME: &str = "tidegate-lane";
const VERSION: &str = "1";
/// Bytes of the proof: 128 bits of an HMAC-SHA256.
const PROOF: usize = 16;

/// The two sides of one rollout of one train, as the field names them. They are the same all along, so that a value is
/// proved by being one of them.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    stable: HeaderValue,
    candidate: HeaderValue,
}

impl Lane {
    /// `None` only where the hash could be written into no field, which cannot be.
    pub(crate) fn compile(lane: &model::Lane, secret: &Secret) -> Option<Lane> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret.derive("train lane", &lane.train));
        let value = |role| HeaderValue::try_from(written(&key, lane.run, role)).ok();
        Some(Lane { stable: value(ArmRole::Stable)?, candidate: value(ArmRole::Candidate)? })
    }

    /// What instances of a side are given.
    pub(crate) fn value(&self, role: ArmRole) -> HeaderValue {
        match role {
            ArmRole::Stable => self.stable.clone(),
            ArmRole::Candidate => self.candidate.clone(),
        }
    }

    /// The side a request is on; `None` where it does not say so, or not by the gateway's own word.
    pub(crate) fn told(&self, view: &dyn RequestView) -> Option<ArmRole> {
        let said = view.field(NAME)?;
        let is = |ours: &HeaderValue| constant_time::verify_slices_are_equal(ours.as_bytes(), said).is_ok();
        match (is(&self.candidate), is(&self.stable)) {
            (true, _) => Some(ArmRole::Candidate),
            (false, true) => Some(ArmRole::Stable),
            (false, false) => None,
        }
    }
}

/// `1.candidate.42.AAAAAAAAAAAAAAAAAAAAAA`
fn written(key: &hmac::Key, run: u64, role: ArmRole) -> String {
    let said = format!("{VERSION}.{}.{run}", role.as_str());
    let proof = hmac::sign(key, said.as_bytes());
    format!("{said}.{}", URL_SAFE_NO_PAD.encode(&proof.as_ref()[..PROOF]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fake::Asked;

    fn lane(train: &str, run: u64, secret: u8) -> Lane {
        let lane = model::Lane { train: train.to_owned(), run };
        Lane::compile(&lane, &Secret::of([secret; 32])).unwrap()
    }

    fn asked(lane: &Lane, role: ArmRole) -> Asked {
        Asked::get("/").with(NAME, lane.value(role).to_str().unwrap())
    }

    #[test]
    fn a_side_that_the_gateway_named_is_taken_back() {
        let ours = lane("shop/production/checkout", 7, 1);
        for role in [ArmRole::Stable, ArmRole::Candidate] {
            assert_eq!(ours.told(&asked(&ours, role)), Some(role));
            // Another worker, or the gateway that came after this one.
            assert_eq!(lane("shop/production/checkout", 7, 1).told(&asked(&ours, role)), Some(role));
        }
        assert_eq!(ours.told(&Asked::get("/")), None);
    }

    #[test]
    fn the_word_of_another_train_run_or_gateway_is_none() {
        let ours = lane("shop/production/checkout", 7, 1);
        for other in [
            lane("shop/production/search", 7, 1),
            lane("shop/staging/checkout", 7, 1),
            lane("shop/production/checkout", 8, 1),
            lane("shop/production/checkout", 7, 2),
        ] {
            assert_eq!(ours.told(&asked(&other, ArmRole::Candidate)), None);
        }
    }

    #[test]
    fn what_a_client_makes_up_is_none() {
        let ours = lane("shop/production/checkout", 7, 1);
        let stable = ours.value(ArmRole::Stable);
        let stable = stable.to_str().unwrap();
        let swapped = stable.replace("stable", "candidate");
        for made_up in
            ["", "candidate", "1.candidate.7", "1.candidate.7.", &swapped, &stable[..stable.len() - 1]]
        {
            assert_eq!(ours.told(&Asked::get("/").with(NAME, made_up)), None, "{made_up}");
        }
        let longer = format!("{stable}A");
        assert_eq!(ours.told(&Asked::get("/").with(NAME, &longer)), None);
    }
}
