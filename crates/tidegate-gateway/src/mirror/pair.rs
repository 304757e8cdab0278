//! A request and its copy, until both answers are known. Whichever comes second is compared with the first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderValue, Method};
use tidegate_core::model::MirrorDifference;

use super::answer::Answer;
use super::{Ledger, Standing};

/// Most characters of a path that are kept.
const LONGEST_PATH: usize = 256;

/// See the module. The worker has one end, the thread of the copies the other.
#[derive(Clone, Debug)]
pub(super) struct Pair(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    standing: Arc<Standing>,
    request: HeaderValue,
    method: Method,
    path: String,
    sides: Mutex<Sides>,
}

/// The answers.
#[derive(Debug, Default)]
struct Sides {
    original: Side,
    copy: Side,
}

/// One of them.
#[derive(Debug, Default)]
#[expect(clippy::large_enum_variant, reason = "two of them, in an allocation of their own")]
enum Side {
    #[default]
    Awaited,
    Here(Answer),
    /// There will be none to compare.
    Lost,
}

impl Side {
    fn of(answer: Option<Answer>) -> Self {
        answer.map_or(Side::Lost, Side::Here)
    }
}

impl Pair {
    /// `request` is its id.
    pub(super) fn new(standing: Arc<Standing>, request: HeaderValue, method: Method, path: &str) -> Self {
        let path = path.chars().take(LONGEST_PATH).collect();
        Pair(Arc::new(Inner { standing, request, method, path, sides: Mutex::default() }))
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.standing.ledger
    }

    /// What the client got; `None`: not all of an answer.
    pub(super) fn on_original(&self, answer: Option<Answer>) {
        let mut sides = self.lock();
        sides.original = Side::of(answer);
        self.settle(&sides);
    }

    /// What the copy got. One without an answer is counted by whoever knows why.
    pub(super) fn on_copy(&self, answer: Option<Answer>) {
        let mut sides = self.lock();
        sides.copy = Side::of(answer);
        self.settle(&sides);
    }

    fn lock(&self) -> MutexGuard<'_, Sides> {
        self.0.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, sides: &Sides) {
        match (&sides.original, &sides.copy) {
            (Side::Here(original), Side::Here(copy)) => self.compare(original, copy),
            (Side::Lost, Side::Here(_)) => self.ledger().count(|counts| &mut counts.alone),
            (Side::Awaited, _) | (_, Side::Awaited | Side::Lost) => {}
        }
    }

    fn compare(&self, original: &Answer, copy: &Answer) {
        let Inner { request, method, path, .. } = &*self.0;
        let differs = original.differs(copy);
        if differs.is_empty() {
            return self.ledger().count(|counts| &mut counts.same);
        }
        self.ledger().on_difference(MirrorDifference {
            request: request.to_str().unwrap_or_default().to_owned(),
            method: method.to_string(),
            path: path.clone(),
            differs: differs.into_iter().map(str::to_owned).collect(),
            original: original.report(),
            copy: copy.report(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::answer::tests::answer;
    use tidegate_core::model::MirrorCounts;

    fn pair(standing: &Arc<Standing>) -> Pair {
        Pair::new(standing.clone(), HeaderValue::from_static("id-1"), Method::GET, "/a")
    }

    #[test]
    fn whichever_is_second_is_compared_once() {
        let standing = Arc::new(Standing::new(1));
        let first = pair(&standing);
        first.on_original(Some(answer(200, "a", b"x")));
        assert_eq!(standing.ledger.report("web", 100), None);
        first.on_copy(Some(answer(200, "a", b"x")));
        let second = pair(&standing);
        second.on_copy(Some(answer(404, "a", b"x")));
        second.on_original(Some(answer(200, "a", b"x")));
        let report = standing.ledger.report("web", 100).unwrap();
        assert_eq!(report.counts, MirrorCounts { same: 1, different: 1, ..MirrorCounts::default() });
        let [difference] = &report.latest[..] else { panic!("{report:?}") };
        assert_eq!((difference.request.as_str(), difference.path.as_str()), ("id-1", "/a"));
        assert_eq!(difference.differs, ["status"]);
        assert_eq!((difference.original.status, difference.copy.status), (200, 404));
    }

    #[test]
    fn an_answer_to_nothing_is_counted_apart_and_only_the_latest_differences_are_kept() {
        let standing = Arc::new(Standing::new(1));
        let lost = pair(&standing);
        lost.on_original(None);
        lost.on_copy(Some(answer(200, "a", b"x")));
        for status in 400..450 {
            let pair = pair(&standing);
            pair.on_original(Some(answer(200, "a", b"x")));
            pair.on_copy(Some(answer(status, "a", b"x")));
        }
        let report = standing.ledger.report("web", 100).unwrap();
        assert_eq!((report.counts.alone, report.counts.different), (1, 50));
        let kept: Vec<u16> = report.latest.iter().map(|difference| difference.copy.status).collect();
        assert_eq!(kept, (434..450).collect::<Vec<_>>());
    }
}
