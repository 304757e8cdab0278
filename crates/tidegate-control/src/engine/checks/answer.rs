//! From what came of a question to what it says of a candidate.

use tidegate_core::check::Answer;
use tidegate_core::model::{CheckSource, CheckSpec, Exit, Figure, InstanceId};

use super::super::ask::{self, Fetched, Reply};

/// A shell's way to say that there is no such command, or that it cannot be run: nothing was asked.
const NOT_RUN: [i32; 2] = [126, 127];

/// What a reply says.
pub(super) fn of(check: &CheckSpec, reply: Result<Reply, String>, unit: &InstanceId) -> Answer {
    let reply = match reply {
        Ok(reply) => reply,
        Err(why) => return Answer::None(why),
    };
    let wants_number = check.limits().is_some();
    match (&check.source, reply) {
        (CheckSource::Prometheus { .. }, Reply::Fetched(fetched)) => ask::answer_of(&fetched),
        (CheckSource::Http { expect, .. }, Reply::Fetched(fetched)) => {
            of_status(*expect, &fetched, wants_number)
        }
        (CheckSource::Command(_), Reply::Ended { exit, last_line }) => {
            of_exit(&exit, last_line.as_deref(), wants_number, unit)
        }
        (CheckSource::Prometheus { .. } | CheckSource::Http { .. }, Reply::Ended { .. })
        | (CheckSource::Command(_), Reply::Fetched(_)) => {
            Answer::None("the answer is to another question".to_owned())
        }
    }
}

fn of_status(expect: Option<u16>, fetched: &Fetched, wants_number: bool) -> Answer {
    let status = fetched.status;
    let good = expect.map_or((200..300).contains(&status), |expected| expected == status);
    match (good, wants_number) {
        (true, true) => of_number(&fetched.body),
        (false, true) => Answer::None(format!("status {status} in place of a number")),
        (good, false) => Answer::Said { good, what: format!("status {status}") },
    }
}

fn of_exit(exit: &Exit, last_line: Option<&str>, wants_number: bool, unit: &InstanceId) -> Answer {
    let asked = exit.code.is_some_and(|code| !NOT_RUN.contains(&code)) && exit.trouble.is_none();
    let told = format!("{exit}; `tidegate logs --unit {unit}` has its output");
    match (exit.success(), wants_number) {
        (true, true) => of_number(last_line.unwrap_or_default()),
        (true, false) => Answer::Said { good: true, what: exit.to_string() },
        (false, false) if asked => Answer::Said { good: false, what: told },
        (false, _) => Answer::None(told),
    }
}

fn of_number(text: &str) -> Answer {
    number(text)
        .map_or_else(|| Answer::None("the answer does not begin with a number".to_owned()), Answer::Number)
}

/// The number a text begins with, up to white space.
fn number(text: &str) -> Option<Figure> {
    text.split_whitespace().next()?.parse().ok().and_then(Figure::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::Unreachable;
    use tidegate_core::time::Millis;

    fn check(source: CheckSource, max: Option<f64>) -> CheckSpec {
        CheckSpec {
            source,
            min: None,
            max: max.and_then(Figure::new),
            every: Millis::seconds(1),
            timeout: Millis::seconds(1),
            failures: 1,
            unreachable: Unreachable::Hold,
            guard: true,
        }
    }

    fn fetched(expect: Option<u16>, max: Option<f64>, status: u16, body: &str) -> Answer {
        let http = CheckSource::Http { url: String::new(), expect, token: None };
        let reply = Reply::Fetched(Fetched { status, body: body.to_owned() });
        of(&check(http, max), Ok(reply), &InstanceId("check-c-1".into()))
    }

    fn ended(max: Option<f64>, exit: Exit, last_line: &str) -> Answer {
        let reply = Reply::Ended { exit, last_line: Some(last_line.to_owned()) };
        of(&check(CheckSource::Command("x".into()), max), Ok(reply), &InstanceId("check-c-1".into()))
    }

    fn code(code: i32) -> Exit {
        Exit { code: Some(code), ..Exit::default() }
    }

    fn says(answer: &Answer) -> Option<bool> {
        match answer {
            Answer::Said { good, .. } => Some(*good),
            Answer::Number(_) | Answer::None(_) => None,
        }
    }

    fn is_none(answer: &Answer) -> bool {
        matches!(answer, Answer::None(_))
    }

    #[test]
    fn a_status_is_a_yes_or_a_no() {
        let said = |expect, status| says(&fetched(expect, None, status, ""));
        assert_eq!(
            (said(None, 204), said(None, 302), said(None, 500)),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!((said(Some(302), 302), said(Some(302), 200)), (Some(true), Some(false)));
    }

    #[test]
    fn with_limits_the_number_is_the_answer() {
        let number = |text: &str| Answer::Number(Figure::new(text.parse().unwrap()).unwrap());
        assert_eq!(fetched(None, Some(1.0), 200, " 0.5 of it\n"), number("0.5"));
        assert!(is_none(&fetched(None, Some(1.0), 500, "0.5")), "an error page is no number");
        for body in ["", "none", "NaN", "inf"] {
            assert!(is_none(&fetched(None, Some(1.0), 200, body)), "{body}");
        }
        assert_eq!(ended(Some(1.0), code(0), "-3e2"), number("-300"));
        assert!(is_none(&ended(Some(1.0), code(1), "0")));
    }

    #[test]
    fn an_exit_is_an_answer_where_the_command_ran() {
        assert_eq!(says(&ended(None, code(0), "")), Some(true));
        assert_eq!(says(&ended(None, code(3), "")), Some(false));
        assert!(is_none(&ended(None, code(127), "sh: nothing: not found")));
        assert!(is_none(&ended(None, Exit { signal: Some(9), ..Exit::default() }, "")));
        assert!(is_none(&ended(None, Exit::trouble("no cgroup"), "")));
    }
}
