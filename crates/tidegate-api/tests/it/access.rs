//! Each role at each endpoint, in an environment that is not protected, in one that is, and in another app: what the server does is
//! what the policies say of the endpoint's line in the table. Nobody who is refused reaches the control plane.

use std::sync::Arc;

use serde_json::json;
use tidegate_api::{Access, EndpointNeed, needs};
use tidegate_core::access::{Action, Facts, Origin, Place, Question, Role, Who, roles_at};
use tidegate_core::view::TimelineEvent;
use tidegate_policy::Policies;

use crate::desk::Desk;
use crate::judge::{Judge, binding};
use crate::server::{Answer, Server};
use crate::stub::{Answers, Stub, event};

/// The environments of the fake: as a request names them.
const PLACES: [&str; 3] = ["shop/staging", "shop/production", "billing/production"];

/// A server that knows people by name: their token is their name.
fn server(desk: &Arc<Judge>, answers: Answers) -> Server {
    let access = Access(desk.clone());
    Server::start_with(Stub::new(answers), |config| {
        config.access = Some(access);
        config.identity = Some(Desk::of_everybody().served().1);
    })
}

fn ask(server: &Server, who: &str, line: &str, body: &str) -> Answer {
    let length = body.len();
    let headers = format!("Authorization: Bearer {who}\r\nContent-Length: {length}\r\n");
    server.raw(&format!(
        "{line} HTTP/1.1\r\nHost: {}\r\n{headers}Connection: close\r\n\r\n{body}",
        server.address
    ))
}

/// A request of an endpoint about a place.
fn request(need: &EndpointNeed, place: &str) -> (String, String) {
    let (app, environment) = place.split_once('/').unwrap();
    // The fake's runs, deploys and units are numbered as its places are.
    let number = PLACES.iter().position(|one| *one == place).unwrap() + 1;
    let path = need
        .path
        .replace("{service}", "web")
        .replace("{action}", "abort")
        .replace("{id}", &number.to_string())
        .replace("{run}", &number.to_string())
        .replace("{job}", "nightly")
        .replace("{flag}", "cart")
        .replace("{app}", app)
        .replace("{environment}", environment)
        .replace("{user}", "zoe")
        .replace("{token}", "laptop");
    let scope = format!("?app={app}&environment={environment}");
    let query = match need.id {
        "promote" | "environment_remove" => format!("?app={app}"),
        "git_urls" => format!("?app={app}"),
        "access_explain" => format!("?who=zoe&action=deploy&place={app}%2F{environment}"),
        "deploy" | "deploy_view" | "plan" | "run_view" | "run_stop" | "pipeline_begin" | "pipeline_run"
        | "pipeline_logs" | "pipeline_cancel" | "pipeline_retry" | "pipeline_approve" | "git_push"
        | "git_sources" | "git_connect" | "git_disconnect" | "git_look" | "metrics" | "doctor"
        | "upgrade" | "down" | "access_list" | "access_grant" | "access_revoke" | "policies"
        | "policies_set" | "login" | "logout" | "whoami" | "users" | "user_add" | "user_disable"
        | "user_enable" | "user_remove" | "user_invite" | "tokens" | "token_create" | "token_revoke"
        | "secret_rotate_key" | "parameters" | "parameter_set" | "parameter_label" | "build_admit"
        | "keys" | "key_rotate" | "advisories" | "audit_links" | "audit_head" => String::new(),
        "parameter_history" => "?path=%2Fa%2Fb".to_owned(),
        "build_verify" | "build_attestation" | "build_sbom" => format!("{scope}&what=r3"),
        _ => scope,
    };
    let body = match need.id {
        "promote" => json!({ "to": environment, "by": "x" }),
        "access_grant" | "access_revoke" => json!({ "who": "zoe", "role": "reader", "place": place }),
        "release" => json!({ "order": "kill", "by": "x" }),
        "run" => json!({ "command": "true" }),
        "scale" => json!({ "instances": 1 }),
        "plan" => json!({
            "deploy": { "environment": environment, "folder": "", "source": { "commit": null, "dirty": false }, "env": {}, "by": "" },
            "manifest_file": "tidegate.yaml", "snapshot": "",
            "manifest_text": format!("app: {app}\nservices:\n  web:\n    run: ./web\n"),
        }),
        "git_push" => json!({ "app": app, "by": "x", "updates": [] }),
        "git_connect" => json!({ "app": app, "url": "https://git.example/x.git" }),
        "user_add" => json!({ "name": "zoe" }),
        "token_create" => json!({ "name": "laptop" }),
        "login" => json!({ "code": "wrong" }),
        "build_admit" => json!({
            "build": { "what": "r3", "app": app, "environment": environment },
            "break_glass": { "by": "x", "why": "y" },
        }),
        "config_change" => json!({ "act": { "unset": ["X"] } }),
        "secret_set" => json!({ "name": "db_url", "value": "x" }),
        "secret_remove" => json!({ "name": "db_url" }),
        "parameter_set" => json!({ "path": "/a/b", "value": "x" }),
        "parameter_label" => json!({ "path": "/a/b", "label": "good", "version": 1 }),
        "flag_key_create" => json!({ "name": "x", "kind": "client" }),
        "deploy" | "pipeline_begin" => {
            return (format!("{} {path}", need.method), upload(need.id, app, environment));
        }
        _ => json!({}),
    };
    (format!("{} {path}{query}", need.method), body.to_string())
}

/// Four bytes of length, the JSON, and no files: the fake takes the app from the folder's name.
fn upload(id: &str, app: &str, environment: &str) -> String {
    let request = if id == "deploy" {
        json!({ "environment": environment, "folder": app, "source": { "commit": null, "dirty": false }, "env": {}, "by": "x" })
    } else {
        let source = json!({ "commit": null, "branch": null, "author": "", "email": "", "subject": "", "by": "x", "origin": "upload" });
        json!({ "app": app, "environment": environment, "source": source, "push": null })
    };
    // Of a length whose four bytes are text, so that the whole of it is.
    let padded = format!("{:300}", request.to_string());
    let length = u32::try_from(padded.len()).unwrap().to_be_bytes();
    String::from_utf8(length.to_vec()).unwrap() + &padded
}

/// Where the endpoint looks, of the place a request names.
fn place_of(need: &EndpointNeed, place: &str) -> Place {
    let (app, environment) = place.split_once('/').unwrap();
    match need.place {
        "installation" => Place::Everywhere,
        "app" => Place::App(app.parse().unwrap()),
        _ => Place::Environment(app.parse().unwrap(), environment.parse().unwrap()),
    }
}

fn expected(policies: &Policies, role: Role, at: &str, need: &EndpointNeed, place: &str) -> bool {
    let Some(action) = need.action else { return true };
    // Lists have what may be read, and one that is asked for one place is refused as a whole.
    let place = place_of(need, place);
    if need.place == "each" && !has_scope(need) {
        return true;
    }
    let bindings = [binding("ann", role, at)];
    let protected =
        matches!(&place, Place::Environment(_, environment) if environment.as_str() == "production");
    let question = Question {
        who: Who::User { name: "ann".parse().unwrap(), token: None },
        from: Origin::Within,
        groups: Default::default(),
        roles: roles_at(&bindings, &place),
        action,
        place,
        facts: Facts { protected, ..Facts::default() },
    };
    // That is what it is for.
    let passes_over = Question { action: Action::BreakGlass, ..question.clone() };
    let glass = need.id != "build_admit" || policies.decide(&passes_over).allowed;
    policies.decide(&question).allowed && glass
}

fn has_scope(need: &EndpointNeed) -> bool {
    !matches!(need.id, "access_list" | "git_sources" | "keys" | "advisories")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_gets_through_where_the_policies_say_so_and_nowhere_else() {
    let policies = Policies::shipped();
    let all = needs();
    assert!(all.len() > 75, "{}", all.len());
    let mut told = Vec::new();
    let (mut through, mut refused) = (0, 0);
    for role in Role::ALL {
        for at in ["shop", "*"] {
            let desk = Arc::new(Judge::with(&[("ann", role, at)]));
            let server = server(&desk, Answers::default());
            for need in all.iter().filter(|need| need.action.is_some()) {
                for place in PLACES {
                    let (line, body) = request(need, place);
                    let before = server.stub.called().len();
                    let answer = ask(&server, "ann", &line, &body);
                    let allowed = answer.status != 403 && answer.status != 401;
                    let called = server.stub.called().len() > before || desk.changed();
                    if allowed != expected(&policies, role, at, need, place) {
                        told.push(format!("{role} at {at}: {line}: {} {}", answer.status, answer.body));
                    }
                    if !allowed && called {
                        told.push(format!("{role} at {at}: {line} was refused and done"));
                    }
                    if !allowed && answer.code() != "access::forbidden" {
                        told.push(format!("{role} at {at}: {line}: {}", answer.body));
                    }
                    if allowed { through += 1 } else { refused += 1 }
                }
            }
            server.stop().await;
        }
    }
    assert!(told.is_empty(), "{} of {}:\n{}", told.len(), through + refused, told.join("\n"));
    assert!(through > 300 && refused > 300, "{through} through, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_gets_nothing_but_what_is_open() {
    let desk = Arc::new(Judge::with(&[]));
    let server = server(&desk, Answers::default());
    for need in needs() {
        let (line, body) = request(&need, "shop/staging");
        let answer = ask(&server, "eve", &line, &body);
        match need.action {
            None => assert_ne!(answer.status, 403, "{line}"),
            Some(_) if need.place == "each" && !has_scope(&need) => {}
            Some(_) => assert_eq!(answer.status, 403, "{line}: {}", answer.body),
        }
    }
    assert!(server.stub.called().is_empty(), "{:?}", server.stub.called());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_about_is_what_is_done() {
    let desk = Arc::new(Judge::with(&[("ann", Role::Operator, "shop/staging")]));
    let server = server(&desk, Answers::default());
    // All she may read is staging: what she leaves out is that, and the control plane is told so.
    assert_eq!(ask(&server, "ann", "GET /v1/status", "").code(), "stub::unset");
    let place = "Scope { app: Some(Name(\"shop\")), environment: Some(Name(\"staging\")) }";
    assert_eq!(server.stub.called(), [format!("status {place}")]);
    for line in [
        "GET /v1/status?app=shop&environment=production",
        "GET /v1/status?environment=production",
        "GET /v1/status?app=shop&environment=staging&app=billing",
        "GET /v1/pipeline/runs/2",
        "GET /v1/logs?app=shop&environment=staging&unit=2",
        "GET /v1/explain?app=shop&environment=staging&rollout=2",
        "GET /v1/deploys/3",
        "POST /v1/runs/3/stop?app=shop",
        "POST /v1/promotions?app=shop&environment=staging",
    ] {
        let body = if line.contains("promotions") { r#"{"to":"production","by":"x"}"# } else { "" };
        let answer = ask(&server, "ann", line, body);
        assert!(answer.status == 403 || answer.status == 400, "{line}: {} {}", answer.status, answer.body);
    }
    assert_eq!(server.stub.called().len(), 1, "{:?}", server.stub.called());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_names_the_role_to_ask_for_and_no_secret() {
    let desk = Arc::new(Judge::with(&[("ann", Role::Developer, "shop")]));
    let server = server(&desk, Answers::default());
    let answer = ask(&server, "ann", "POST /v1/services/web/rollback?app=shop&environment=production", "{}");
    let problem = answer.json();
    assert_eq!((answer.status, answer.code().as_str()), (403, "access::forbidden"));
    assert_eq!(problem["message"], "ann may not deploy in shop/production: no rule allows it");
    let help = "ask an administrator for `tidegate access grant ann operator --app shop -e production`";
    assert_eq!(problem["help"], help);
    let (there, not_there) = (
        ask(&server, "ann", "GET /v1/pipeline/runs/3", ""),
        ask(&server, "ann", "GET /v1/pipeline/runs/99", ""),
    );
    assert_eq!((there.status, &there.body), (403, &not_there.body), "whether there is one nobody learns");
    assert!(!there.body.contains("billing"), "{}", there.body);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_over_a_protection_is_a_right_of_its_own() {
    let desk = Arc::new(Judge::with(&[("ann", Role::Developer, "shop"), ("olga", Role::Operator, "shop")]));
    let server = server(&desk, Answers::default());
    let glass = r#"{"break_glass":{"by":"x","why":"y"}}"#;
    let back = "POST /v1/services/web/rollback?app=shop&environment=staging";
    let act = "POST /v1/services/web/rollout/promote?app=shop&environment=staging&by=x";
    assert_eq!(ask(&server, "ann", back, "{}").code(), "stub::unset");
    assert_eq!(ask(&server, "ann", act, "").code(), "stub::unset");
    for (line, body) in [(back, glass), (&*format!("{act}&break_glass=y"), "")] {
        assert_eq!(ask(&server, "ann", line, body).code(), "access::forbidden", "{line}");
        assert_eq!(ask(&server, "olga", line, body).code(), "stub::unset", "{line}");
    }
    let run = r#"{"by":"x","break_glass":{"by":"x","why":"y"}}"#;
    assert_eq!(ask(&server, "olga", "POST /v1/pipeline/runs/2/approve", run).code(), "stub::unset");
    server.stop().await;
}

fn of(app: Option<&str>, environment: Option<&str>, seq: u64) -> TimelineEvent {
    let (app, environment) = (app.map(str::to_owned), environment.map(str::to_owned));
    TimelineEvent { app, environment, ..event(seq, "x", "something") }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_what_may_be_read_and_nothing_else() {
    let desk = Arc::new(Judge::with(&[("ann", Role::Reader, "shop/staging"), ("bob", Role::Reader, "*")]));
    let events = vec![
        of(Some("shop"), Some("staging"), 1),
        of(Some("shop"), Some("production"), 2),
        of(Some("billing"), Some("production"), 3),
        of(Some("shop"), None, 4),
        of(None, None, 5),
        of(Some("Not a name"), None, 6),
    ];
    let server = server(&desk, Answers { events, ..Answers::default() });
    let seen = |who: &str, line: &str| -> Vec<u64> {
        let answer = ask(&server, who, line, "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let chunks = answer.body.lines().filter_map(|line| serde_json::from_str::<TimelineEvent>(line).ok());
        chunks.map(|event| event.seq).collect()
    };
    assert_eq!(seen("ann", "GET /v1/events"), [1]);
    assert_eq!(seen("bob", "GET /v1/events"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(seen("eve", "GET /v1/events"), Vec::<u64>::new());
    let named = ask(&server, "ann", "GET /v1/events?app=shop&environment=production", "");
    assert_eq!(named.code(), "access::forbidden");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_policies_are_managed_by_whoever_may() {
    let desk = Arc::new(Judge::with(&[("ann", Role::Admin, "shop"), ("dora", Role::Developer, "shop")]));
    let server = server(&desk, Answers::default());
    let give = |who: &str, place: &str| {
        let body = json!({ "who": "zoe", "role": "admin", "place": place }).to_string();
        ask(&server, who, "POST /v1/access/grant", &body).status
    };
    assert_eq!(give("ann", "shop/staging"), 200);
    assert_eq!((give("ann", "*"), give("ann", "billing"), give("dora", "shop")), (403, 403, 403));
    let explain = "GET /v1/access/explain?action=deploy&place=shop%2Fproduction";
    assert_eq!(ask(&server, "dora", &format!("{explain}&who=dora"), "").status, 200, "about oneself");
    assert_eq!(ask(&server, "dora", &format!("{explain}&who=ann"), "").status, 403);
    assert_eq!(ask(&server, "ann", &format!("{explain}&who=dora"), "").status, 200);
    assert_eq!(ask(&server, "ann", "PUT /v1/policies", "{}").status, 403, "they are everybody's");
    // By the owner's own token all of it is open, and the client's calls arrive.
    let client = server.http();
    let zoe = tidegate_api::wire::RoleBody {
        who: "zoe".parse().unwrap(),
        role: Role::Reader,
        place: Place::Everywhere,
    };
    assert!(client.access_grant(&zoe).await.unwrap().changed);
    assert!(client.access_revoke(&zoe).await.unwrap().changed);
    assert_eq!(client.access_list().await.unwrap().bindings.len(), 3);
    let why = client.access_explain(&zoe.who, Action::Read, &"shop".parse().unwrap()).await.unwrap();
    assert!(!why.allowed);
    assert_eq!(client.policies(None).await.unwrap().version, 0);
    assert_eq!(client.set_policies(&Default::default()).await.unwrap().version, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anybody_to_ask_about_access_only_the_owner_is_let_in() {
    let server = Server::start_with(Stub::default(), |config| {
        config.identity = Some(Desk::of_everybody().served().1);
    });
    assert_eq!(ask(&server, "ann", "GET /v1/doctor", "").status, 403);
    assert_eq!(server.ask_with_token("GET /v1/doctor", "").code(), "stub::unset");
    server.stop().await;
}
