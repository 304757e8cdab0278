//! One request that is copied, until all answers to it are known. Lives on the thread of the copies: comparing costs no worker
//! any time.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};
use tidegate_core::model::{Compared, MirrorAnswer, MirrorDifference};
use tokio::sync::oneshot;

use super::Standing;
use super::answer::{Answer, text};
use super::ledger::Ledger;

/// Most characters of a path that are kept.
const LONGEST_PATH: usize = 256;
/// What differs where there is no answer.
const NO_ANSWER: &str = "answer";

/// What is known of a request besides its answers.
#[derive(Debug)]
pub(super) struct About {
    pub(super) request: HeaderValue,
    pub(super) method: Method,
    path: String,
    /// The revision that gets the copy.
    pub(super) copy: HeaderValue,
}

impl About {
    /// `request` is its id.
    pub(super) fn new(request: HeaderValue, method: Method, path: &str, copy: HeaderValue) -> Self {
        About { request, method, path: path.chars().take(LONGEST_PATH).collect(), copy }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Case {
    standing: Arc<Standing>,
    about: About,
    original: oneshot::Receiver<Answer>,
}

/// The answers that were asked for beside the client's. `None`: there was none.
#[derive(Debug)]
pub(super) struct Others {
    /// To the copy.
    pub(super) copy: Option<Answer>,
    /// Stable's second one, where it was asked for.
    pub(super) again: Option<Option<Answer>>,
}

impl Case {
    /// The other end is what the client's answer comes by.
    pub(super) fn new(standing: Arc<Standing>, about: About) -> (Case, oneshot::Sender<Answer>) {
        let (tell, original) = oneshot::channel();
        (Case { standing, about, original }, tell)
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.standing.ledger
    }

    /// Whether stable is asked before the candidate this time: neither is always the later one.
    pub(super) fn stable_first(&self) -> bool {
        self.standing.flips()
    }

    /// Waits for the client's answer, which may take a little longer, and compares.
    pub(super) async fn settle(mut self, others: Others, within: Duration) {
        if others.copy.is_none() {
            self.ledger().count(|counts| &mut counts.failed);
        }
        match tokio::time::timeout(within, &mut self.original).await {
            Ok(Ok(original)) => self.compare(&original, others),
            // Not all of an answer came, or not in time.
            Ok(Err(_)) | Err(_) if others.copy.is_some() => self.ledger().count(|counts| &mut counts.alone),
            Ok(Err(_)) | Err(_) => {}
        }
    }

    fn compare(self, original: &Answer, Others { copy, again }: Others) {
        let no_answer = || vec![NO_ANSWER.to_owned()];
        let differs = copy.as_ref().map_or_else(no_answer, |copy| original.differs(copy));
        let by_itself = again.map(|again| again.is_none_or(|again| !original.differs(&again).is_empty()));
        if copy.is_some() && differs.is_empty() {
            self.ledger().count(|counts| &mut counts.same);
        } else if copy.is_some() {
            self.ledger().count(|counts| &mut counts.different);
        }
        if let Some(by_itself) = by_itself {
            self.ledger().on_compared(&self.compared(original, !differs.is_empty(), by_itself));
        }
        // What differs by itself says nothing of the candidate.
        if !differs.is_empty() && by_itself != Some(true) {
            self.ledger().on_difference(self.difference(original, copy, differs));
        }
    }

    fn compared(&self, original: &Answer, candidate: bool, stable: bool) -> Compared {
        Compared {
            stable: original.revision(),
            candidate: text(&self.about.copy),
            requests: 1,
            candidate_differs: u64::from(candidate),
            stable_differs: u64::from(stable),
            both_differ: u64::from(candidate && stable),
        }
    }

    fn difference(&self, original: &Answer, copy: Option<Answer>, differs: Vec<String>) -> MirrorDifference {
        let About { request, method, path, copy: revision } = &self.about;
        let none = || MirrorAnswer {
            revision: text(revision),
            status: 0,
            bytes: 0,
            whole: false,
            sha256: String::new(),
            latency_ms: 0,
        };
        MirrorDifference {
            request: text(request),
            method: method.to_string(),
            path: path.clone(),
            differs,
            original: original.report(),
            copy: copy.map_or_else(none, |copy| copy.report()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::answer::tests::answer;
    use tidegate_core::model::{MirrorCounts, MirrorReport};

    const WITHIN: Duration = Duration::from_secs(5);

    fn case(standing: &Arc<Standing>) -> (Case, oneshot::Sender<Answer>) {
        let (id, copy) = (HeaderValue::from_static("id-1"), HeaderValue::from_static("r2"));
        Case::new(standing.clone(), About::new(id, Method::GET, "/a", copy))
    }

    fn ok(body: &[u8]) -> Answer {
        answer(200, "a", body)
    }

    /// The client's answer, the copy's, stable's second one.
    type Answers = (Option<Answer>, Option<Answer>, Option<Option<Answer>>);

    /// What the ledger says after these.
    fn after(cases: Vec<Answers>) -> MirrorReport {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let standing = Arc::new(Standing::new(1));
        for (original, copy, again) in cases {
            let (case, tell) = case(&standing);
            match original {
                Some(original) => tell.send(original).unwrap(),
                None => drop(tell),
            }
            runtime.block_on(case.settle(Others { copy, again }, WITHIN));
        }
        standing.ledger.report("web", 100).unwrap()
    }

    #[test]
    fn answers_are_compared_and_those_to_nothing_counted_apart() {
        let report = after(vec![
            (Some(ok(b"x")), Some(ok(b"x")), None),
            (Some(ok(b"x")), Some(answer(404, "a", b"x")), None),
            (None, Some(ok(b"x")), None),
            (None, None, None),
        ]);
        let counts = MirrorCounts { same: 1, different: 1, alone: 1, failed: 1, ..MirrorCounts::default() };
        assert_eq!((report.counts, report.compared.len()), (counts, 0));
        let [difference] = &report.latest[..] else { panic!("{report:?}") };
        assert_eq!((difference.request.as_str(), difference.path.as_str()), ("id-1", "/a"));
        assert_eq!(difference.differs, ["status"]);
        assert_eq!(difference.to_string(), "GET /a: 200 to 404 (status)");
    }

    #[test]
    fn what_differs_by_itself_is_told_from_what_only_the_candidate_does() {
        let noise = || (Some(ok(b"1")), Some(ok(b"2")), Some(Some(ok(b"3"))));
        let report = after(vec![
            (Some(ok(b"x")), Some(ok(b"x")), Some(Some(ok(b"x")))),
            noise(),
            (Some(ok(b"x")), Some(ok(b"y")), Some(Some(ok(b"x")))),
            (Some(ok(b"x")), Some(ok(b"x")), Some(None)),
            (Some(ok(b"x")), None, Some(Some(ok(b"x")))),
            // Nothing to compare with: no evidence either way.
            (None, Some(ok(b"x")), Some(Some(ok(b"y")))),
        ]);
        let [compared] = &report.compared[..] else { panic!("{report:?}") };
        assert_eq!((compared.stable.as_str(), compared.candidate.as_str()), ("r1", "r2"));
        let counts = (compared.requests, compared.candidate_differs, compared.stable_differs);
        assert_eq!((counts, compared.both_differ), ((5, 3, 2), 1));
        let told: Vec<String> = report.latest.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["GET /a: 200 (body)", "GET /a: 200 to no answer"]);
    }

    #[test]
    fn only_the_latest_differences_are_kept() {
        let cases =
            (400..450).map(|status| (Some(ok(b"x")), Some(answer(status, "a", b"x")), None)).collect();
        let report = after(cases);
        let kept: Vec<u16> = report.latest.iter().map(|difference| difference.copy.status).collect();
        assert_eq!((report.counts.different, kept), (50, (434..450).collect()));
    }
}
