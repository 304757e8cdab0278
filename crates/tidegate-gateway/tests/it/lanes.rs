//! Requests on the lane of a train: they keep to their side, by the gateway's own word alone.

use std::collections::BTreeMap;

use tidegate_core::model::{ArmRole, Lane, RouteTable};

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::{Upstream, ok};

/// Two instances that echo what they are sent.
struct Arms {
    stable: Upstream,
    candidate: Upstream,
}

impl Arms {
    fn new() -> Self {
        Arms { stable: Upstream::echoing_heads(), candidate: Upstream::echoing_heads() }
    }

    /// The candidate has this share, on this run's lane.
    fn table(&self, epoch: u64, weight: u32, run: Option<u64>) -> RouteTable {
        let stable = arm(ArmRole::Stable, 1, 100 - weight, &[("web-1", self.stable.address)]);
        let candidate = arm(ArmRole::Candidate, 2, weight, &[("web-2", self.candidate.address)]);
        let mut table = with_arms(epoch, vec![stable, candidate]);
        let train = || "shop/production/checkout".to_owned();
        let lane = run.map(|run| Lane { train: train(), run });
        table.upstreams.values_mut().for_each(|upstream| upstream.lane.clone_from(&lane));
        table
    }
}

/// The fields an instance was sent.
fn ask(client: &mut Client, fields: &str) -> BTreeMap<String, String> {
    let text = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text();
    let fields = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What an instance of the side that has everything is given to pass on.
fn given(stage: &Stage, arms: &Arms, epoch: u64, side: ArmRole, run: u64) -> String {
    let weight = if side == ArmRole::Candidate { 100 } else { 0 };
    stage.apply(&arms.table(epoch, weight, Some(run)));
    ask(&mut Client::new(stage.address), "").remove("tidegate-lane").unwrap()
}

/// Both ways through the gateway: the plain one, and that of requests it has no say in.
const WAYS: [&str; 2] = ["", "TE: trailers\r\n"];

#[test]
fn a_request_on_a_lane_keeps_to_its_side_whatever_the_weights_are() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let candidate = given(&stage, &arms, 1, ArmRole::Candidate, 7);
    let stable = given(&stage, &arms, 2, ArmRole::Stable, 7);
    let mut client = Client::new(stage.address);
    for (epoch, weight) in [(3, 0), (4, 50), (5, 100)] {
        stage.apply(&arms.table(epoch, weight, Some(7)));
        for way in WAYS {
            for (lane, side) in [(&candidate, "candidate"), (&stable, "stable")] {
                let sent = ask(&mut client, &format!("tidegate-lane: {lane}\r\n{way}"));
                assert_eq!(sent["tidegate-arm"], side, "{weight} % {way}");
                assert_eq!(sent["tidegate-lane"], **lane, "it is passed on with its own side");
            }
        }
    }
}

#[test]
fn nobody_gets_to_a_side_by_what_the_gateway_never_said() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let earlier = given(&stage, &arms, 1, ArmRole::Candidate, 6);
    let candidate = given(&stage, &arms, 2, ArmRole::Candidate, 7);
    stage.apply(&arms.table(3, 0, Some(7)));
    let mut client = Client::new(stage.address);
    let cut = candidate[..candidate.len() - 1].to_owned();
    for said in [&earlier, &cut, "candidate", "1.candidate.7.AAAAAAAAAAAAAAAAAAAAAA", ""] {
        for way in WAYS {
            let sent = ask(&mut client, &format!("tidegate-lane: {said}\r\n{way}"));
            assert_eq!(sent["tidegate-arm"], "stable", "{said} {way}");
            assert!(sent["tidegate-lane"].starts_with("1.stable.7."), "{said} {way}");
        }
    }
}

#[test]
fn without_a_train_the_field_ends_here() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let lane = given(&stage, &arms, 1, ArmRole::Candidate, 7);
    stage.apply(&arms.table(2, 0, None));
    let mut client = Client::new(stage.address);
    for way in WAYS {
        let sent = ask(&mut client, &format!("tidegate-lane: {lane}\r\n{way}"));
        assert_eq!((sent["tidegate-arm"].as_str(), sent.get("tidegate-lane")), ("stable", None), "{way}");
    }
}

#[test]
fn an_instances_own_word_never_gets_to_a_client() {
    let stage = Stage::new();
    let told = Upstream::new(|connection| {
        while connection.request().is_some() {
            let answer = ok("hello");
            connection.say(answer.replacen("\r\n", "\r\ntidegate-lane: 1.candidate.7.x\r\n", 1));
        }
    });
    stage.apply(&with_arms(1, vec![arm(ArmRole::Stable, 1, 100, &[("web-1", told.address)])]));
    for way in WAYS {
        let answer = Client::new(stage.address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{way}\r\n"));
        assert_eq!((answer.text().as_str(), answer.field("tidegate-lane")), ("hello", None), "{way}");
    }
}
