//! What users come to.

use crate::chance::Chance;

/// How a user's value comes about.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// 1 with this chance, else 0.
    Buys(f64),
    /// With this chance what an order costs: lognormal with a median of 30 and this σ; `limit` cuts it.
    Spends { buys: f64, sigma: f64, limit: f64 },
}

impl Values {
    /// One user's.
    pub fn draw(self, chance: &mut Chance) -> f64 {
        match self {
            Values::Buys(rate) => f64::from(u8::from(chance.float() < rate)),
            Values::Spends { buys, sigma, .. } => {
                if chance.float() < buys {
                    30.0 * (sigma * chance.normal()).exp()
                } else {
                    0.0
                }
            }
        }
    }

    /// The most a user counts for.
    pub fn limit(self) -> f64 {
        match self {
            Values::Buys(_) => 1.0,
            Values::Spends { limit, .. } => limit,
        }
    }

    /// The average of all users there could be, cut at the limit: E[min(X, L)] of a lognormal X.
    pub fn mean(self) -> f64 {
        match self {
            Values::Buys(rate) => rate,
            Values::Spends { buys, sigma, limit } => {
                let line = (limit / 30.0).ln() / sigma;
                let below = 30.0 * (sigma * sigma / 2.0).exp() * normal_below(line - sigma);
                buys * (below + limit * (1.0 - normal_below(line)))
            }
        }
    }
}

/// The part of a normal distribution below `x`, by its density summed up in small steps: exact enough for a truth to be missed by.
fn normal_below(x: f64) -> f64 {
    const STEPS: u32 = 20_000;
    let (from, to) = (-12.0, x.clamp(-12.0, 12.0));
    let step = (to - from) / f64::from(STEPS);
    let density = |at: f64| (-at * at / 2.0).exp() / std::f64::consts::TAU.sqrt();
    (0..STEPS).map(|n| density(from + (f64::from(n) + 0.5) * step) * step).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_those_of_many_users() {
        for values in [Values::Buys(0.2), Values::Spends { buys: 0.1, sigma: 1.2, limit: 300.0 }] {
            let mut chance = Chance::new(5);
            let users = 400_000;
            let sum: f64 = (0..users).map(|_| values.draw(&mut chance).min(values.limit())).sum();
            let seen = sum / f64::from(users);
            assert!((seen / values.mean() - 1.0).abs() < 0.02, "{values:?}: {seen} {}", values.mean());
        }
    }
}
