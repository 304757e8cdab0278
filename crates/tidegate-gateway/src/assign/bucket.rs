//! Buckets: a client's own place in a service's traffic, from 0 to 9999. The candidate has the buckets below its weight ×
//! 100, so raising the weight only ever moves clients from stable to the candidate, and lowering it only back.

use std::fmt;
use std::hash::Hasher;

use http::HeaderValue;
use siphasher::sip::SipHasher24;
use tidegate_core::model::{self, ArmRole, ClientKey, Sticky};

use super::Secret;
use super::cookie::Jar;
use crate::client_id::ClientId;
use crate::route::Turn;
use crate::view::RequestView;

/// How many there are.
const COUNT: u16 = 10_000;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket(u16);

impl Bucket {
    /// `None` where the number is none of a bucket.
    pub(crate) fn new(number: u16) -> Option<Self> {
        (number < COUNT).then_some(Bucket(number))
    }

    /// Its number.
    pub(crate) fn number(self) -> u16 {
        self.0
    }

    /// Which cell of clients it is counted in: consecutive clients are spread over them, on either arm.
    pub(super) fn cell(self) -> u8 {
        // Both parts are below 100, and so is the remainder.
        ((self.0 % 100 + self.0 / 100 * 37) % 100) as u8
    }

    /// The next client's. Every hundred clients fall in each hundredth of the buckets once: those without a bucket of
    /// their own are shared out as exactly as by weight alone.
    fn deal(turn: &Turn) -> Self {
        let (share, within) = turn.next_within();
        // Both are below 100.
        Bucket((share * 100 + within) as u16)
    }

    /// The bucket of an even hash: none is likelier than another by more than 1 in 2^50.
    fn of_hash(hash: u64) -> Self {
        // The product is below 10,000 × 2^64.
        Bucket(((u128::from(hash) * u128::from(COUNT)) >> 64) as u16)
    }
}

/// How a service's clients keep to their arms.
#[derive(Debug)]
pub(super) struct Sharing {
    shares: Shares,
    by: By,
}

#[derive(Debug)]
enum By {
    Cookie(Box<Jar>),
    Key { by: ClientKey, hash: KeyedHash },
}

impl Sharing {
    /// `None` where there is no choice: one arm has it all, and nobody need be remembered.
    pub(super) fn compile(
        upstream: &str,
        sticky: &Sticky,
        arms: &[model::Arm],
        secret: &Secret,
    ) -> Option<Sharing> {
        let shares = Shares::compile(arms)?;
        let by = match sticky {
            Sticky::Cookie { max_age } => By::Cookie(Box::new(Jar::new(upstream, *max_age, secret))),
            Sticky::Key(by) => By::Key { by: by.clone(), hash: KeyedHash::new(upstream, secret) },
        };
        Some(Sharing { shares, by })
    }

    /// The arm of a client, its cell, and the cookie that is to remember it.
    pub(super) fn assign(&self, view: &dyn RequestView, turn: &Turn) -> (usize, u8, Option<HeaderValue>) {
        let (bucket, cookie) = match &self.by {
            By::Cookie(jar) => jar.bucket(view, || Bucket::deal(turn)),
            By::Key { by, hash } => (hash.bucket(ClientId::of(by, view)), None),
        };
        (self.shares.arm(bucket), bucket.cell(), cookie)
    }
}

/// A hash that nobody can foretell who does not have the key. Each service has a key of its own: who meets the candidate
/// of one need not meet the next one's.
#[derive(Clone)]
struct KeyedHash(SipHasher24);

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash(..)") // its state is as good as the key
    }
}

impl KeyedHash {
    fn new(upstream: &str, secret: &Secret) -> Self {
        let derived = secret.derive("client key", upstream);
        let mut key = [0; 16];
        key.copy_from_slice(&derived[..16]);
        KeyedHash(SipHasher24::new_with_key(&key))
    }

    fn bucket(&self, id: ClientId<'_>) -> Bucket {
        let (kind, bytes) = id.parts();
        let mut hash = self.0;
        hash.write(&[kind]);
        hash.write(bytes);
        Bucket::of_hash(hash.finish())
    }
}

/// Which buckets are whose: the candidate's first.
#[derive(Debug)]
struct Shares(Box<[(u32, usize)]>);

impl Shares {
    /// `None` for fewer than two arms with a weight.
    fn compile(arms: &[model::Arm]) -> Option<Shares> {
        let weighted = || arms.iter().enumerate().filter(|(_, arm)| arm.weight > 0);
        let of = |role| weighted().filter(move |(_, arm)| arm.role == role);
        let mut below = 0;
        let bound = |(index, arm): (usize, &model::Arm)| {
            below += arm.weight * 100;
            (below, index)
        };
        let shares: Box<[_]> = of(ArmRole::Candidate).chain(of(ArmRole::Stable)).map(bound).collect();
        (shares.len() > 1).then_some(Shares(shares))
    }

    fn arm(&self, bucket: Bucket) -> usize {
        let found = self.0.iter().find(|(below, _)| u32::from(bucket.0) < *below);
        // The weights sum to 100, so every bucket is below the last bound.
        found.or(self.0.last()).map_or(0, |(_, arm)| *arm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_core::model::RevisionNo;

    fn arms(candidate: u32) -> Vec<model::Arm> {
        let arm = |role, revision, weight| model::Arm {
            role,
            revision: RevisionNo(revision),
            weight,
            endpoints: Vec::new(),
            site: None,
        };
        vec![arm(ArmRole::Stable, 1, 100 - candidate), arm(ArmRole::Candidate, 2, candidate)]
    }

    fn is_candidate(weight: u32, bucket: Bucket) -> bool {
        Shares::compile(&arms(weight)).unwrap().arm(bucket) == 1
    }

    #[test]
    fn the_candidate_has_the_buckets_below_its_weight() {
        for weight in 1..100 {
            let edge = weight as u16 * 100;
            assert!(
                is_candidate(weight, Bucket(edge - 1)) && !is_candidate(weight, Bucket(edge)),
                "{weight}"
            );
        }
        assert!(Shares::compile(&arms(0)).is_none() && Shares::compile(&arms(100)).is_none());
    }

    #[test]
    fn clients_of_both_arms_are_spread_over_all_cells() {
        for number in [0, 99, 100, 9_999] {
            assert!(usize::from(Bucket(number).cell()) < tidegate_core::model::CELLS);
        }
        for half in [0..5_000, 5_000..10_000] {
            let mut counts = [0; tidegate_core::model::CELLS];
            half.for_each(|number| counts[usize::from(Bucket(number).cell())] += 1);
            assert!(counts.iter().all(|count| *count == 50), "{counts:?}");
        }
    }

    #[test]
    fn every_hundred_new_clients_are_shared_out_exactly() {
        let turn = Turn::new(3);
        for _ in 0..20 {
            let candidates = (0..100).filter(|_| is_candidate(7, Bucket::deal(&turn))).count();
            assert_eq!(candidates, 7);
        }
    }

    /// The candidate's share of so many keys, in hundredths of a percent.
    fn share_of(keys: u32, weight: u32) -> u32 {
        let hash = KeyedHash::new("app/dev/web", &Secret::of([7; 32]));
        let bucket = |key: u32| hash.bucket(ClientId::Value(format!("client-{key}").as_bytes()));
        let hits = (0..keys).filter(|key| is_candidate(weight, bucket(*key))).count() as u64;
        (hits * 10_000 / u64::from(keys)) as u32
    }

    #[test]
    fn keys_are_shared_out_by_the_weight() {
        // Half a point is two standard deviations or more: chance alone cannot be expected to do worse.
        for (keys, weight) in
            [(10_000, 1), (10_000, 3), (10_000, 5), (100_000, 25), (100_000, 50), (100_000, 75)]
        {
            let share = share_of(keys, weight);
            assert!(share.abs_diff(weight * 100) <= 50, "{share} of 10,000 at {weight} %");
        }
    }

    #[test]
    fn the_ends_of_the_hash_are_the_ends_of_the_buckets() {
        assert_eq!((Bucket::of_hash(0), Bucket::of_hash(u64::MAX)), (Bucket(0), Bucket(9_999)));
    }

    #[test]
    fn services_and_keys_have_hashes_of_their_own() {
        let bucket =
            |upstream, secret| KeyedHash::new(upstream, &Secret::of(secret)).bucket(ClientId::Value(b"ann"));
        assert_eq!(bucket("a", [1; 32]), bucket("a", [1; 32]));
        assert_ne!(bucket("a", [1; 32]), bucket("b", [1; 32]));
        assert_ne!(bucket("a", [1; 32]), bucket("a", [2; 32]));
    }

    proptest! {
        #[test]
        fn invariant_raising_the_weight_takes_nobody_from_the_candidate(
            bucket in 0..COUNT, low in 1_u32..100, high in 1_u32..100,
        ) {
            prop_assume!(low <= high);
            if is_candidate(low, Bucket(bucket)) {
                prop_assert!(is_candidate(high, Bucket(bucket)));
            }
        }
    }
}
