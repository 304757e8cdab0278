//! Who gets which arm: rules, sticky clients, and what answers say of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use tidegate_core::model::{ArmRole, ArmRule, Assignment, ClientKey, Match, RouteTable, Sticky};
use tidegate_core::time::Millis;

use crate::stage::client::{Client, Message};
use crate::stage::places::{Entry, country, made};
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Process, Stage, connected, link, until};

const DAY: Millis = Millis(86_400_000);

/// Two instances that say which arm they are.
struct Arms {
    stable: Upstream,
    candidate: Upstream,
}

impl Arms {
    fn new() -> Arms {
        Arms { stable: Upstream::saying("stable"), candidate: Upstream::saying("candidate") }
    }

    fn table(&self, epoch: u64, weight: u32, assign: &Assignment) -> RouteTable {
        let stable = arm(ArmRole::Stable, 1, 100 - weight, &[("web-1", self.stable.address)]);
        let candidate = arm(ArmRole::Candidate, 2, weight, &[("web-2", self.candidate.address)]);
        let mut table = with_arms(epoch, vec![stable, candidate]);
        table.upstreams.values_mut().for_each(|upstream| upstream.policy.assign = assign.clone());
        table
    }
}

fn rule(arm: ArmRole, when: Match) -> ArmRule {
    ArmRule { arm, when: vec![when] }
}

fn sticky(sticky: Sticky) -> Assignment {
    Assignment { sticky: Some(sticky), ..Assignment::default() }
}

fn ask(client: &mut Client, target: &str, fields: &str) -> String {
    client.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).text()
}

/// `Cookie: name=value` of what an answer sets.
fn cookie_of(answer: &Message) -> Option<String> {
    answer.field("set-cookie").map(|cookie| format!("Cookie: {}\r\n", cookie.split(';').next().unwrap()))
}

#[test]
fn rules_go_before_the_weight_in_their_order() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let header = |value: &str| Match::Header { name: "x-arm".into(), value: Some(value.into()) };
    let members = BTreeSet::from(["ann".to_owned()]);
    let rules = vec![
        rule(ArmRole::Stable, Match::Path("/admin".into())),
        rule(ArmRole::Candidate, header("new")),
        rule(ArmRole::Candidate, Match::Cookie { name: "beta".into(), value: None }),
        rule(ArmRole::Candidate, Match::Query { name: "preview".into(), value: Some("1".into()) }),
        rule(ArmRole::Candidate, Match::Cohort { by: ClientKey::Header("x-user".into()), members }),
    ];
    stage.apply(&arms.table(1, 0, &Assignment { rules, ..Assignment::default() }));
    let mut client = Client::new(stage.address);
    for (target, fields, expected) in [
        ("/", "", "stable"),
        ("/", "X-Arm: new\r\n", "candidate"),
        ("/", "X-Arm: old\r\n", "stable"),
        ("/admin/x", "X-Arm: new\r\n", "stable"),
        ("/", "Cookie: a=1; beta=\r\n", "candidate"),
        ("/", "Cookie: a=1\r\nCookie: b=2; beta=1\r\n", "candidate"),
        ("/?x=2&preview=1", "", "candidate"),
        ("/?preview=2", "", "stable"),
        ("/", "X-User: ann\r\n", "candidate"),
        ("/", "X-User: bob\r\n", "stable"),
    ] {
        assert_eq!(ask(&mut client, target, fields), expected, "{target} {fields}");
    }
}

#[test]
fn a_cookie_keeps_every_client_on_its_arm_and_shares_are_the_weights() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let by_cookie = sticky(Sticky::Cookie { max_age: DAY });
    stage.apply(&arms.table(1, 7, &by_cookie));
    let clients = first_visits(stage.address, 10_000);
    let candidates = clients.iter().filter(|(arm, _)| arm == "candidate").count();
    assert!((650..=750).contains(&candidates), "{candidates} of 10,000 at 7 %");

    // Other connections, by chance of another worker: the same arm, and nothing to set again.
    let mut clients: Vec<_> = clients.into_iter().step_by(20).collect();
    for weight in [7, 30, 60] {
        stage.apply(&arms.table(u64::from(weight) + 1, weight, &by_cookie));
        for (arm, cookie) in &mut clients {
            let again = visit(stage.address, cookie);
            assert_eq!(again.field("set-cookie"), None);
            assert!(weight > 7 || again.text() == *arm, "moved without a change of the weight");
            assert!(arm != "candidate" || again.text() == *arm, "moved back to stable");
            *arm = again.text();
        }
        let share = clients.iter().filter(|(arm, _)| arm == "candidate").count() as u32;
        assert!((share * 100).abs_diff(weight * 500) <= 500 * 12, "{share} of 500 at {weight} %");
    }
}

fn first_visits(address: SocketAddr, count: usize) -> Vec<(String, String)> {
    let visits = move || -> Vec<_> {
        // A connection for every 50 requests: both workers take part.
        let connection = |_| {
            let mut client = Client::new(address);
            let visit = move |_| {
                let answer = client.get("a", "/");
                (answer.text(), cookie_of(&answer).unwrap())
            };
            (0..50).map(visit).collect::<Vec<_>>()
        };
        (0..count / 200).flat_map(connection).collect()
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(visits)).collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

fn visit(address: SocketAddr, cookie: &str) -> Message {
    Client::new(address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{cookie}\r\n"))
}

#[test]
fn a_forged_cookie_is_replaced() {
    let (stage, arms) = (Stage::new(), Arms::new());
    stage.apply(&arms.table(1, 1, &sticky(Sticky::Cookie { max_age: DAY })));
    let cookie = cookie_of(&visit(stage.address, "")).unwrap();
    let (name, value) = cookie.trim_end().split_once('=').unwrap();
    let parts: Vec<&str> = value.split('.').collect();
    let forged = format!("{name}=1.0000.{}.{}\r\n", parts[2], parts[3]);
    let mut candidates = 0;
    for _ in 0..100 {
        let answer = visit(stage.address, &forged);
        assert!(answer.field("set-cookie").is_some());
        candidates += u32::from(answer.text() == "candidate");
    }
    // Of every hundred turns one is the candidate's; the first visit took one more.
    assert!(candidates <= 2, "{candidates} of 100 forged cookies met the candidate");
}

#[test]
fn a_key_keeps_every_client_on_its_arm_without_a_cookie() {
    let (stage, arms) = (Stage::new(), Arms::new());
    stage.apply(&arms.table(1, 50, &sticky(Sticky::Key(ClientKey::Header("x-api-key".into())))));
    let visit = |key: usize| visit(stage.address, &format!("X-Api-Key: key-{key}\r\n"));
    let arms_of: Vec<String> = (0..40).map(|key| visit(key).text()).collect();
    for (key, arm) in arms_of.iter().enumerate() {
        let again = visit(key);
        assert_eq!((again.text(), again.field("set-cookie")), (arm.clone(), None));
    }
    assert!(arms_of.iter().any(|arm| arm == "stable") && arms_of.iter().any(|arm| arm == "candidate"));
}

#[test]
fn a_bucket_outlives_the_gateway() {
    let (dir, arms) = (tempfile::tempdir().unwrap(), Arms::new());
    let mut cookie = String::new();
    for start in 0..2 {
        let process = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
        let (link, _) = link(dir.path());
        let address = connected(&link);
        if start == 0 {
            link.push(&arms.table(1, 50, &sticky(Sticky::Cookie { max_age: DAY })));
            until("the table is used", || (link.observe().acked == 1).then_some(()));
            cookie = cookie_of(&visit(address, "")).unwrap();
        }
        assert_eq!(visit(address, &cookie).field("set-cookie"), None, "start {start}");
        process.signal("KILL");
        until("the gateway is gone", || (!link.observe().alive).then_some(()));
    }
}

#[test]
fn answers_name_their_arm_only_where_asked_and_in_the_gateways_words() {
    let stage = Stage::new();
    let lying = Upstream::new(|connection| {
        while connection.request().is_some() {
            let body = ok("x").replacen("\r\n", "\r\nTidegate-Arm: mine\r\nTidegate-Revision: r99\r\n", 1);
            connection.say(body);
        }
    });
    let mut table = with_arms(1, vec![arm(ArmRole::Stable, 3, 100, &[("web-1", lying.address)])]);
    stage.apply(&table);
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/");
    assert_eq!((answer.field("tidegate-arm"), answer.field("tidegate-revision")), (None, None));

    table.epoch = 2;
    table.upstreams.values_mut().for_each(|upstream| upstream.policy.assign.echo = true);
    stage.apply(&table);
    let answer = client.get("a", "/");
    assert_eq!(
        (answer.field("tidegate-arm"), answer.field("tidegate-revision")),
        (Some("stable"), Some("r3"))
    );
    let named = answer.fields.iter().filter(|(name, _)| name.starts_with("tidegate-")).count();
    assert_eq!(named, 2);
}

#[test]
fn countries_and_regions_are_told_by_the_connection_and_a_new_database_is_taken_up() {
    let (stage, arms) = (Stage::new(), Arms::new());
    let codes = |code: &str| BTreeSet::from([code.to_owned()]);
    let rules = vec![
        rule(ArmRole::Candidate, Match::Country(codes("DE"))),
        rule(ArmRole::Candidate, Match::Region(codes("QC"))),
        rule(ArmRole::Candidate, Match::Region(codes("OC"))),
    ];
    stage.apply(&arms.table(1, 0, &Assignment { rules, ..Assignment::default() }));
    let from = |last: u8, fields: &str| ask(&mut Client::from([127, 0, last, 5], stage.address), "/", fields);
    assert_eq!(from(1, ""), "stable", "there is no database yet");

    let quebec = Entry { regions: &["QC"], ..country("127.0.3.0/24", "CA", "NA") };
    let networks = [country("127.0.1.0/24", "DE", "EU"), country("127.0.2.0/24", "FR", "EU"), quebec];
    let write = |networks: &[Entry<'_>]| {
        let whole = stage.dir.path().join("geo.new");
        std::fs::write(&whole, made("GeoLite2-City", networks)).unwrap();
        std::fs::rename(&whole, stage.dir.path().join("geo.mmdb")).unwrap();
    };
    write(&networks);
    until("the database is read", || (from(1, "") == "candidate").then_some(()));
    assert_eq!(from(2, ""), "stable");
    assert_eq!(from(3, ""), "candidate");
    assert_eq!(from(2, "X-Forwarded-For: 127.0.1.5\r\n"), "stable", "a client says where it comes from");
    assert_eq!(from(1, "X-Forwarded-For: 127.0.2.5\r\n"), "candidate");

    write(&[country("127.0.2.0/24", "NZ", "OC")]);
    until("the next database is read", || (from(2, "") == "candidate").then_some(()));
    assert_eq!(from(1, ""), "stable");
}
