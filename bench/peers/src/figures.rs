//! Figures of rounds, and what is made of several.

use serde::Serialize;

use crate::drive::Taken;

/// What one round, or the middle of several, says of a proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Requests for each second of processor time of the proxy.
    pub per_cpu_second: f64,
    /// How much of its processor the proxy used, 0 to 1.
    pub busy: f64,
    /// Requests a second.
    pub rate: f64,
    /// Milliseconds that half of the requests took at most.
    pub p50_ms: f64,
    /// Milliseconds that 99 in 100 took at most.
    pub p99_ms: f64,
    /// What went wrong, in words; empty where nothing did.
    pub troubles: Vec<String>,
}

impl Figures {
    /// The figures of one round.
    pub fn of(taken: &Taken) -> Self {
        let (cpu, last) = (taken.cpu.as_secs_f64(), taken.last.as_secs_f64());
        let answered = taken.answered as f64;
        Figures {
            per_cpu_second: if cpu > 0.0 { answered / cpu } else { 0.0 },
            busy: cpu / last,
            rate: answered / last,
            p50_ms: taken.latency.quantile_ms(0.5),
            p99_ms: taken.latency.quantile_ms(0.99),
            troubles: taken
                .troubles
                .iter()
                .map(|(trouble, count)| format!("{count} {}", trouble.as_str()))
                .collect(),
        }
    }

    /// The middle of each figure, and everything that went wrong.
    pub fn middle(rounds: &[Figures]) -> Self {
        let middle = |figure: fn(&Figures) -> f64| middle(rounds.iter().map(figure).collect());
        Figures {
            per_cpu_second: middle(|round| round.per_cpu_second),
            busy: middle(|round| round.busy),
            rate: middle(|round| round.rate),
            p50_ms: middle(|round| round.p50_ms),
            p99_ms: middle(|round| round.p99_ms),
            troubles: rounds.iter().flat_map(|round| round.troubles.clone()).collect(),
        }
    }
}

/// The middle value; of an even number the mean of the two in the middle; 0 of none.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_not_the_mean() {
        assert_eq!(middle(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(middle(vec![4.0, 1.0, 2.0, 90.0]), 3.0);
        assert_eq!(middle(Vec::new()), 0.0);
    }
}
