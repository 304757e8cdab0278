//! Chance from a seed: the same traffic again, on every machine.

/// xoshiro256++, begun by SplitMix64.
#[derive(Clone, Debug)]
pub struct Chance([u64; 4]);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Chance(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    /// Between 0 and 1.
    pub fn float(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }
}

/// A Poisson distribution, tabulated: events that come by themselves at a rate.
#[derive(Clone, Debug)]
pub struct Poisson {
    below: Vec<f64>,
    /// Where to begin for each 256th of the unit interval.
    guide: Vec<u32>,
}

const GUIDES: usize = 256;

impl Poisson {
    /// With a mean of at most some thousands.
    pub fn new(mean: f64) -> Self {
        let spread = 10.0 * mean.sqrt() + 20.0;
        let least = (mean - spread).max(0.0) as usize;
        let most = (mean + spread) as usize;
        // Logarithms: e to the minus mean is no number for a large one.
        let log_factorial = |x: usize| (1..=x).map(|i| (i as f64).ln()).sum::<f64>();
        let first = if mean > 0.0 { least as f64 * mean.ln() } else { 0.0 } - mean - log_factorial(least);
        let (mut at, mut sum) = (first.exp(), 0.0);
        let mut below = vec![0.0; least];
        for x in least..=most {
            sum += at;
            below.push(sum);
            at *= mean / (x + 1) as f64;
        }
        let guide = (0..GUIDES).map(|part| {
            below.iter().position(|b| *b > part as f64 / GUIDES as f64).unwrap_or(below.len() - 1) as u32
        });
        let guide = guide.collect();
        Poisson { below, guide }
    }

    /// How many it are this time.
    pub fn draw(&self, chance: &mut Chance) -> u64 {
        let u = chance.float();
        let mut x = self.guide[(u * GUIDES as f64) as usize] as usize;
        while x + 1 < self.below.len() && self.below[x] <= u {
            x += 1;
        }
        x as u64
    }
}

/// At least one, `mean` on average, and as likely to go on at each.
pub fn geometric(chance: &mut Chance, mean: f64) -> u64 {
    let mut count = 1;
    while chance.float() > 1.0 / mean {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_at_their_rate_and_with_their_spread() {
        let mut chance = Chance::new(1);
        for mean in [0.0, 0.01, 0.9, 10.0, 900.0] {
            let poisson = Poisson::new(mean);
            let draws: Vec<f64> = (0..100_000).map(|_| poisson.draw(&mut chance) as f64).collect();
            let seen = draws.iter().sum::<f64>() / 1e5;
            let variance = draws.iter().map(|x| (x - seen).powi(2)).sum::<f64>() / 1e5;
            let error = (mean / 1e5).sqrt() * 5.0;
            assert!((seen - mean).abs() <= error, "{mean}: {seen}");
            assert!((variance - mean).abs() <= 0.1 * mean + 0.01 * mean.min(0.1), "{mean}: {variance}");
        }
    }
}
