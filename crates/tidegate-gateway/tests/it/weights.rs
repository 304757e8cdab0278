//! Shares of arms.

use tidegate_core::model::ArmRole;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::Upstream;

#[test]
fn measured_shares_are_the_weights() {
    let stage = Stage::new();
    let (stable, candidate) = (Upstream::saying("stable"), Upstream::saying("candidate"));
    stage.apply(&with_arms(
        1,
        vec![
            arm(ArmRole::Stable, 1, 93, &[("web-1", stable.address)]),
            arm(ArmRole::Candidate, 2, 7, &[("web-2", candidate.address)]),
        ],
    ));
    let address = stage.address;
    let ask = move || {
        let mut client = Client::new(address);
        (0..2_500).filter(|_| client.get("a", "/").text() == "candidate").count()
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(ask)).collect();
    let hits: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!((650..=750).contains(&hits), "{hits} of 10,000 at 7 %");
}

#[test]
fn a_candidate_that_fails_at_once_attracts_nothing() {
    let stage = Stage::new();
    let stable = Upstream::saying("stable");
    let failing = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
        }
    });
    stage.apply(&with_arms(
        1,
        vec![
            arm(ArmRole::Stable, 1, 90, &[("web-1", stable.address)]),
            arm(ArmRole::Candidate, 2, 10, &[("web-2", failing.address)]),
        ],
    ));
    let mut client = Client::new(stage.address);
    let failed = (0..1_000).filter(|_| client.get("a", "/").status() == 500).count();
    assert_eq!(failed, 100);
}
