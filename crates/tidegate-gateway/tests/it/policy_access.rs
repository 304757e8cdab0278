//! Who may come, and who is told to come another way: allow-lists, TLS, maintenance. No spelling of a path leads past them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidegate_core::model::{HeaderEdit, HttpsPolicy, Maintenance, Route, RoutePolicy, RouteTable};
use tidegate_core::time::Millis;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::{route, table, with_policy};
use crate::stage::upstream::{Upstream, nobody, ok};

/// A gateway with one route of this policy; nothing answers behind it.
fn alone(policy: RoutePolicy) -> Stage {
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", nobody())], policy));
    stage
}

fn here() -> Vec<String> {
    vec!["127.0.0.0/8".to_owned()]
}

fn elsewhere() -> Vec<String> {
    vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()]
}

#[test]
fn an_allow_list_keeps_others_away_from_the_app() {
    let app = Upstream::saying("app");
    let endpoints: &[(&str, SocketAddr)] = &[("web-1", app.address)];
    let stage = Stage::new();
    stage.apply(&with_policy(1, endpoints, RoutePolicy { allow: elsewhere(), ..RoutePolicy::default() }));
    let mut client = Client::new(stage.address);
    let answer =
        client.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (403, Some("not-allowed")));
    assert_eq!(app.connections.load(Ordering::SeqCst), 0);
    stage.apply(&with_policy(2, endpoints, RoutePolicy { allow: here(), ..RoutePolicy::default() }));
    assert_eq!(client.get("a", "/").text(), "app");
}

#[test]
fn plain_requests_are_redirected_to_tls() {
    let https = HttpsPolicy { redirect: true, hsts: Some(Millis::seconds(60)), hsts_subdomains: true };
    let stage = alone(RoutePolicy { https: Some(https), ..RoutePolicy::default() });
    let mut client = Client::new(stage.address);
    for (request, to) in [
        ("GET /a%20b//c?q=1&r HTTP/1.1\r\nHost: Shop.Test:8080\r\n\r\n", "https://shop.test/a%20b//c?q=1&r"),
        ("GET //evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n", "https://shop.test//evil.test/"),
        ("DELETE /x HTTP/1.1\r\nHost: shop.test\r\n\r\n", "https://shop.test/x"),
        ("OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n\r\n", "https://shop.test/"),
        ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "https://[::1]/"),
        (
            "GET /.well-known/acme-challenges HTTP/1.1\r\nHost: a\r\n\r\n",
            "https://a/.well-known/acme-challenges",
        ),
    ] {
        let answer = client.ask(request);
        assert_eq!((answer.status(), answer.field("location")), (308, Some(to)), "{request}");
        // Over plain HTTP anybody could have said it.
        assert_eq!(answer.field("strict-transport-security"), None);
    }
    let challenge = client.get("shop.test", "/.well-known/acme-challenge/token");
    assert_eq!(challenge.field("tidegate-gateway"), Some("connect-failed"));
}

#[test]
fn maintenance_is_for_everybody_but_a_few() {
    let page = |body: &str, allow| Maintenance {
        status: 503,
        body: body.to_owned(),
        retry_after: Some(Millis(90_500)),
        allow,
    };
    let stage = alone(RoutePolicy {
        maintenance: Some(page("<h1>Soon back</h1>", Vec::new())),
        ..RoutePolicy::default()
    });
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/any");
    assert_eq!((answer.status(), answer.text().as_str()), (503, "<h1>Soon back</h1>"));
    assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.field("retry-after"), Some("91"));
    assert_eq!(answer.field("tidegate-gateway"), Some("maintenance"));
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().unwrap().field("content-length"), Some("18"));
    let open = RoutePolicy { maintenance: Some(page("x", here())), ..RoutePolicy::default() };
    stage.apply(&with_policy(2, &[("web-1", nobody())], open));
    assert_eq!(client.get("a", "/any").status(), 502);
}

/// One app's mistake keeps no other app's table away, and opens nothing.
#[test]
fn a_policy_that_cannot_be_applied_closes_its_route_alone() {
    let stage = Stage::new();
    let (old, new) = (Upstream::saying("old"), Upstream::saying("new"));
    stage.apply(&with_policy(1, &[("web-1", old.address)], RoutePolicy::default()));
    let wrong = RoutePolicy { allow: vec!["10.0.0.0/99".to_owned()], ..RoutePolicy::default() };
    let mut table = with_policy(2, &[("web-1", new.address)], wrong);
    let good = Route { host: "b".to_owned(), policy: RoutePolicy::default(), ..(*table.routes[0]).clone() };
    table.routes.push(good.into());
    stage.apply(&table);
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("closed")));
    assert_eq!(client.get("b", "/").text(), "new");
    stage.apply(&with_policy(3, &[("web-1", new.address)], RoutePolicy::default()));
    assert_eq!(client.get("a", "/").text(), "new");
}

#[test]
fn what_came_before_the_policy_is_still_under_way() {
    let (asked, go) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(())));
    let held = go.lock().unwrap();
    let (count, wait) = (asked.clone(), go.clone());
    let app = Upstream::new(move |connection| {
        while connection.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(wait.lock());
            connection.say(ok("app"));
        }
    });
    let stage = Stage::new();
    let endpoints = &[("web-1", app.address)];
    stage.apply(&with_policy(1, endpoints, RoutePolicy::default()));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    crate::stage::until("the app is asked", || (asked.load(Ordering::SeqCst) == 1).then_some(()));
    stage.apply(&with_policy(2, endpoints, RoutePolicy { allow: elsewhere(), ..RoutePolicy::default() }));
    drop(held);
    assert_eq!(client.answer().unwrap().text(), "app");
    assert_eq!(client.get("a", "/").status(), 403);
}

/// `/` is open and `/admin` is not; both lead to one app. `policy`: of the open one.
fn with_a_closed_path(epoch: u64, upstream: &Upstream, policy: RoutePolicy) -> RouteTable {
    let mut table = with_policy(epoch, &[("web-1", upstream.address)], policy);
    let host = table.routes[0].host.clone();
    route(&mut table, &host, "/admin", "app/dev/web");
    let closed = table.routes.last_mut().unwrap();
    let policy = RoutePolicy { allow: elsewhere(), ..RoutePolicy::default() };
    *closed = Route { policy, ..(**closed).clone() }.into();
    table
}

#[test]
fn a_closed_path_is_closed_in_every_spelling() {
    let (stage, upstream) = (Stage::new(), Upstream::saying("open"));
    let set = [("x-way".to_owned(), "general".to_owned())].into();
    let edit = HeaderEdit { set, ..HeaderEdit::default() };
    let general = RoutePolicy { response_headers: edit, ..RoutePolicy::default() };
    for (epoch, policy) in [(1, RoutePolicy::default()), (2, general)] {
        stage.apply(&with_a_closed_path(epoch, &upstream, policy));
        let mut client = Client::new(stage.address);
        let mut said = |path: &str| {
            let answer = client.get("a", path);
            (answer.status(), answer.field("tidegate-gateway").map(str::to_owned))
        };
        for closed in ["/admin", "/admin/x", "/%61dmin", "/admi%6E/x?y", "/admin//x", "/admin/%2e"] {
            assert_eq!(said(closed), (403, Some("not-allowed".to_owned())), "{closed}");
        }
        for two in [
            "//admin",
            "/./admin",
            "/x/../admin",
            "/x/%2e%2E/admin",
            "/admin%2fx",
            "/admin;v=1",
            "/x/..;/admin/y",
            "/;a/admin",
            "/%5cadmin",
            "/x%2f..%2fadmin",
            "/admin/../x",
            "/admin/%2e%2e/x",
            "//x/admin",
            "/\\x/admin",
            "/admin%3bv=1",
            "/%2561dmin",
            "/admin%00",
        ] {
            assert_eq!(said(two), (400, Some("ambiguous-path".to_owned())), "{two}");
        }
        for open in [
            "/",
            "/adminx",
            "/Admin",
            "/x//y",
            "/x/./y;z",
            "/x%2fy",
            "/files/%2e%2e/x",
            "/?/../admin",
            "//x/y",
            "/100%25",
            "/caf%c3%a9%20%40x",
        ] {
            assert_eq!(said(open), (200, None), "{open}");
        }
    }
}

#[test]
fn a_host_with_one_route_passes_on_what_it_is_sent() {
    let (stage, upstream) = (Stage::new(), Upstream::echoing_heads());
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let target = "/x/../%61%2f..//a;b";
    let heard = Client::new(stage.address).get("a", target).text();
    assert!(heard.starts_with(&format!("GET {target} HTTP/1.1")), "{heard}");
}
