//! A product of many factors that neither vanishes nor overflows, and is the same on every machine.

use serde::{Deserialize, Serialize};

const STEP_BITS: i32 = 256;
const UP: f64 = f64::from_bits(((1023 + 256) as u64) << 52);
const DOWN: f64 = 1.0 / UP;

/// What someone has who began with 1 and bet all of it again and again. Held as `mantissa × 2^(256 × steps)`: a logarithm that
/// is kept by exact arithmetic, where `ln` would differ between machines and a restart could not be told from none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wealth {
    mantissa: f64,
    steps: i32,
}

impl Default for Wealth {
    fn default() -> Self {
        Wealth { mantissa: 1.0, steps: 0 }
    }
}

impl Wealth {
    /// After a bet that multiplies it. Factors lie between 2^-128 and 2^128.
    #[inline]
    pub fn multiply(&mut self, factor: f64) {
        self.mantissa *= factor;
        if self.mantissa < DOWN {
            self.mantissa *= UP;
            self.steps -= 1;
        } else if self.mantissa > UP {
            self.mantissa *= DOWN;
            self.steps += 1;
        }
    }

    /// As a number: 0 where it is too small for one, [`f64::MAX`] where it is too large.
    #[inline]
    pub fn value(self) -> f64 {
        match self.steps {
            0 => self.mantissa,
            -3..0 => self.mantissa * DOWN.powi(-self.steps),
            1 => self.mantissa * UP,
            steps if steps < 0 => 0.0,
            _ => f64::MAX,
        }
    }

    /// Its natural logarithm.
    pub fn ln(self) -> f64 {
        self.mantissa.ln() + f64::from(self.steps) * f64::from(STEP_BITS) * std::f64::consts::LN_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_outlives_any_run_of_luck() {
        for factor in [0.2, 0.97, 1.02, 8.0] {
            let mut wealth = Wealth::default();
            (0..20_000).for_each(|_| wealth.multiply(factor));
            let expected = 20_000.0 * f64::ln(factor);
            assert!((wealth.ln() - expected).abs() < 1e-6 * expected.abs(), "{factor}: {}", wealth.ln());
            (0..20_000).for_each(|_| wealth.multiply(1.0 / factor));
            assert!((wealth.value() - 1.0).abs() < 1e-6, "{factor}: {wealth:?}");
        }
    }

    #[test]
    fn what_is_too_small_or_too_large_for_a_number_is_said_at_the_end_of_the_range() {
        let at = |steps| Wealth { mantissa: 1.5, steps }.value();
        assert_eq!((at(-4), at(2)), (0.0, f64::MAX));
        assert!(at(-1) > 0.0 && at(-1) < 1e-70 && at(1) > 1e70 && at(1) < f64::MAX);
    }
}
