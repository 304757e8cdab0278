//! Redirects, rewrites and changes of fields: what the app and the client see of them, byte for byte.

use std::collections::BTreeMap;

use tidegate_core::model::{HeaderEdit, Redirect, Rewrite, RoutePolicy, RouteTable};

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::{table, with_policy};
use crate::stage::upstream::{Upstream, nobody};

fn at(path: &str, mut table: RouteTable) -> RouteTable {
    table.routes[0].path = path.to_owned();
    table
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn redirecting(to: &str) -> Stage {
    let redirect = Some(Redirect { to: to.to_owned(), status: 307 });
    let stage = Stage::new();
    let policy = RoutePolicy { redirect, ..RoutePolicy::default() };
    stage.apply(&at("/old", with_policy(1, &[("web-1", nobody())], policy)));
    stage
}

#[test]
fn a_redirect_fills_in_what_was_asked_for() {
    let stage = redirecting("https://{host}.example.test/new{path}{query}");
    let mut client = Client::new(stage.address);
    for (path, to) in [
        ("/old", "https://shop.example.test/new"),
        ("/old/", "https://shop.example.test/new/"),
        ("/old/a%2Fb?q=%0d%0aX:y", "https://shop.example.test/new/a%2Fb?q=%0d%0aX:y"),
    ] {
        let answer = client.get("shop:80", path);
        assert_eq!((answer.status(), answer.field("location")), (307, Some(to)), "{path}");
    }
}

#[test]
fn no_path_makes_a_redirect_lead_to_another_site() {
    let stage = redirecting("{path}{query}");
    for (path, to) in [
        ("/old//evil.test", "/evil.test"),
        ("/old///evil.test/..", "/evil.test/.."),
        ("/old/\\evil.test", "/evil.test"),
        ("/old//\\/evil.test?x", "/evil.test?x"),
        ("/old/%2F/evil.test", "/%2F/evil.test"),
        ("/old", "/"),
        ("/old?//evil.test", "/?//evil.test"),
    ] {
        let answer = Client::new(stage.address).get("shop.test", path);
        let to = (answer.status() == 307).then_some(to);
        assert_eq!(answer.field("location"), to, "{path}: {}", answer.line);
    }
}

fn rewritten(rewrite: Rewrite, target: &str) -> String {
    let app = Upstream::echoing_heads();
    let stage = Stage::new();
    let policy = RoutePolicy { rewrite: Some(rewrite), ..RoutePolicy::default() };
    stage.apply(&at("/api/", with_policy(1, &[("web-1", app.address)], policy)));
    let mut client = Client::new(stage.address);
    client.ask(format!("GET {target} HTTP/1.1\r\nHost: a\r\nX-Forwarded-Prefix: /forged\r\n\r\n")).text()
}

#[test]
fn a_rewrite_is_what_the_app_sees() {
    let strip = || Rewrite::StripPrefix;
    let replace = || Rewrite::ReplacePrefix("/v2".to_owned());
    for (rewrite, target, line, told) in [
        (strip(), "/api", "GET / HTTP/1.1", true),
        (strip(), "/api/x%2fy/?a=/api&b=%20", "GET /x%2fy/?a=/api&b=%20 HTTP/1.1", true),
        (strip(), "http://a/api/x", "GET /x HTTP/1.1", true),
        (replace(), "/api/x?y", "GET /v2/x?y HTTP/1.1", false),
        (Rewrite::Path("/only".to_owned()), "/api/x?y", "GET /only?y HTTP/1.1", false),
    ] {
        let seen = rewritten(rewrite, target);
        assert_eq!(seen.lines().next(), Some(line), "{target}");
        assert_eq!(seen.contains("x-forwarded-prefix: /api\n"), told, "{seen}");
        assert!(!seen.contains("forged"), "{seen}");
    }
}

#[test]
fn fields_change_on_both_ways_and_the_gateways_own_stay() {
    let request_headers = HeaderEdit {
        remove: vec!["x-secret".to_owned()],
        set: pairs(&[("host", "inner.test"), ("x-who", "{client} {host} {request_id}")]),
        add: pairs(&[("x-many", "2")]),
    };
    let response_headers = HeaderEdit {
        remove: vec!["server".to_owned()],
        set: pairs(&[("x-frame-options", "DENY"), ("x-id", "{request_id}")]),
        add: BTreeMap::new(),
    };
    let policy = RoutePolicy { request_headers, response_headers, ..RoutePolicy::default() };
    let app = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let seen: Vec<String> =
                request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            let body = seen.join("\n");
            connection.say(format!(
                "HTTP/1.1 200 OK\r\nServer: old\r\nX-Frame-Options: ALLOW\r\nX-Frame-Options: SAME\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ));
        }
    });
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", app.address)], policy));
    let mut client = Client::new(stage.address);
    let answer = client.ask(
        "GET / HTTP/1.1\r\nHost: outer.test\r\nX-Secret: 1\r\nX-Many: 1\r\nX-Request-Id: id-7\r\nTidegate-Arm: candidate\r\n\
         X-Who: me\r\n\r\n",
    );
    let seen = answer.text();
    for line in [
        "host: inner.test",
        "x-forwarded-host: outer.test",
        "x-who: 127.0.0.1 outer.test id-7",
        "x-many: 1",
        "x-many: 2",
        "tidegate-arm: stable",
    ] {
        assert_eq!(seen.lines().filter(|seen| *seen == line).count(), 1, "{line} in {seen}");
    }
    assert!(!seen.contains("x-secret") && !seen.contains("candidate"), "{seen}");
    let frames: Vec<_> = answer.fields.iter().filter(|(name, _)| name == "x-frame-options").collect();
    assert_eq!(frames, [&("x-frame-options".to_owned(), "DENY".to_owned())]);
    assert_eq!((answer.field("x-id"), answer.field("server")), (Some("id-7"), None));
}

#[test]
fn answers_of_the_gateways_own_get_the_fields_too() {
    let response_headers = HeaderEdit { set: pairs(&[("x-id", "{request_id}")]), ..HeaderEdit::default() };
    let policy = RoutePolicy { response_headers, ..RoutePolicy::default() };
    let stage = Stage::new();
    stage.apply(&with_policy(1, &[("web-1", nobody())], policy));
    let answer = Client::new(stage.address).get("a", "/");
    assert_eq!((answer.status(), answer.field("x-id").map(str::len)), (502, Some(24)));
    // A route without a policy in the same table stays as it was.
    let mut mixed = with_policy(2, &[("web-1", nobody())], RoutePolicy::default());
    mixed.routes[0].policy.response_headers.set = pairs(&[("x-a", "1")]);
    let mut bare = table(2, &[("web-1", nobody())]).routes;
    bare[0].host = "bare.test".to_owned();
    mixed.routes.extend(bare);
    stage.apply(&mixed);
    let mut client = Client::new(stage.address);
    assert_eq!(client.get("other.test", "/").field("x-a"), Some("1"));
    assert_eq!(client.get("bare.test", "/").field("x-a"), None);
}
