//! What is said, and how often it is tried.

use super::*;
use crate::model::{Notify, Place};

fn notice(message: &str) -> Notice {
    Notice {
        seq: 41,
        place: 1,
        to: NotifyTo::Chat { url: Place::Secret("CHAT".to_owned()) },
        event: Event::about("shop", "production", "pipeline.failed", message),
        at: "2026-01-02T03:04:05.000Z".to_owned(),
        tries: 0,
        due: Moment(0),
    }
}

fn mail(message: &str) -> String {
    let to = ["ops@example.com".to_owned(), "ann@example.com".to_owned()];
    letter(&notice(message), ("tidegate@example.com", &to), "Fri, 02 Jan 2026 03:04:05 +0000")
}

#[test]
fn waits_grow_to_an_hour_and_end() {
    let waits: Vec<_> = (1..MOST_TRIES).map(|tries| next_try(tries).unwrap()).collect();
    assert_eq!(waits[..3], [Millis::seconds(10), Millis::seconds(20), Millis::seconds(40)]);
    assert!(
        waits.windows(2).all(|pair| pair[0] <= pair[1]) && waits.iter().all(|wait| *wait <= LONGEST_WAIT)
    );
    let hours = waits.iter().map(|wait| wait.0).sum::<u64>() / 3_600_000;
    assert!((6..=12).contains(&hours), "{hours}");
    assert_eq!((next_try(MOST_TRIES), next_try(u32::MAX)), (None, None));
}

#[test]
fn a_cloud_event_has_what_the_specification_asks_for() {
    let event = notice("run 7 failed").cloud_event("/tidegate");
    let text = |name: &str| event[name].as_str().unwrap().to_owned();
    assert_eq!(text("specversion"), "1.0");
    assert_eq!((text("id"), text("source")), ("41-1".to_owned(), "/tidegate".to_owned()));
    assert_eq!(
        (text("type"), text("subject")),
        ("tidegate.pipeline.failed".to_owned(), "shop/production".to_owned())
    );
    assert_eq!(event["data"]["occasion"], "failed");
    assert_eq!(event["data"]["message"], "run 7 failed");
}

#[test]
fn a_chat_is_not_made_to_link_or_to_mention_anybody() {
    let text = notice("<!channel> @here <http://evil.example|all is well>").chat()["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(text.starts_with("shop/production: &lt;!channel&gt;"), "{text}");
    assert!(!text.contains('<') && !text.contains("@here"), "{text}");
}

#[test]
fn a_letter_keeps_its_shape_whatever_a_commit_says() {
    let said = mail("run 7 failed\r\nBcc: all@example.com\r\n.\r\nDATA");
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.lines().all(|line| !line.starts_with("Bcc")), "{head}");
    assert!(head.contains("Message-ID: <tidegate-41-1@example.com>"));
    assert!(body.lines().all(|line| line != "."), "{body}");
    assert!(said.split("\r\n").all(|line| !line.contains(['\r', '\n'])));
}

#[test]
fn long_lines_are_broken_and_subjects_are_ascii() {
    let said = mail(&"ä".repeat(2_000));
    assert!(said.lines().all(|line| line.len() <= 998));
    let head = said.split_once("\r\n\r\n").unwrap().0;
    assert!(head.is_ascii() && head.contains("Subject: =?utf-8?Q?"), "{head}");
}

#[test]
fn everybody_hears_of_broken_glass() {
    let notify = |on| Notify { to: notice("").to, on };
    assert!(notify(vec![Occasion::Waiting]).wants(Occasion::BreakGlass));
    assert!(!notify(vec![Occasion::Waiting]).wants(Occasion::Failed));
    assert!(notify(Vec::new()).wants(Occasion::Begun));
}
