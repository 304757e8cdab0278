//! Watched flags through a real gateway: given on to the instance, taken from clients, counted by variant.

use std::collections::BTreeMap;

use tidegate_core::model::{ArmRole, FlagCounts, FlagWatch, RouteTable, UserKey};

use crate::counts::counts_when;
use crate::stage::client::Client;
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Stage, until};

const UPSTREAM: &str = "app/dev/web";

/// A table with one service that watches `new-cart`.
fn table(epoch: u64, upstream: &Upstream) -> RouteTable {
    let mut table = with_arms(epoch, vec![arm(ArmRole::Stable, 1, 100, &[("web-1", upstream.address)])]);
    let user = vec![UserKey::Cookie("uid".into()), UserKey::Header("x-user".into())];
    let watch = FlagWatch {
        flag: "new-cart".parse().unwrap(),
        version: epoch,
        user,
        by: None,
        told: false,
        experiment: false,
    };
    table.upstreams.values_mut().for_each(|upstream| upstream.flags = vec![watch.clone()]);
    table
}

/// Writes the file of flags as the control plane does.
fn put(stage: &Stage, targeting: &str, default: &str) {
    let set = format!(
        r#"{{"epoch":1,"sets":{{"app/dev":{{"flags":{{"new-cart":{{"state":"ENABLED",
        "variants":{{"on":true,"off":false}},"defaultVariant":"{default}","targeting":{targeting}}}}}}}}}}}"#
    );
    let beside = stage.dir.path().join("flags.json.new");
    std::fs::write(&beside, set).unwrap();
    std::fs::rename(beside, stage.dir.path().join("flags.json")).unwrap();
}

/// The fields an instance was sent.
fn ask(client: &mut Client, fields: &str) -> BTreeMap<String, String> {
    let text = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text();
    let fields = text.lines().skip(1).filter_map(|line| line.split_once(": "));
    fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect()
}

const HALF: &str = r#"{"fractional":[["on",50],["off",50]]}"#;

#[test]
fn an_instance_is_told_the_variant_of_the_user_and_a_client_cannot_choose_it() {
    let (stage, upstream) = (Stage::new(), Upstream::echoing_heads());
    put(&stage, HALF, "off");
    stage.apply(&table(1, &upstream));
    let mut client = Client::new(stage.address);
    let mut said = BTreeMap::new();
    for n in 0..40 {
        let mine = "tidegate-flags: new-cart=off\r\nbaggage: k=v,tidegate.flag.new-cart=x\r\n";
        let sent = ask(&mut client, &format!("Cookie: a=b; uid=u{n}\r\n{mine}"));
        let again = ask(&mut client, &format!("X-User: u{n}\r\n"));
        assert_eq!(sent["tidegate-flags"], again["tidegate-flags"], "the same user, named otherwise");
        assert_eq!(sent["baggage"], format!("k=v,tidegate.flag.{}", sent["tidegate-flags"]));
        *said.entry(sent["tidegate-flags"].clone()).or_insert(0) += 1;
    }
    assert!(said["new-cart=on"] > 8 && said["new-cart=off"] > 8, "{said:?}");
    let nobody = ask(&mut client, "tidegate-flags: new-cart=on\r\nbaggage: tidegate.flag.new-cart=on\r\n");
    assert!(!nobody.contains_key("tidegate-flags") && !nobody.contains_key("baggage"), "{nobody:?}");
}

#[test]
fn a_flag_that_is_turned_off_is_off_without_a_new_table_and_a_torn_file_changes_nothing() {
    let (stage, upstream) = (Stage::new(), Upstream::echoing_heads());
    put(&stage, "{}", "on");
    stage.apply(&table(1, &upstream));
    let mut client = Client::new(stage.address);
    let mut said = || ask(&mut client, "X-User: u1\r\n").remove("tidegate-flags").unwrap();
    assert_eq!(said(), "new-cart=on");
    std::fs::write(stage.dir.path().join("flags.json"), "{").unwrap();
    assert_eq!(said(), "new-cart=on");
    put(&stage, "{}", "off");
    until("the flag is off", || (said() == "new-cart=off").then_some(()));
}

#[test]
fn what_came_of_requests_is_counted_by_variant_and_of_each_version_from_zero() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let bad = request.field("tidegate-flags") == Some("new-cart=on");
            let answer =
                if bad { "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n".to_owned() } else { ok("fine") };
            if !connection.say(answer) {
                return;
            }
        }
    });
    put(&stage, HALF, "off");
    stage.apply(&table(1, &upstream));
    let mut client = Client::new(stage.address);
    let bad = (0..60)
        .filter(|n| client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-User: u{n}\r\n\r\n")).status() == 500)
        .count() as u64;
    let total = |rows: &[FlagCounts]| rows.iter().map(|row| row.outcomes.total()).sum::<u64>();
    let report = counts_when(&stage, |report| total(&report.flags) == 60);
    let of = |variant: &str| report.flags.iter().find(|row| row.variant == variant).unwrap();
    assert_eq!((of("on").outcomes.server_error, of("on").outcomes.total()), (bad, bad));
    assert_eq!((of("off").outcomes.good, of("off").upstream.as_str()), (60 - bad, UPSTREAM));
    assert_eq!((of("on").requests.iter().sum::<u64>(), of("off").bad.iter().sum::<u64>()), (bad, 0));
    assert_eq!(of("on").latencies.total(), bad);

    stage.apply(&table(2, &upstream));
    client.ask("GET / HTTP/1.1\r\nHost: a\r\nX-User: u1\r\n\r\n");
    let report = counts_when(&stage, |report| report.flags.iter().any(|row| row.version == 2));
    assert_eq!(total(&report.flags), 1, "{:?}", report.flags);
}
