//! Wall-clock time as RFC 3339 writes it, in UTC. Lines come many a second: the second is written once and kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Writes times. Cheapest where they do not jump back and forth.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: Option<u64>,
    text: [u8; 20],
}

impl Stamp {
    /// `2026-11-22T08:56:17.123456Z`.
    pub(super) fn write(&mut self, at: SystemTime, out: &mut Vec<u8>) {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        if self.second != Some(since.as_secs()) {
            self.text = second_text(since.as_secs());
            self.second = Some(since.as_secs());
        }
        out.extend_from_slice(&self.text);
        let mut micros = since.subsec_micros();
        let mut digits = *b"000000Z";
        for digit in digits[..6].iter_mut().rev() {
            *digit = b'0' + (micros % 10) as u8;
            micros /= 10;
        }
        out.extend_from_slice(&digits);
    }
}

/// `2026-11-22T08:56:17.`
fn second_text(second: u64) -> [u8; 20] {
    let (year, month, day) = date(second / 86_400);
    let time = second % 86_400;
    let mut text = *b"0000-00-00T00:00:00.";
    put(&mut text[0..4], year);
    put(&mut text[5..7], month);
    put(&mut text[8..10], day);
    put(&mut text[11..13], time / 3_600);
    put(&mut text[14..16], time / 60 % 60);
    put(&mut text[17..19], time % 60);
    text
}

fn put(digits: &mut [u8], mut value: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day since 1970. Counted from March on, so that the day leap years add comes last.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970_FROM_MARCH_OF_0: u64 = 719_468;
    let days = days + DAYS_TO_1970_FROM_MARCH_OF_0;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: u64, micros: u64) -> String {
        let mut out = Vec::new();
        let at = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros);
        Stamp::default().write(at, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_times() {
        assert_eq!(written(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(written(951_782_400, 1), "2000-02-29T00:00:00.000001Z");
        assert_eq!(written(1_709_251_199, 999_999), "2024-02-29T23:59:59.999999Z");
        assert_eq!(written(1_795_337_777, 123_456), "2026-11-22T08:56:17.123456Z");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = date(0);
        for days in 1..200_000 {
            let (year, month, day) = date(days);
            let next = (year, month, day) == (before.0, before.1, before.2 + 1)
                || (year, month, day) == (before.0, before.1 + 1, 1)
                || (year, month, day) == (before.0 + 1, 1, 1) && before.1 == 12;
            assert!(next && day <= 31 && month <= 12, "{before:?} {year}-{month}-{day}");
            before = (year, month, day);
        }
    }

    #[test]
    fn the_kept_second_is_not_taken_for_another() {
        let mut stamp = Stamp::default();
        let mut out = Vec::new();
        for second in [1, 1, 2] {
            out.clear();
            stamp.write(UNIX_EPOCH + Duration::from_secs(second), &mut out);
            assert_eq!(out, format!("1970-01-01T00:00:0{second}.000000Z").into_bytes());
        }
    }
}
