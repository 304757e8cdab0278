//! The largest value of the last while, as little of it as is needed: values that stay the same add nothing, so that what is
//! kept changes only when something happens.

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Moment};

/// Values over time, the larger ones first. The last one holds until now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window {
    /// What was, until when, falling; then what is.
    values: Vec<(u32, Option<Moment>)>,
}

impl Window {
    /// A value that held until now.
    pub(super) fn new(value: u32) -> Self {
        Window { values: vec![(value, None)] }
    }

    /// Takes in the value of now and forgets what is past the span.
    pub(super) fn note(&mut self, value: u32, now: Moment, span: Millis) {
        let last = self.values.last().map(|(value, _)| *value);
        if last != Some(value) {
            if let Some((_, until)) = self.values.last_mut() {
                *until = Some(now);
            }
            self.values.retain(|(earlier, _)| *earlier > value);
            self.values.push((value, None));
        }
        self.values.retain(|(_, until)| until.is_none_or(|until| now.since(until) <= span));
    }

    /// The largest value within the span that was noted last.
    pub(super) fn largest(&self) -> u32 {
        self.values.first().map_or(0, |(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Millis = Millis(100);

    #[test]
    fn a_value_counts_for_the_span_after_it_ended() {
        let mut window = Window::new(3);
        window.note(1, Moment(10), SPAN);
        assert_eq!(window.largest(), 3);
        window.note(2, Moment(60), SPAN);
        window.note(2, Moment(110), SPAN);
        assert_eq!(window.largest(), 3);
        window.note(2, Moment(111), SPAN);
        assert_eq!(window.largest(), 2);
    }

    #[test]
    fn a_larger_value_takes_the_place_of_smaller_ones() {
        let mut window = Window::new(1);
        window.note(2, Moment(1), SPAN);
        window.note(5, Moment(2), SPAN);
        assert_eq!(window, Window::new(5));
    }

    #[test]
    fn what_stays_the_same_changes_nothing() {
        let mut window = Window::new(4);
        for at in 0..1_000 {
            window.note(4, Moment(at), SPAN);
        }
        assert_eq!(window, Window::new(4));
    }
}
