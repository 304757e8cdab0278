//! What came of a question.

use serde::{Deserialize, Serialize};

use super::{Answered, Counted};
use crate::model::{CheckSpec, Figure, Unreachable};
use crate::time::Moment;

/// The longest message that is kept, in characters.
const LONGEST: usize = 300;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A number, to be held against the limits.
    Number(Figure),
    /// A yes or a no.
    Said {
        /// Which.
        good: bool,
        /// In words: `status 200`.
        what: String,
    },
    /// No answer, or none that says anything: nobody there, no data, no number.
    None(String),
}

/// An answer and when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When the question was asked.
    pub asked_at: Moment,
    /// What came of it.
    pub answer: Answer,
}

impl Heard {
    /// What it means to a check.
    pub fn answered(&self, spec: &CheckSpec) -> Answered {
        let (counted, value, message) = match &self.answer {
            Answer::Number(number) => held_against(spec, *number),
            Answer::Said { good: true, what } => (Counted::Good, None, what.clone()),
            Answer::Said { good: false, what } => (Counted::Bad, None, what.clone()),
            Answer::None(why) => without_answer(spec.unreachable, why),
        };
        let message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
        let answers = !matches!(self.answer, Answer::None(_));
        Answered { asked_at: self.asked_at, counted, answers, value, message }
    }
}

fn held_against(spec: &CheckSpec, number: Figure) -> (Counted, Option<Figure>, String) {
    let low = spec.min.filter(|min| number < *min).map(|min| format!("{number} is less than {min}"));
    let high = spec.max.filter(|max| number > *max).map(|max| format!("{number} is more than {max}"));
    match low.or(high) {
        Some(message) => (Counted::Bad, Some(number), message),
        None => {
            let limits = spec.limits().map(|limits| format!(" ({limits})")).unwrap_or_default();
            (Counted::Good, Some(number), format!("{number}{limits}"))
        }
    }
}

fn without_answer(means: Unreachable, why: &str) -> (Counted, Option<Figure>, String) {
    match means {
        Unreachable::Hold => (Counted::Nothing, None, why.to_owned()),
        Unreachable::Fail => (Counted::Bad, None, why.to_owned()),
        Unreachable::Pass => (Counted::Good, None, format!("{why}; that counts as passed")),
    }
}
