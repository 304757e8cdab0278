//! Zones by their names, and instants as a zone shows them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// An instant as the clocks of a zone show it: `2026-03-29 03:00:00 +02:00`.
#[derive(Clone, Debug)]
pub struct Zoned(jiff::Zoned);

impl Zoned {
    /// Milliseconds since the Unix epoch in a zone; in UTC where there is no such zone.
    pub fn new(unix_ms: u64, timezone: &str) -> Self {
        let instant = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Zoned(instant.unwrap_or_default().to_zoned(zone(timezone).unwrap_or(TimeZone::UTC)))
    }
}

impl fmt::Display for Zoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%d %H:%M:%S %:z"))
    }
}

/// What a day (`2026-12-20`: its beginning) or a time of a day (`2026-12-20T18:00`) means in a zone, in milliseconds since the Unix
/// epoch. A time that is left out is the one after the gap, one that comes twice the first. `None`: no such day, no such zone,
/// or before 1970.
pub fn instant(civil: &str, timezone: &str) -> Option<u64> {
    let shown = parse_civil(civil)?;
    let instant = zone(timezone)?.to_ambiguous_zoned(shown).compatible().ok()?;
    u64::try_from(instant.timestamp().as_millisecond()).ok()
}

/// Whether a text is a day of the calendar, or a time of one.
pub fn is_civil(text: &str) -> bool {
    parse_civil(text).is_some()
}

/// Years have four digits here, and no sign: what people write, not all that the standard has.
fn parse_civil(text: &str) -> Option<DateTime> {
    let year = text.get(..4)?;
    let plain = text.len() <= 19 && year.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// The names of all zones.
pub fn zones() -> Vec<String> {
    database().available().map(|name| name.to_string()).collect()
}

/// The zone of a name, as IANA writes it.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    database().get(name).ok().filter(|zone| zone.iana_name() == Some(name))
}

/// The one the program was built with: files of the machine are not looked at.
fn database() -> TimeZoneDatabase {
    TimeZoneDatabase::bundled()
}
