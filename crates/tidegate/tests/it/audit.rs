//! `tidegate audit verify FILE`: a file is verified without a server.

use tidegate_core::access::{Action, Caller};
use tidegate_core::audit::{Anchor, Deed, Entry, Line, begin};

use crate::terminal::Terminal;

const HERE: &str = "4f1b00750123456789abcdef01234567";

/// An export of so many entries, and the anchor it ends with.
fn exported(entries: u64) -> (Vec<String>, Anchor) {
    let mut head = Anchor::of_nothing(HERE, 0);
    let mut prev = begin(HERE);
    let mut lines = Vec::new();
    for seq in 1..=entries {
        let deed = Deed::new(Action::Operate, "scale").by(&Caller::owner(0)).with("instances", seq);
        let link = Entry { seq, at_ms: seq, prev, deed }.link().unwrap();
        (prev, head) = (link.hash, Anchor { seq, hash: link.hash, ..head });
        lines.push(Line::Entry(link).write());
    }
    lines.push(Line::Head(head.clone()).write());
    (lines, head)
}

fn verified(lines: &[String], options: &[&str]) -> (i32, String) {
    let terminal = Terminal::new().file("audit.jsonl", &(lines.join("\n") + "\n"));
    let output = terminal.output(&[&["audit", "verify", "audit.jsonl"], options].concat());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn a_file_that_is_whole_says_what_to_keep() {
    let (lines, head) = exported(4);
    let expected = format!("the log is whole: entries 1 to 4\n  head  {head}\n");
    assert_eq!(verified(&lines, &[]), (0, expected));
    let (_, older) = exported(2);
    assert_eq!(verified(&lines, &["--anchor", &older.to_string()]).0, 0, "an anchor may be behind");
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_exits_with_1() {
    let (lines, _) = exported(4);
    let mut altered = lines.clone();
    altered[1] = altered[1].replace("\"2\"", "\"3\"");
    let (code, said) = verified(&altered, &[]);
    assert_eq!(code, 1);
    assert!(said.starts_with("error: the log is not whole: entry 2: it was altered"), "{said}");
    let mut swapped = lines.clone();
    swapped.swap(1, 2);
    assert!(verified(&swapped, &[]).1.contains("entry 2: it was swapped with entry 3"));
    assert!(verified(&lines[..3], &[]).1.contains("its end is missing"));
    let (_, newer) = exported(9);
    let (code, said) = verified(&lines, &["--anchor", &newer.to_string(), "--json"]);
    assert_eq!(code, 1);
    assert!(said.contains("\"whole\": false") && said.contains("\"known\": 9"), "{said}");
}

#[test]
fn what_is_no_anchor_is_the_users_mistake() {
    let (lines, _) = exported(1);
    let (code, said) = verified(&lines, &["--anchor", "17"]);
    assert_eq!(code, 1);
    assert!(said.contains("`17` is no anchor") && said.contains("help: "), "{said}");
}
