//! A finite number with a point.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A finite number: compared and kept as it is, shown with six digits.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Figure(f64);

impl Figure {
    /// The number; `None` where it is infinite or none.
    pub fn new(number: f64) -> Option<Figure> {
        // There is one zero.
        number.is_finite().then_some(Figure(number + 0.0))
    }

    /// As the language has it.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Figure {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Figure {}

impl PartialOrd for Figure {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Figure {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f64> for Figure {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        Figure::new(number).ok_or("not a finite number")
    }
}

impl From<Figure> for f64 {
    fn from(figure: Figure) -> f64 {
        figure.0
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size != 0.0 && !(1e-6..1e15).contains(&size) {
            return write!(f, "{:.3e}", self.0);
        }
        let places = if size == 0.0 { 0 } else { (5.0 - size.log10().floor()).clamp(0.0, 12.0) as usize };
        let text = format!("{:.places$}", self.0);
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_shown_as_people_write_it() {
        let shown = |number: f64| Figure::new(number).unwrap().to_string();
        assert_eq!((shown(0.0), shown(-0.0), shown(200.0)), ("0".into(), "0".into(), "200".into()));
        assert_eq!((shown(0.01), shown(1.0 / 3.0)), ("0.01".into(), "0.333333".into()));
        assert_eq!((shown(12_345_678.9), shown(-2.5)), ("12345679".into(), "-2.5".into()));
        assert_eq!((shown(1e-9), shown(1e300)), ("1.000e-9".into(), "1.000e300".into()));
    }

    #[test]
    fn only_a_finite_number_is_one() {
        assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Figure::new), [None; 3]);
        assert_eq!(Figure::new(0.0), Figure::new(-0.0));
        let kept = Figure::new(0.1 + 0.2).unwrap();
        let read: Figure = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        assert_eq!(read, kept);
    }
}
