//! Which endpoint of an arm gets a request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_core::model::{
    ArmRole, Balance, ClientKey, Endpoint, InstanceId, Outliers, RouteTable, TrafficPolicy,
};
use tidegate_core::time::Millis;

use crate::stage::client::Client;
use crate::stage::places::{Entry, country, made};
use crate::stage::table::{arm, table, with_arms};
use crate::stage::upstream::{Upstream, nobody, ok};
use crate::stage::{Stage, until};

pub fn with_policy(mut table: RouteTable, policy: &TrafficPolicy) -> RouteTable {
    table.upstreams.values_mut().for_each(|upstream| upstream.policy = policy.clone());
    table
}

fn by(balance: Balance) -> TrafficPolicy {
    TrafficPolicy { balance, ..TrafficPolicy::default() }
}

/// Answers so many requests in a row, by text.
fn answers(stage: &Stage, requests: usize, fields: &str) -> BTreeMap<String, usize> {
    let mut client = Client::new(stage.address);
    let mut hits = BTreeMap::new();
    for _ in 0..requests {
        let text = client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text();
        *hits.entry(text).or_default() += 1;
    }
    hits
}

#[test]
fn round_robin_gives_each_its_weight_exactly() {
    let stage = Stage::new();
    let (a, b) = (Upstream::saying("a"), Upstream::saying("b"));
    let mut table = table(1, &[("web-1", a.address), ("web-2", b.address)]);
    table.upstreams.values_mut().next().unwrap().arms[0].endpoints[0].weight = 300;
    stage.apply(&with_policy(table, &by(Balance::RoundRobin)));
    assert_eq!(answers(&stage, 40, ""), BTreeMap::from([("a".to_owned(), 30), ("b".to_owned(), 10)]));
}

#[test]
fn a_client_meets_the_same_endpoint_by_its_key() {
    let stage = Stage::new();
    let ups: Vec<Upstream> = ["a", "b", "c", "d"].into_iter().map(Upstream::saying).collect();
    let named = ["web-1", "web-2", "web-3", "web-4"].into_iter().zip(ups.iter().map(|up| up.address));
    let named: Vec<_> = named.collect();
    let policy = by(Balance::Hash(ClientKey::Header("x-user".into())));
    stage.apply(&with_policy(table(1, &named), &policy));
    let owner = |user: usize| {
        let hits = answers(&stage, 3, &format!("X-User: {user}\r\n"));
        assert_eq!(hits.len(), 1, "{hits:?}");
        hits.into_keys().next().unwrap()
    };
    let before: Vec<String> = (0..60).map(owner).collect();
    assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    stage.apply(&with_policy(table(2, &named[..3]), &policy));
    let after: Vec<String> = (0..60).map(owner).collect();
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || before == "d", "{before} moved to {after}");
    }
}

#[test]
fn a_slow_endpoint_gets_less_by_its_latency() {
    let stage = Stage::new();
    let quick = Upstream::saying("quick");
    let slow = Upstream::new(|connection| {
        while connection.request().is_some() {
            std::thread::sleep(Duration::from_millis(25));
            connection.say(ok("slow"));
        }
    });
    let endpoints = [("web-1", quick.address), ("web-2", slow.address)];
    stage.apply(&with_policy(table(1, &endpoints), &by(Balance::PeakEwma)));
    let slow: usize = (0..4).map(|_| answers(&stage, 100, "").get("slow").copied().unwrap_or(0)).sum();
    // The first answers are how it is learned.
    assert!((1..=40).contains(&slow), "{slow} of 400 went to the slow endpoint");
}

#[test]
fn an_endpoint_that_fails_is_left_out_and_let_back() {
    let stage = Stage::new();
    let good = Upstream::saying("good");
    let broken = Arc::new(AtomicBool::new(true));
    let (told, asked) = (broken.clone(), Arc::new(AtomicU64::new(0)));
    let count = asked.clone();
    let failing = Upstream::new(move |connection| {
        while connection.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            let broken = told.load(Ordering::SeqCst);
            connection.say(if broken { ok("").replace("200 OK", "500 No") } else { ok("healed") });
        }
    });
    let outliers = Some(Outliers { consecutive: 3, eject: Millis(1_500), max_share: 50 });
    let endpoints = [("web-1", good.address), ("web-2", failing.address)];
    stage.apply(&with_policy(table(1, &endpoints), &TrafficPolicy { outliers, ..by(Balance::RoundRobin) }));
    let mut client = Client::new(stage.address);
    let failed = (0..40).filter(|_| client.get("a", "/").status() == 500).count();
    assert!((3..=6).contains(&failed), "{failed} of 40 failed, {asked:?} asked");
    crate::counts::counts_when(&stage, |counts| counts.ejected == [InstanceId("web-2".into())]);
    broken.store(false, Ordering::SeqCst);
    until("the endpoint is asked again", || (client.get("a", "/").text() == "healed").then_some(()));
    crate::counts::counts_when(&stage, |counts| counts.ejected.is_empty());
}

#[test]
fn where_every_endpoint_fails_all_go_on_being_asked() {
    let stage = Stage::new();
    let failing = |name: &'static str| {
        Upstream::new(move |connection| {
            while connection.request().is_some() {
                connection.say(ok(name).replace("200 OK", "500 No"));
            }
        })
    };
    let (a, b) = (failing("a"), failing("b"));
    let outliers = Some(Outliers { consecutive: 3, eject: Millis(60_000), max_share: 50 });
    let endpoints = [("web-1", a.address), ("web-2", b.address)];
    stage.apply(&with_policy(table(1, &endpoints), &TrafficPolicy { outliers, ..by(Balance::RoundRobin) }));
    answers(&stage, 20, "");
    let hits = answers(&stage, 20, "");
    assert_eq!(hits, BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), 10)]));
}

#[test]
fn an_instance_that_refuses_connections_is_asked_last() {
    let stage = Stage::new();
    let alive = Upstream::saying("alive");
    stage.apply(&with_policy(
        table(1, &[("web-1", nobody()), ("web-2", alive.address)]),
        &by(Balance::RoundRobin),
    ));
    assert_eq!(answers(&stage, 50, ""), BTreeMap::from([("alive".to_owned(), 50)]));
}

#[test]
fn the_own_zone_comes_first_while_it_has_an_endpoint() {
    let stage = Stage::new();
    let (near, far) = (Upstream::saying("near"), Upstream::saying("far"));
    let zoned = |epoch, near_too: bool| {
        let mut arm = arm(ArmRole::Stable, 1, 100, &[]);
        let place = |id: &str, up: &Upstream, zone: &str| Endpoint {
            zone: Some(zone.to_owned()),
            ..Endpoint::new(InstanceId(id.to_owned()), up.address)
        };
        arm.endpoints.push(place("web-1", &far, "eu-west/b"));
        if near_too {
            arm.endpoints.push(place("web-2", &near, "eu-west/a"));
        }
        let policy = TrafficPolicy { zone_aware: true, ..TrafficPolicy::default() };
        RouteTable { zone: Some("eu-west/a".to_owned()), ..with_policy(with_arms(epoch, vec![arm]), &policy) }
    };
    stage.apply(&zoned(1, true));
    assert_eq!(answers(&stage, 20, ""), BTreeMap::from([("near".to_owned(), 20)]));
    stage.apply(&zoned(2, false));
    assert_eq!(answers(&stage, 5, ""), BTreeMap::from([("far".to_owned(), 5)]));
}

#[test]
fn a_new_endpoint_begins_with_a_part_of_its_share() {
    let stage = Stage::new();
    let (old, new) = (Upstream::saying("old"), Upstream::saying("new"));
    let policy = TrafficPolicy { slow_start: Some(Millis(600_000)), ..by(Balance::RoundRobin) };
    stage.apply(&with_policy(table(1, &[("web-1", old.address)]), &policy));
    stage.apply(&with_policy(table(2, &[("web-1", old.address), ("web-2", new.address)]), &policy));
    let began = Instant::now();
    let hits = answers(&stage, 400, "").get("new").copied().unwrap_or(0);
    // A tenth of its half.
    assert!((5..=45).contains(&hits), "{hits} of 400 in {:?}", began.elapsed());
}

#[test]
fn the_nearest_region_comes_first() {
    let stage = Stage::new();
    let (europe, america) = (Upstream::saying("europe"), Upstream::saying("america"));
    let here = Entry { location: Some((48.9, 2.4)), ..country("127.0.1.0/24", "FR", "EU") };
    let there = Entry { location: Some((45.5, -73.6)), ..country("127.0.2.0/24", "CA", "NA") };
    let whole = stage.dir.path().join("geo.new");
    std::fs::write(&whole, made("GeoLite2-City", &[here, there])).unwrap();
    std::fs::rename(&whole, stage.dir.path().join("geo.mmdb")).unwrap();
    let mut table = table(1, &[("web-1", america.address), ("web-2", europe.address)]);
    for (endpoint, zone) in table.upstreams.values_mut().next().unwrap().arms[0]
        .endpoints
        .iter_mut()
        .zip(["us-east-1/a", "eu-west/a"])
    {
        endpoint.zone = Some(zone.to_owned());
    }
    stage.apply(&with_policy(table, &by(Balance::Geographic)));
    let from = |last: u8| {
        let mut client = Client::from([127, 0, last, 5], stage.address);
        let asks = (0..6).map(|_| client.get("a", "/").text());
        asks.collect::<std::collections::BTreeSet<_>>()
    };
    until("the database is read", || (from(1) == ["europe".to_owned()].into()).then_some(()));
    assert_eq!(from(2), ["america".to_owned()].into());
    assert_eq!(from(9).len(), 2, "where nothing is known, all take part");
    europe.kill();
    assert_eq!(from(1), ["america".to_owned()].into(), "the next nearest helps out");
}
