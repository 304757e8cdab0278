//! Users, programs and browsers: who is let in to what, and by what name.

use std::sync::Arc;

use tidegate_api::Access;
use tidegate_core::access::{Means, NotLetIn, Reach, Role};

use crate::desk::{Desk, name, narrow, service, user};
use crate::judge::Judge;
use crate::server::{Answer, Server};
use crate::stub::Stub;

fn served(desk: Desk, roles: &[(&str, Role, &str)]) -> (Server, Arc<Desk>) {
    let (desk, identity) = desk.served();
    let access = Access(Arc::new(Judge::with(roles)));
    let server = Server::start_with(Stub::default(), |config| {
        (config.identity, config.access) = (Some(identity), Some(access));
    });
    (server, desk)
}

fn ask(server: &Server, line: &str, token: &str, body: &str) -> Answer {
    let headers = format!("Authorization: Bearer {token}\r\nContent-Length: {}\r\n", body.len());
    send(server, line, &headers, body)
}

fn send(server: &Server, line: &str, headers: &str, body: &str) -> Answer {
    let address = server.address;
    server.raw(&format!("{line} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\n\r\n{body}"))
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_right_text_is_told_why_it_is_over_and_nobody_else() {
    let over = [
        ("expired", NotLetIn::Expired, "access::expired-token"),
        ("revoked", NotLetIn::Revoked, "access::revoked-token"),
        ("disabled", NotLetIn::Disabled, "access::disabled-user"),
        ("unknown", NotLetIn::Unknown, "api::unauthorized"),
    ];
    let desk = over.iter().fold(Desk::default(), |desk, (text, why, _)| desk.with_token(text, Err(*why)));
    let (server, _) = served(desk, &[]);
    for (text, _, code) in over {
        let answer = ask(&server, "GET /v1/doctor", text, "");
        assert_eq!(told(&answer), (401, code.to_owned()));
        assert!(!answer.body.contains(&format!("\"{text}\"")), "{}", answer.body);
    }
    assert!(server.stub.called().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_programs_look_and_administrators_change() {
    let desk = Desk::default()
        .with_token("ann", Ok(user("ann")))
        .with_token("ci", Ok(service("ci")))
        .with_token("reader", Ok(narrow("boss", Reach::default(), Some(Role::Reader))))
        .with_token("boss", Ok(user("boss")));
    let roles = [("ann", Role::Reader, "*"), ("token:ci", Role::Reader, "*"), ("boss", Role::Admin, "*")];
    let (server, _) = served(desk, &roles);
    for token in ["ann", "ci", "reader"] {
        assert_eq!(ask(&server, "GET /v1/doctor", token, "").code(), "stub::unset", "{token}");
        for line in ["POST /v1/down", "POST /v1/upgrade", "POST /v1/users", "PUT /v1/services/web/scale"] {
            assert_eq!(
                told(&ask(&server, line, token, "{}")),
                (403, "access::forbidden".to_owned()),
                "{token} {line}"
            );
        }
        assert_eq!(ask(&server, "GET /v1/tokens", token, "").status, 200, "one's own");
    }
    assert_eq!(server.stub.called(), ["doctor", "doctor", "doctor"]);
    assert_eq!(ask(&server, "POST /v1/down", "boss", "").status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_app_opens_nothing_else() {
    let shop = Reach { app: Some(name("shop")), environment: None };
    let desk = Desk::default().with_token("shop", Ok(narrow("ann", shop, None)));
    let (server, _) = served(desk, &[("ann", Role::Admin, "*")]);
    for line in ["GET /v1/status?app=shop", "GET /v1/status?app=shop&environment=qa", "GET /v1/logs?app=shop"]
    {
        assert_ne!(ask(&server, line, "shop", "").status, 403, "{line}");
    }
    assert_eq!(
        ask(&server, "GET /v1/status", "shop", "").code(),
        "stub::unset",
        "filled in within its reach"
    );
    for line in ["GET /v1/status?app=blog", "GET /v1/doctor", "GET /v1/doctor?app=shop", "GET /v1/users"] {
        assert_eq!(told(&ask(&server, line, "shop", "")), (403, "access::out-of-reach".to_owned()), "{line}");
    }
    for line in ["GET /v1/logs?app=shop&unit=3", "GET /v1/pipeline/runs/3?app=shop", "POST /v1/down"] {
        assert_eq!(ask(&server, line, "shop", "").status, 403, "{line}");
    }
    assert_eq!(ask(&server, "GET /v1/status?app=shop&app=blog", "shop", "").status, 400);
    let change = ask(&server, "POST /v1/services/web/rollback?app=shop", "shop", "{}");
    assert_eq!(change.code(), "stub::unset");
    assert_eq!(ask(&server, "GET /v1/whoami", "shop", "").json()["app"], "shop");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_owner_asks_under_another_name() {
    let (server, _) =
        served(Desk::default().with_token("boss", Ok(user("boss"))), &[("boss", Role::Admin, "*")]);
    let glass = r#""break_glass":{"by":"eve","why":"x"}"#;
    let asked = [
        ("POST /v1/pipeline/runs/7/approve", format!(r#"{{"by":"eve",{glass}}}"#)),
        ("POST /v1/pipeline/runs/7/cancel?by=eve", String::new()),
        ("POST /v1/pipeline/runs/7/retry?by=eve", String::new()),
        ("POST /v1/promotions", r#"{"to":"production","by":"eve"}"#.to_owned()),
        ("POST /v1/flags/cart/releases", r#"{"order":"kill","by":"eve"}"#.to_owned()),
        ("POST /v1/environments/qa/remove?app=shop", r#"{"by":"eve"}"#.to_owned()),
        ("POST /v1/experiments/cart/stop", r#"{"by":"eve"}"#.to_owned()),
        ("POST /v1/flag-keys?by=eve", r#"{"name":"k","kind":"server"}"#.to_owned()),
        ("POST /v1/flag-keys/k1/revoke?by=eve", String::new()),
    ];
    for (line, body) in &asked {
        let answer = ask(&server, line, "boss", body);
        assert_ne!(answer.status, 403, "{line}: {}", answer.body);
    }
    let calls = server.stub.called();
    assert_eq!(calls.len(), asked.len(), "{calls:?}");
    for call in &calls {
        assert!(call.contains("by boss") && !call.contains("eve"), "{call}");
    }
    // Whoever runs it speaks for people.
    server.ask_with_token("POST /v1/pipeline/runs/7/approve", r#"{"by":"eve"}"#);
    assert!(server.stub.called().last().unwrap().starts_with("run_approve 7 by eve"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_reads_by_its_cookie_and_changes_with_what_only_its_pages_know() {
    let (server, desk) = served(Desk::default().with_session("opened", "ann"), &[("ann", Role::Admin, "*")]);
    let body = r#"{"code":"right"}"#;
    let login = send(&server, "POST /v1/sessions", &format!("Content-Length: {}\r\n", body.len()), body);
    assert_eq!(login.status, 200, "{}", login.body);
    assert!(login.head.contains("set-cookie: tidegate-session=opened;"), "{}", login.head);
    assert!(login.head.contains("httponly") && login.head.contains("samesite=strict"));
    assert!(!login.body.contains("\"opened\""), "the cookie alone has it");
    let cookie = "Cookie: tidegate-session=opened\r\n";
    let me = send(&server, "GET /v1/whoami", cookie, "").json();
    assert_eq!((&me["who"], &me["means"]), (&"ann".into(), &"session".into()));
    let csrf = me["csrf"].as_str().unwrap();
    for bad in [String::new(), "X-Tidegate-Csrf: x\r\n".to_owned(), format!("X-Tidegate-Csrf: {csrf}x\r\n")] {
        let answer = send(&server, "POST /v1/down", &format!("{cookie}{bad}Content-Length: 0\r\n"), "");
        assert_eq!(told(&answer), (403, "access::csrf".to_owned()), "{bad}");
    }
    assert!(server.stub.called().is_empty());
    let good = format!("{cookie}X-Tidegate-Csrf: {csrf}\r\nContent-Length: 0\r\n");
    assert_eq!(send(&server, "POST /v1/down", &good, "").status, 200);
    let out = send(&server, "POST /v1/logout", &good, "");
    assert!(out.status == 200 && out.head.contains("max-age=0"), "{}", out.head);
    assert_eq!(*desk.ended.lock().unwrap(), [Means::Session { id: "s1".to_owned() }]);
    let late = r#"{"code":"late"}"#;
    let late = send(&server, "POST /v1/sessions", &format!("Content-Length: {}\r\n", late.len()), late);
    assert_eq!(told(&late), (401, "access::expired-code".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_waits_and_others_do_not() {
    let (server, _) =
        served(Desk::default().with_token("ann", Ok(user("ann"))), &[("ann", Role::Reader, "*")]);
    for number in 0..10 {
        assert_eq!(ask(&server, "GET /v1/doctor", &format!("guess-{number}"), "").status, 401, "{number}");
    }
    let eleventh = ask(&server, "GET /v1/doctor", "guess-10", "");
    assert_eq!(told(&eleventh), (429, "access::guessing".to_owned()));
    assert!(eleventh.head.contains("retry-after: "), "{}", eleventh.head);
    let body = r#"{"code":"right"}"#;
    let login = send(&server, "POST /v1/sessions", &format!("Content-Length: {}\r\n", body.len()), body);
    assert_eq!(login.status, 429, "codes are guessed as well");
    assert_eq!(server.ask("GET /v1/doctor", "").status, 401, "who shows nothing has guessed nothing");
    let elsewhere = "Authorization: Bearer ann\r\nX-Forwarded-For: 192.0.2.9\r\n";
    assert_eq!(server.ask("GET /v1/doctor", elsewhere).code(), "stub::unset");
    let error = server.unix().doctor().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, "stub::unset", "the socket");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_known_by_the_socket_and_by_the_token() {
    let (server, _) = served(Desk::default(), &[]);
    let me = server.unix().whoami().await.unwrap();
    assert_eq!((me.kind.as_str(), me.means.as_str(), me.roles.len()), ("owner", "socket", 0));
    let me = server.http().whoami().await.unwrap();
    assert_eq!((me.kind.as_str(), me.means.as_str(), me.csrf), ("owner", "owner-token", None));
    let error = server.unix().logout().await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, "access::owner");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_about_users_is_found_out_at_each_request() {
    let desk = Desk::default()
        .with_token("ann", Ok(user("ann")))
        .with_token("boss", Ok(user("boss")))
        .with_token("low", Ok(narrow("boss", Reach::default(), Some(Role::Operator))));
    let roles = [("ann", Role::Admin, "shop"), ("boss", Role::Admin, "*")];
    let (server, _) = served(desk, &roles);
    let admin = |token: &str| ask(&server, "GET /v1/whoami", token, "").json()["admin"] == true;
    assert!(admin("boss") && !admin("ann") && !admin("low"));
    assert_eq!(ask(&server, "GET /v1/users", "boss", "").status, 200);
    for token in ["ann", "low"] {
        assert_eq!(told(&ask(&server, "GET /v1/users", token, "")), (403, "access::forbidden".to_owned()));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_provider_was_named_nobody_logs_in_by_one() {
    let (server, _) =
        served(Desk::default().with_token("ann", Ok(user("ann"))), &[("ann", Role::Admin, "*")]);
    let ways = send(&server, "GET /v1/login", "", "");
    assert_eq!((ways.status, ways.body.as_str()), (200, "{}"));
    let body = r#"{"token":"laptop"}"#;
    let length = format!("Content-Length: {}\r\n", body.len());
    let none = (404, "oidc::not-served".to_owned());
    assert_eq!(told(&send(&server, "POST /v1/login/oidc/device", &length, body)), none);
    assert_eq!(told(&send(&server, "GET /v1/login/oidc", "", "")), none);
    assert_eq!(told(&send(&server, "GET /v1/login/oidc/callback?code=x&state=y", "", "")), none);
    let link = r#"{"subject":"1"}"#;
    assert_eq!(told(&ask(&server, "POST /v1/users/bob/link", "ann", link)), none, "of which provider?");
    let foreign = "Origin: https://evil.example\r\n";
    let refused = send(&server, "POST /v1/login/oidc/device", &format!("{foreign}{length}"), body);
    assert_eq!(told(&refused), (403, "api::foreign-host".to_owned()));
    server.stop().await;
}
