//! In place of moving the branches: the control plane begins their runs and moves them once their tests have passed. What
//! it tells meanwhile goes to whoever pushes; in the end git is told what became of each branch.

use std::io::{self, Read, Write};

use tidegate_api::wire::{PushBody, PushLine, RefUpdate, RefVerdict};
use tidegate_core::model::Name;

use super::pkt_line::{read_group, write_group};
use super::{MOST_UPDATES, broken, update_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;
use crate::session::Session;

/// Speaks with git on standard input and output.
pub(super) fn run(app: &Name, session: &Session) -> Result<Exit, Failure> {
    let (mut input, mut out) = (io::stdin().lock(), io::stdout().lock());
    let updates = agreed(&mut input, &mut out).map_err(|_| broken())?.ok_or_else(broken)?;
    let by = std::env::var("TIDEGATE_GIT_BY").unwrap_or_default();
    let body = PushBody { app: app.clone(), by, updates };
    let verdicts = session.wait(ask(session, &body)).unwrap_or_else(|failure| {
        failure.report();
        vec![
            RefVerdict::Refused("the control plane did not see it to its end".to_owned());
            body.updates.len()
        ]
    });
    let report: Vec<String> =
        body.updates.iter().zip(&verdicts).flat_map(|(of, verdict)| told(of, verdict)).collect();
    write_group(&mut out, &report).map_err(|_| broken())?;
    Ok(Exit::DONE)
}

/// The greeting, and what is to move.
fn agreed(input: &mut impl Read, out: &mut impl Write) -> io::Result<Option<Vec<RefUpdate>>> {
    let greeting = read_group(input, 1)?;
    if !greeting.first().is_some_and(|line| line.starts_with("version=1")) {
        return Ok(None);
    }
    write_group(out, &["version=1".to_owned()])?;
    let updates = read_group(input, MOST_UPDATES)?;
    Ok(updates.iter().map(|line| update_of(line)).collect())
}

async fn ask(session: &Session, body: &PushBody) -> Result<Vec<RefVerdict>, Failure> {
    let mut lines = session.client()?.git_push(body).await?;
    while let Some(line) = lines.next().await? {
        match line {
            PushLine::Said(text) => print::to_stderr(&format!("{text}\n")),
            PushLine::Done(verdicts) if verdicts.len() == body.updates.len() => return Ok(verdicts),
            PushLine::Done(_) => return Err(broken()),
        }
    }
    Err(Failure::environment("the control plane ends", "the run goes on with it: `tidegate pipeline list`"))
}

fn told(update: &RefUpdate, verdict: &RefVerdict) -> Vec<String> {
    let name = &update.name;
    match verdict {
        RefVerdict::Moved => vec![format!("ok {name}")],
        RefVerdict::Plain => vec![format!("ok {name}"), "option fall-through".to_owned()],
        RefVerdict::Refused(why) => vec![format!("ng {name} {}", why.replace('\n', " "))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(groups: &[&[&str]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for group in groups {
            let lines: Vec<String> = group.iter().map(|line| (*line).to_owned()).collect();
            write_group(&mut bytes, &lines).unwrap();
        }
        bytes
    }

    #[test]
    fn greeting_and_updates_are_understood() {
        let (old, new) = ("a".repeat(40), "b".repeat(40));
        let line = format!("{old} {new} refs/heads/main");
        let input = sent(&[&["version=1\0push-options"], &[&line]]);
        let mut out = Vec::new();
        let updates = agreed(&mut input.as_slice(), &mut out).unwrap().unwrap();
        assert_eq!(out, sent(&[&["version=1"]]));
        assert_eq!((updates[0].before.as_str(), updates[0].branch()), (old.as_str(), Some("main")));
    }

    #[test]
    fn another_version_is_refused() {
        let input = sent(&[&["version=2"], &[]]);
        assert!(agreed(&mut input.as_slice(), &mut Vec::new()).unwrap().is_none());
    }

    #[test]
    fn a_reason_stays_on_one_line() {
        let update =
            RefUpdate { name: "refs/heads/main".to_owned(), before: String::new(), after: String::new() };
        assert_eq!(told(&update, &RefVerdict::Refused("a\nb".to_owned())), ["ng refs/heads/main a b"]);
        assert_eq!(told(&update, &RefVerdict::Plain)[1], "option fall-through");
    }
}
