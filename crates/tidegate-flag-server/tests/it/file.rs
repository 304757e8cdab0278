//! A file that changes while it is served.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_flag_server::{Board, FlagFile, Following, News};
use tidegate_flags::Options;

use super::stage::{eventually, flags, released};

struct Kept {
    folder: TempDir,
    board: Arc<Board>,
    news: Receiver<String>,
    _following: Following,
}

impl Kept {
    fn new() -> Kept {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flags.json");
        fs::write(&path, flags().to_string()).unwrap();
        let file = FlagFile::new(path, Options::default());
        let board = Board::new(file.read().unwrap());
        let (tell, news) = channel();
        let following = file.follow(board.clone(), move |news| {
            let _ = tell.send(match news {
                News::Served(flags) => format!("served {flags}"),
                News::Refused(error) => error.to_string(),
            });
        });
        Kept { folder, board, news, _following: following.unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("flags.json")
    }

    fn rename(&self, flags: &Value) {
        let beside = self.folder.path().join("beside");
        fs::write(&beside, flags.to_string()).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    fn heard(&self) -> String {
        self.news.recv_timeout(Duration::from_secs(10)).unwrap()
    }
}

fn one_more() -> Value {
    let mut flags = released();
    flags["flags"]["more"] = flags["flags"]["banner"].clone();
    flags
}

#[test]
fn written_in_place_or_put_in_its_place_it_is_served() {
    let kept = Kept::new();
    fs::write(kept.path(), released().to_string()).unwrap();
    assert_eq!(kept.heard(), "served 12");
    kept.rename(&one_more());
    assert_eq!(kept.heard(), "served 13");
    fs::write(
        kept.path(),
        "flags:\n  one:\n    state: ENABLED\n    variants: { a: true }\n    defaultVariant: a\n",
    )
    .unwrap();
    assert_eq!(kept.heard(), "served 1");
}

#[test]
fn behind_a_link_that_is_turned_it_is_served() {
    let kept = Kept::new();
    let (there, link) = (kept.folder.path().join("there"), kept.folder.path().join("link"));
    fs::write(&there, one_more().to_string()).unwrap();
    std::os::unix::fs::symlink(&there, &link).unwrap();
    fs::rename(&link, kept.path()).unwrap();
    assert_eq!(kept.heard(), "served 13");
}

#[test]
fn while_it_is_broken_what_was_good_stays() {
    let kept = Kept::new();
    fs::write(kept.path(), "{\"flags\": {\"a\": 1}}").unwrap();
    let said = kept.heard();
    assert!(said.ends_with("flags.json: /flags/a: a flag is an object"), "{said}");
    assert_eq!(kept.board.now().flags(), 12);
    assert_eq!(kept.board.standing().trouble, Some(said));
    kept.rename(&flags());
    assert_eq!(kept.heard(), "served 12", "the same flags, but well again");
    assert_eq!(kept.board.standing().trouble, None);
}

#[test]
fn a_file_that_is_gone_is_said_once_and_found_again() {
    let kept = Kept::new();
    fs::remove_file(kept.path()).unwrap();
    assert!(kept.heard().contains("flags.json cannot be read"));
    fs::write(kept.path(), flags().to_string()).unwrap();
    assert_eq!(kept.heard(), "served 12");
    eventually("well again", || kept.board.standing().trouble.is_none().then_some(()));
    assert!(kept.news.try_recv().is_err(), "nothing else was said");
}

#[test]
fn an_editor_that_takes_the_file_away_for_a_moment_breaks_nothing() {
    let kept = Kept::new();
    fs::remove_file(kept.path()).unwrap();
    fs::write(kept.path(), "").unwrap();
    fs::write(kept.path(), released().to_string()).unwrap();
    assert_eq!(kept.heard(), "served 12");
}
