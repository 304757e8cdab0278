//! What is kept of many values: how many, their average, their spread and how lopsided they are.

use serde::{Deserialize, Serialize};

/// Running moments by Welford's and Pébay's formulas: stable however many values there are, and a value can be taken out again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    n: u64,
    mean: f64,
    /// The sum of squared differences from the mean.
    m2: f64,
    /// The sum of their cubes.
    m3: f64,
}

impl Moments {
    /// Takes a value in.
    pub fn add(&mut self, value: f64) {
        let before = self.n as f64;
        let n = before + 1.0;
        let delta = value - self.mean;
        let step = delta / n;
        let square = delta * step * before;
        self.m3 += square * step * (n - 2.0) - 3.0 * step * self.m2;
        self.m2 += square;
        self.mean += step;
        self.n += 1;
    }

    /// Takes a value out that was taken in before: the same steps backwards.
    pub fn remove(&mut self, value: f64) {
        if self.n <= 1 {
            *self = Moments::default();
            return;
        }
        let n = self.n as f64;
        let before = n - 1.0;
        let mean = (self.mean * n - value) / before;
        let delta = value - mean;
        let step = delta / n;
        let square = delta * step * before;
        self.m2 = (self.m2 - square).max(0.0);
        self.m3 -= square * step * (n - 2.0) - 3.0 * step * self.m2;
        self.mean = mean;
        self.n -= 1;
    }

    /// How many values.
    pub fn count(&self) -> u64 {
        self.n
    }

    /// Their average; 0 where there are none.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// How far they spread: the sample's variance; 0 below two values.
    pub fn variance(&self) -> f64 {
        if self.n < 2 { 0.0 } else { self.m2 / (self.n - 1) as f64 }
    }

    /// The third central moment; 0 where there are none.
    pub fn third(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.m3 / self.n as f64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(*value));
        moments
    }

    fn plainly(values: &[f64]) -> (f64, f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let power = |p| values.iter().map(|value| (value - mean).powi(p)).sum::<f64>();
        (mean, power(2) / (n - 1.0), power(3) / n)
    }

    fn close(a: f64, b: f64, scale: f64) -> bool {
        (a - b).abs() <= 1e-9 * scale.max(1.0)
    }

    proptest! {
        #[test]
        fn they_are_those_of_the_whole_list(values in prop::collection::vec(-100.0..1000.0_f64, 2..60)) {
            let (moments, (mean, variance, third)) = (of(&values), plainly(&values));
            prop_assert!(close(moments.mean(), mean, 1e3));
            prop_assert!(close(moments.variance(), variance, 1e6));
            prop_assert!(close(moments.third(), third, 1e9));
        }

        #[test]
        fn what_is_taken_out_was_never_there(
            values in prop::collection::vec(-100.0..1000.0_f64, 2..60),
            more in prop::collection::vec(-100.0..1000.0_f64, 0..20),
        ) {
            let mut moments = of(&values);
            more.iter().for_each(|value| moments.add(*value));
            more.iter().for_each(|value| moments.remove(*value));
            let plain = of(&values);
            prop_assert_eq!(moments.count(), plain.count());
            prop_assert!(close(moments.mean(), plain.mean(), 1e3));
            prop_assert!(close(moments.variance(), plain.variance(), 1e6));
            prop_assert!(close(moments.third(), plain.third(), 1e9));
        }
    }

    #[test]
    fn nothing_has_no_spread() {
        let mut moments = of(&[3.0]);
        assert_eq!((moments.count(), moments.mean(), moments.variance()), (1, 3.0, 0.0));
        moments.remove(3.0);
        assert_eq!(moments, Moments::default());
    }
}
