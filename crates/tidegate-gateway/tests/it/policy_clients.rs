//! What a route asks of its clients: not too often, from a known origin, with a name and a password.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidegate_core::model::{BasicAuth, ClientKey, Cors, RateLimit, RoutePolicy};
use tidegate_core::time::Millis;

use crate::stage::Stage;
use crate::stage::client::{Client, Message};
use crate::stage::table::{route, with_policy};
use crate::stage::upstream::{Upstream, ok};

const DAY: Millis = Millis(86_400_000);

fn limited(requests: u32, per: Millis, burst: u32, by: ClientKey) -> RoutePolicy {
    let rate_limit = Some(RateLimit { requests, per, burst, by });
    RoutePolicy { rate_limit, ..RoutePolicy::default() }
}

#[test]
fn the_limit_holds_over_all_workers_and_through_tables() {
    let app = Upstream::saying("app");
    let endpoints: &[(&str, SocketAddr)] = &[("web-1", app.address)];
    let stage = Stage::new();
    let policy = limited(1, DAY, 40, ClientKey::Address);
    stage.apply(&with_policy(1, endpoints, policy.clone()));
    let (good, start) = (Arc::new(AtomicU64::new(0)), Arc::new(Barrier::new(8)));
    let address = stage.address;
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (good, start) = (good.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                for _ in 0..12 {
                    // A connection each: the kernel spreads them over the workers.
                    let answer = Client::new(address).get("a", "/");
                    match answer.status() {
                        200 => good.fetch_add(1, Ordering::SeqCst),
                        429 => 0,
                        other => panic!("{other}"),
                    };
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(good.load(Ordering::SeqCst), 40);
    // A deploy that leaves the route as it is does not begin anew.
    let mut next = with_policy(2, endpoints, policy);
    route(&mut next, "other.test", "/", "app/dev/web");
    stage.apply(&next);
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (429, Some("rate-limit")));
    let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    assert_eq!(answer.field("ratelimit-policy"), Some("\"client\";q=1;w=86400"));
    assert_eq!(answer.field("ratelimit").unwrap(), format!("\"client\";r=0;t={wait}"));
    assert_eq!(client.get("other.test", "/").status(), 200);
}

#[test]
fn clients_are_told_apart_and_tokens_come_back() {
    let app = Upstream::saying("app");
    let stage = Stage::new();
    let policy = limited(20, Millis(1_000), 1, ClientKey::Header("x-key".to_owned()));
    stage.apply(&with_policy(1, &[("web-1", app.address)], policy));
    let mut client = Client::new(stage.address);
    let mut ask =
        |key: &str| client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Key: {key}\r\n\r\n")).status();
    let begun = Instant::now();
    let mut passed = 0;
    while passed < 6 {
        passed += u32::from(ask("one") == 200);
    }
    assert!(begun.elapsed() >= Duration::from_millis(240), "6 of 20 a second in {:?}", begun.elapsed());
    assert_eq!(ask("two"), 200);
}

fn cors(origins: &[&str], credentials: bool) -> RoutePolicy {
    let cors = Cors {
        origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
        methods: vec!["GET".to_owned(), "PUT".to_owned()],
        headers: Vec::new(),
        expose: vec!["x-total".to_owned()],
        credentials,
        max_age: Some(Millis::seconds(600)),
    };
    RoutePolicy { cors: Some(cors), ..RoutePolicy::default() }
}

/// An app that allows everything to everybody, which the gateway must not let stand.
fn careless() -> Upstream {
    Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(
                "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
                 Vary: Cookie\r\nTidegate-Gateway: preflight\r\nContent-Length: 3\r\n\r\napp",
            );
        }
    })
}

fn from(client: &mut Client, method: &str, origin: &str, more: &str) -> Message {
    client.ask(format!("{method} /x HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n{more}\r\n"))
}

fn all<'a>(message: &'a Message, name: &str) -> Vec<&'a str> {
    message.fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn preflights_are_answered_for_the_app() {
    let app = careless();
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", app.address)], cors(&["https://shop.test"], true)));
    let mut client = Client::new(stage.address);
    let asks = "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a, content-type\r\n";
    let answer = from(&mut client, "OPTIONS", "https://shop.test", asks);
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (204, Some("preflight")));
    for (name, value) in [
        ("access-control-allow-origin", "https://shop.test"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, PUT"),
        ("access-control-allow-headers", "x-a, content-type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(all(&answer, name), [value], "{name}");
    }
    assert!(all(&answer, "vary").contains(&"origin"));
    let answer = from(&mut client, "OPTIONS", "https://evil.test", asks);
    assert_eq!((answer.status(), answer.field("access-control-allow-origin")), (403, None));
    assert_eq!(app.connections.load(Ordering::SeqCst), 0);
    // OPTIONS without being a preflight is the app's.
    assert_eq!(from(&mut client, "OPTIONS", "https://shop.test", "").text(), "app");
}

#[test]
fn the_gateways_word_replaces_the_apps() {
    let app = careless();
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", app.address)], cors(&["https://shop.test"], false)));
    let mut client = Client::new(stage.address);
    let answer = from(&mut client, "GET", "https://shop.test", "");
    assert_eq!(all(&answer, "access-control-allow-origin"), ["https://shop.test"]);
    assert_eq!(all(&answer, "access-control-expose-headers"), ["x-total"]);
    assert_eq!(all(&answer, "access-control-allow-credentials"), [""; 0]);
    assert_eq!(all(&answer, "vary"), ["Cookie", "origin"]);
    let answer = from(&mut client, "GET", "https://evil.test", "");
    assert_eq!(all(&answer, "access-control-allow-origin"), [""; 0]);
    assert_eq!(all(&client.get("a", "/"), "vary"), ["Cookie", "origin"]);
    stage.apply(&with_policy(2, &[("web-1", app.address)], cors(&["*"], false)));
    let answer = from(&mut client, "GET", "https://any.test", "");
    assert_eq!(all(&answer, "access-control-allow-origin"), ["*"]);
    // A cache may keep what came of a link, and give it to a script of another site.
    let answer = client.get("a", "/");
    assert_eq!(all(&answer, "access-control-allow-origin"), ["*"]);
    assert_eq!(all(&answer, "access-control-expose-headers"), ["x-total"]);
    assert_eq!(all(&answer, "vary"), ["Cookie"]);
    // Every site could act as its visitor: the route is closed.
    stage.apply(&with_policy(3, &[("web-1", app.address)], cors(&["*"], true)));
    let answer = from(&mut client, "GET", "https://any.test", "");
    assert_eq!(all(&answer, "tidegate-gateway"), ["closed"]);
}

/// A gateway that asks for ada's password.
fn guarded(app: &Upstream, cost: u32) -> Stage {
    let hash = bcrypt::hash("secret", cost).unwrap();
    let users = [("ada".to_owned(), hash)].into();
    let basic_auth = Some(BasicAuth { realm: "shop".to_owned(), users });
    let stage = Stage::new();
    let policy = RoutePolicy { basic_auth, ..RoutePolicy::default() };
    stage.apply(&with_policy(1, &[("web-1", app.address)], policy));
    stage
}

fn with_password(client: &mut Client, given: &str) -> Message {
    let encoded = STANDARD.encode(given);
    client.ask(format!("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {encoded}\r\n\r\n"))
}

#[test]
fn a_name_and_its_password_open_the_route() {
    let app = Upstream::echoing_heads();
    let stage = guarded(&app, 4);
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.field("www-authenticate"), Some("Basic realm=\"shop\", charset=\"UTF-8\""));
    for wrong in ["ada:Secret", "ada:", "bob:secret", "ada", ":", ""] {
        assert_eq!(with_password(&mut client, wrong).status(), 401, "{wrong}");
        assert_eq!(with_password(&mut client, wrong).status(), 401, "{wrong}, remembered");
    }
    assert_eq!(app.connections.load(Ordering::SeqCst), 0);
    let seen = with_password(&mut client, "ada:secret").text();
    assert!(seen.starts_with("GET / HTTP/1.1\n") && !seen.contains("authorization"), "{seen}");
}

#[test]
fn a_password_costs_one_check_a_minute_and_no_other_client_waits_for_it() {
    let app = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(ok("app"));
        }
    });
    // A second or so in a debug build, and still tens of milliseconds in any other.
    let stage = guarded(&app, 10);
    let address = stage.address;
    let first = std::thread::spawn(move || {
        let begun = Instant::now();
        assert_eq!(with_password(&mut Client::new(address), "ada:secret").status(), 200);
        begun.elapsed()
    });
    let dear = first.join().unwrap();
    let begun = Instant::now();
    let mut client = Client::new(stage.address);
    for _ in 0..20 {
        assert_eq!(with_password(&mut client, "ada:secret").status(), 200);
    }
    assert!(begun.elapsed() < dear * 10, "20 requests took {:?}, the first {dear:?}", begun.elapsed());
}
