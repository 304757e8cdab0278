//! When deploys may begin: windows, freezes, and when there is the next opening.

use crate::model::{EnvironmentPolicy, Freeze, FreezeTime, Window};
use crate::schedule::{Schedule, Zoned};
use crate::time::Millis;

/// The longest way to the next opening, in windows that open and freezes that end.
const MOST_CHANGES: usize = 2_000;

/// Whether a deploy may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// It may, now.
    Open,
    /// Not now.
    Closed {
        /// Why, with the next opening as a clock on the wall shows it.
        why: String,
        /// When to look again: milliseconds since the Unix epoch. `None`: never, as far as the calendar goes.
        opens_unix_ms: Option<u64>,
    },
}

/// Whether a deploy may begin at a moment: in a window, where there are any, and in no freeze.
pub fn opening(policy: &EnvironmentPolicy, unix_ms: u64) -> Opening {
    let calendar = Calendar::of(policy);
    let Some(closed) = calendar.closed(unix_ms) else { return Opening::Open };
    let opens_unix_ms = calendar.next_opening(unix_ms);
    let why = closed.why(opens_unix_ms, calendar.timezone());
    Opening::Closed { why, opens_unix_ms }
}

/// A policy's calendar, its schedules read once.
struct Calendar<'p> {
    windows: Vec<Span<'p>>,
    /// Whether there are any windows at all, readable or not.
    windowed: bool,
    freezes: Vec<(&'p Freeze, FreezeSpan<'p>)>,
}

/// A time that comes again and again.
struct Span<'p> {
    schedule: Schedule,
    timezone: &'p str,
    /// How long it lasts, without what is cut off.
    lasts: Millis,
}

enum FreezeSpan<'p> {
    Again(Box<Span<'p>>),
    Between(u64, u64),
}

/// Why nothing may begin.
enum Closed<'p> {
    Frozen(&'p Freeze),
    NoWindow,
}

impl<'p> Calendar<'p> {
    /// A schedule that cannot be read, which no checked manifest has, opens no window and freezes nothing.
    fn of(policy: &'p EnvironmentPolicy) -> Self {
        let freeze = |freeze: &'p Freeze| {
            let span = match &freeze.when {
                FreezeTime::Schedule(window) => FreezeSpan::Again(Box::new(Span::of(window, window.lasts)?)),
                FreezeTime::Between { from_unix_ms, until_unix_ms } => {
                    FreezeSpan::Between(*from_unix_ms, *until_unix_ms)
                }
            };
            Some((freeze, span))
        };
        let open =
            |window: &'p Window| Span::of(window, Millis(window.lasts.0.saturating_sub(window.cutoff.0)));
        Calendar {
            windows: policy.windows.iter().filter_map(open).collect(),
            windowed: !policy.windows.is_empty(),
            freezes: policy.freezes.iter().filter_map(freeze).collect(),
        }
    }

    fn closed(&self, unix_ms: u64) -> Option<Closed<'p>> {
        let frozen = self.freezes.iter().find(|(_, span)| span.end_of_current(unix_ms).is_some());
        if let Some((freeze, _)) = frozen {
            return Some(Closed::Frozen(freeze));
        }
        let open =
            !self.windowed || self.windows.iter().any(|window| window.end_of_current(unix_ms).is_some());
        (!open).then_some(Closed::NoWindow)
    }

    /// The first moment from `unix_ms` on at which nothing is in the way. Each step is to the next moment at which that may be.
    fn next_opening(&self, unix_ms: u64) -> Option<u64> {
        let mut at = unix_ms;
        for _ in 0..MOST_CHANGES {
            at = match self.closed(at) {
                None => return Some(at),
                Some(Closed::Frozen(_)) => {
                    self.freezes.iter().filter_map(|(_, span)| span.end_of_current(at)).max()?
                }
                Some(Closed::NoWindow) => {
                    self.windows.iter().filter_map(|window| window.schedule.next_after(at)).min()?
                }
            };
        }
        None
    }

    /// The zone in which moments are shown.
    fn timezone(&self) -> &'p str {
        let of_freezes = self.freezes.iter().find_map(|(_, span)| match span {
            FreezeSpan::Again(span) => Some(span.timezone),
            FreezeSpan::Between(..) => None,
        });
        self.windows.first().map(|window| window.timezone).or(of_freezes).unwrap_or("UTC")
    }
}

impl<'p> Span<'p> {
    fn of(window: &'p Window, lasts: Millis) -> Option<Self> {
        let schedule = Schedule::parse(&window.schedule, &window.timezone).ok()?;
        Some(Span { schedule, timezone: &window.timezone, lasts })
    }

    /// When the one that is now ends, by time as it passes; `None`: there is none now.
    fn end_of_current(&self, unix_ms: u64) -> Option<u64> {
        let begun = self.schedule.next_after(unix_ms.saturating_sub(self.lasts.0))?;
        (begun <= unix_ms).then(|| begun.saturating_add(self.lasts.0))
    }
}

impl FreezeSpan<'_> {
    fn end_of_current(&self, unix_ms: u64) -> Option<u64> {
        match self {
            FreezeSpan::Again(span) => span.end_of_current(unix_ms),
            FreezeSpan::Between(from, until) => (*from..*until).contains(&unix_ms).then_some(*until),
        }
    }
}

impl Closed<'_> {
    fn why(&self, opens_unix_ms: Option<u64>, timezone: &str) -> String {
        let next = match opens_unix_ms {
            Some(at) => format!("deploys begin again at {}", Zoned::new(at, timezone)),
            None => "nothing says when deploys begin again".to_owned(),
        };
        match self {
            Closed::Frozen(freeze) => match &freeze.why {
                Some(why) => format!("it is frozen ({why}); {next}"),
                None => format!("it is frozen; {next}"),
            },
            Closed::NoWindow => format!("no window is open; {next}"),
        }
    }
}
