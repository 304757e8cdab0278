//! Weighted round robin as a list made once: whose turn it is costs one look.

/// The longest list. Weights that need a longer one are rounded, but nobody loses its last turn.
const LONGEST: u64 = 1 << 16;

/// The order of turns. In one round each member comes exactly as often as its weight says, spread evenly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    order: Box<[u32]>,
}

impl Rotation {
    /// For members of these weights. A member of weight 0 has no turn; where all are 0 all are equal.
    pub fn new(weights: &[u32]) -> Self {
        let counts = reduced(weights);
        let mut order = Vec::with_capacity(counts.iter().sum::<u64>() as usize);
        for (member, count) in counts.iter().enumerate() {
            let place = |turn: u64| {
                // Its own part of the way: equals follow each other and do not all come at once.
                let part = (member as f64 + 0.5) / counts.len() as f64;
                ((turn as f64 + part) / *count as f64, member as u32)
            };
            order.extend((0..*count).map(place));
        }
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Rotation { order: order.into_iter().map(|(_, member)| member).collect() }
    }

    /// Whose turn is the `turn`th; `None` where there is nobody.
    pub fn at(&self, turn: u64) -> Option<usize> {
        let index = turn.checked_rem(self.order.len() as u64)?;
        Some(self.order[index as usize] as usize)
    }

    /// How many turns a round has.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// Turns of each member in a round: the weights in their lowest terms.
fn reduced(weights: &[u32]) -> Vec<u64> {
    let weights: Vec<u64> = weights.iter().map(|weight| u64::from(*weight)).collect();
    let divisor = weights.iter().fold(0, |a, b| gcd(a, *b));
    if divisor == 0 {
        return vec![1; weights.len()];
    }
    let sum: u64 = weights.iter().sum();
    if sum / divisor <= LONGEST {
        return weights.iter().map(|weight| weight / divisor).collect();
    }
    let scaled = |weight: &u64| if *weight == 0 { 0 } else { (weight * LONGEST / sum).max(1) };
    weights.iter().map(scaled).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(weights: &[u32]) -> Vec<usize> {
        let rotation = Rotation::new(weights);
        (0..rotation.len() as u64).map(|turn| rotation.at(turn).unwrap()).collect()
    }

    #[test]
    fn equals_take_turns_and_the_heavy_ones_are_spread() {
        assert_eq!(round(&[100, 100, 100]), [0, 1, 2]);
        assert_eq!(round(&[300, 100]), [0, 0, 0, 1]);
        assert_eq!(round(&[500, 100, 100]), [0, 0, 0, 1, 0, 0, 2]);
        assert!(round(&[]).is_empty());
        assert_eq!(round(&[0, 0]), [0, 1]);
        assert_eq!(round(&[0, 7]), [1]);
    }

    #[test]
    fn a_list_has_a_longest_length() {
        let weights: Vec<u32> = (0..1_000).map(|n| 1_000_003 + n).collect();
        let rotation = Rotation::new(&weights);
        assert!(rotation.len() as u64 <= LONGEST && rotation.len() > 60_000);
    }

    proptest! {
        #[test]
        fn a_round_has_every_member_by_its_weight(weights in prop::collection::vec(0_u32..200, 1..20)) {
            let order = round(&weights);
            let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
            for (member, weight) in weights.iter().enumerate() {
                let turns = order.iter().filter(|other| **other == member).count() as u64;
                prop_assert!(sum == 0 || turns * sum == u64::from(*weight) * order.len() as u64);
            }
        }

        #[test]
        fn nobody_waits_much_longer_than_its_share_says(weights in prop::collection::vec(1_u32..50, 2..10)) {
            let order = round(&weights);
            for member in 0..weights.len() {
                let turns: Vec<usize> = (0..order.len() * 2).filter(|n| order[n % order.len()] == member).collect();
                let longest = turns.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(order.len());
                let share = order.len() * 2 / turns.len();
                prop_assert!(longest <= 2 * (share + 1) + weights.len(), "{longest} for {share} in {order:?}");
            }
        }
    }
}
