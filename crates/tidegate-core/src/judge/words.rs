//! Shares and times as people say them, for those who tell what a decision takes.

/// `0.1 %`.
pub fn percent(share: f64) -> String {
    let text = format!("{:.6}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `8 min`, about.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{seconds} s"),
        91..=5_400 => format!("{:.0} min", seconds as f64 / 60.0),
        5_401..=172_800 => format!("{:.1} h", seconds as f64 / 3_600.0),
        _ => format!("{:.0} days", seconds as f64 / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_short_as_they_can_be() {
        assert_eq!([0.001, 0.1, 0.00125].map(percent), ["0.1 %", "10 %", "0.125 %"]);
        assert_eq!([90, 480, 9_000, 800_000].map(span), ["90 s", "8 min", "2.5 h", "9 days"]);
    }
}
