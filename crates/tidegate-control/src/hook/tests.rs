//! Payloads shaped as the hosts' public documentation shows them, written for these tests:
//! GitHub "Webhook events and payloads" and "Validating webhook deliveries"; GitLab "Webhook events" and "Webhooks" (secret token,
//! signing token); Gitea and Forgejo "Webhooks"; the specification of "Standard Webhooks".

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_795_000_000;
const COMMIT: &str = "bffeb74224043ba2feb48d137756c8a9331c449a";
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn secret() -> HookSecret {
    HookSecret::chosen(SECRET).unwrap()
}

/// A request, header by header.
struct Request {
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn new(body: &Value) -> Self {
        let headers = [("content-type".to_owned(), "application/json".to_owned())].into();
        Request { headers, body: body.to_string().into_bytes() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    fn read_at(&self, now_unix_s: u64) -> Result<Delivery, NotTaken> {
        let header = |name: &str| self.headers.get(name).map(String::as_str);
        read(&secret(), &Incoming { header: &header, body: &self.body, now_unix_s })
    }

    fn read(&self) -> Result<Delivery, NotTaken> {
        self.read_at(NOW)
    }

    /// The HMAC of its body, in hex.
    fn tag(&self) -> String {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
        hex(aws_lc_rs::hmac::sign(&key, &self.body).as_ref())
    }

    fn github(self, event: &str) -> Self {
        let tag = format!("sha256={}", self.tag());
        self.with("X-GitHub-Event", event)
            .with("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
            .with("X-GitHub-Hook-ID", "292430182")
            .with("X-Hub-Signature-256", &tag)
    }

    fn gitlab(self, event: &str) -> Self {
        self.with("X-Gitlab-Event", event)
            .with("X-Gitlab-Instance", "https://gitlab.com")
            .with("X-Gitlab-Webhook-UUID", "02affd2d-2cba-4033-917d-ec22d5dc4b38")
            .with("Idempotency-Key", "f5e5f430-f57b-4e6e-9fac-d9128cd7232f")
    }

    /// Signed as GitLab does with a signing token.
    fn signed(self, id: &str, at: u64) -> Self {
        let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let text = [format!("{id}.{at}.").as_bytes(), &self.body].concat();
        let tag = STANDARD.encode(aws_lc_rs::hmac::sign(&key, &text));
        self.gitlab("Push Hook")
            .with("webhook-id", id)
            .with("webhook-timestamp", &at.to_string())
            .with("webhook-signature", &format!("v1,{tag}"))
    }

    fn gitea(self, event: &str) -> Self {
        let tag = self.tag();
        self.with("X-Gitea-Event", event)
            .with("X-Gitea-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473")
            .with("X-Gitea-Signature", &tag)
            .with("X-GitHub-Event", event)
            .with("X-GitHub-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473")
            .with("X-Hub-Signature-256", &format!("sha256={tag}"))
    }
}

fn github_push() -> Value {
    json!({
        "ref": "refs/heads/main",
        "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        "after": COMMIT,
        "repository": { "id": 186_853_002, "full_name": "ann/shop", "private": true, "pushed_at": 1_795_000_000,
            "clone_url": "https://evil.example/ann/shop.git", "default_branch": "main" },
        "pusher": { "name": "ann", "email": "ann@example.org" },
        "sender": { "login": "ann", "id": 21_031_067, "type": "User" },
        "created": false, "deleted": false, "forced": false, "base_ref": null,
        "compare": "https://github.com/ann/shop/compare/6113728f27ae...bffeb7422404",
        "commits": [{ "id": COMMIT, "message": "Add a \"cart\" 🛒", "author": { "name": "Ann", "email": "ann@example.org" } }],
        "head_commit": { "id": COMMIT, "timestamp": "2026-11-18T10:00:00+01:00" }
    })
}

fn gitlab_push() -> Value {
    json!({
        "object_kind": "push", "event_name": "push",
        "before": "95790bf891e76fee5e1747ab589903a6a1f80f22", "after": COMMIT,
        "ref": "refs/heads/main", "ref_protected": true, "checkout_sha": COMMIT, "message": null,
        "user_id": 4, "user_name": "Ann Ample", "user_username": "ann", "user_email": "",
        "project_id": 15, "project": { "id": 15, "git_http_url": "https://evil.example/ann/shop.git" },
        "commits": [], "total_commits_count": 1
    })
}

fn gitea_push() -> Value {
    json!({
        "ref": "refs/heads/main", "before": "28e1879d029cb852e4844d9c718537df08844e03", "after": COMMIT,
        "compare_url": "http://localhost:3000/ann/shop/compare/28e1879d029cb852...bffeb74224043ba2", "total_commits": 1,
        "commits": [{ "id": COMMIT, "author": { "name": "Ann", "email": "ann@example.org", "username": "ann" } }],
        "repository": { "id": 140, "full_name": "ann/shop", "clone_url": "https://evil.example/ann/shop.git" },
        "pusher": { "id": 1, "login": "ann", "full_name": "Ann Ample", "email": "ann@example.org", "username": "ann" },
        "sender": { "id": 1, "login": "ann" }
    })
}

fn push() -> HookEvent {
    HookEvent::Push { branch: "main".to_owned(), commit: COMMIT.to_owned(), by: "ann".to_owned() }
}

fn idle(request: &Request) -> String {
    match request.read().unwrap().event {
        HookEvent::Idle(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_pushes_of_every_host_are_understood() {
    let forgejo = |request: Request| {
        let tag = request.tag();
        request
            .gitea("push")
            .with("X-Forgejo-Event", "push")
            .with("X-Forgejo-Delivery", "f6266f16-1bf3-46a5-9ea4-602e06ead473")
            .with("X-Forgejo-Signature", &tag)
    };
    for (request, host, ids) in [
        (Request::new(&github_push()).github("push"), Host::GitHub, 2),
        (Request::new(&gitlab_push()).gitlab("Push Hook").with("X-Gitlab-Token", SECRET), Host::GitLab, 2),
        (Request::new(&gitlab_push()).signed("msg_1", NOW - 3), Host::GitLab, 1),
        (Request::new(&gitea_push()).gitea("push"), Host::Gitea, 2),
        (forgejo(Request::new(&gitea_push())), Host::Forgejo, 2),
    ] {
        let delivery = request.read().unwrap();
        assert_eq!((delivery.host, &delivery.event), (host, &push()));
        assert_eq!(delivery.ids.len(), ids, "{delivery:?}");
    }
}

#[test]
fn a_form_is_read_as_its_json() {
    let mut request = Request::new(&github_push());
    let text = String::from_utf8(request.body).unwrap();
    request.body =
        form_urlencoded::Serializer::new(String::new()).append_pair("payload", &text).finish().into();
    let request = request.with("Content-Type", "application/x-www-form-urlencoded").github("push");
    assert_eq!(request.read().unwrap().event, push());
}

#[test]
fn a_ping_is_a_ping() {
    let ping = json!({ "zen": "Keep it logically awesome.", "hook_id": 1, "hook": { "type": "Repository" } });
    assert_eq!(Request::new(&ping).github("ping").read().unwrap().event, HookEvent::Ping);
}

#[test]
fn nothing_is_believed_without_its_proof() {
    let unsigned = Request::new(&github_push()).with("X-GitHub-Event", "push");
    assert_eq!(unsigned.read(), Err(NotTaken::Unsigned));
    // The way that is no way any more: SHA-1.
    let old = Request::new(&github_push()).with("X-GitHub-Event", "push").with("X-Hub-Signature", "sha1=00");
    assert_eq!(old.read(), Err(NotTaken::Unsigned));
    let good = Request::new(&github_push()).github("push");
    let tag = good.headers["x-hub-signature-256"].clone();
    for bad in ["", "sha256=", "sha256=zz", &tag[7..], &tag[..tag.len() - 2], &format!("{tag}00"), "sha1=00"]
    {
        let forged = Request::new(&github_push()).github("push").with("X-Hub-Signature-256", bad);
        assert_eq!(forged.read(), Err(NotTaken::Forged), "{bad}");
    }
    for bad in ["", "x", &SECRET[1..], &format!("{SECRET} ")] {
        let forged = Request::new(&gitlab_push()).gitlab("Push Hook").with("X-Gitlab-Token", bad);
        assert_eq!(forged.read(), Err(NotTaken::Forged), "{bad}");
    }
}

#[test]
fn a_changed_byte_makes_it_a_forgery() {
    for request in [
        Request::new(&github_push()).github("push"),
        Request::new(&gitea_push()).gitea("push"),
        Request::new(&gitlab_push()).signed("msg_1", NOW),
    ] {
        let mut request = request;
        let at = request.body.iter().position(|byte| *byte == b'm').unwrap();
        request.body[at] = b'n';
        assert_eq!(request.read(), Err(NotTaken::Forged));
    }
}

#[test]
fn a_bad_proof_is_not_made_good_by_another() {
    let request = Request::new(&gitlab_push()).signed("msg_1", NOW).with("X-Gitlab-Token", SECRET);
    assert!(request.read().is_ok());
    let request = request.with("webhook-signature", "v1,AAAA");
    assert_eq!(request.read(), Err(NotTaken::Forged));
}

#[test]
fn a_signature_covers_the_id_and_the_time() {
    let signed = || Request::new(&gitlab_push()).signed("msg_1", NOW);
    assert_eq!(signed().with("webhook-id", "msg_2").read(), Err(NotTaken::Forged));
    assert_eq!(signed().with("webhook-timestamp", &(NOW + 1).to_string()).read(), Err(NotTaken::Forged));
    assert_eq!(signed().read_at(NOW + 301), Err(NotTaken::Stale));
    assert_eq!(signed().read_at(NOW - 301), Err(NotTaken::Stale));
    assert!(signed().read_at(NOW + 299).is_ok());
    // Two keys while one takes the place of the other.
    let both = signed();
    let tags = format!("v1,AAAA v2,x {}", both.headers["webhook-signature"]);
    assert!(both.with("webhook-signature", &tags).read().is_ok());
}

#[test]
fn a_signed_id_is_no_other_under_the_headers_of_another_host() {
    let mut signed = Request::new(&github_push()).signed("msg_1", NOW);
    signed.headers.remove("x-gitlab-event");
    let delivery = signed.github("push").with("X-GitHub-Delivery", "another").read().unwrap();
    assert_eq!(delivery.ids, ["signed msg_1"]);
}

#[test]
fn under_another_id_it_is_known_by_its_body() {
    let one = Request::new(&github_push()).github("push").read().unwrap();
    let two =
        Request::new(&github_push()).github("push").with("X-GitHub-Delivery", "another").read().unwrap();
    assert_ne!(one.ids[0], two.ids[0]);
    assert_eq!(one.ids[1], two.ids[1]);
    let mut later = github_push();
    later["repository"]["pushed_at"] = json!(1_795_000_001);
    let three = Request::new(&later).github("push").read().unwrap();
    assert_ne!(one.ids[1], three.ids[1]);
}

#[test]
fn what_begins_no_run_says_why() {
    let changed = |field: &str, value: &str| {
        let mut payload = github_push();
        payload[field] = json!(value);
        Request::new(&payload).github("push")
    };
    assert_eq!(idle(&changed("ref", "refs/tags/v1")), "refs/tags/v1 is no branch: only those begin runs");
    assert_eq!(idle(&changed("after", &"0".repeat(40))), "the branch main was deleted: nothing runs");
    let issue = Request::new(&json!({ "action": "opened" })).github("issues");
    assert_eq!(idle(&issue), "a `issues` begins nothing: only pushes do");
    // A signed body under another header: what the body says of itself counts.
    let mut tag = gitlab_push();
    tag["object_kind"] = json!("tag_push");
    let tag = Request::new(&tag).gitlab("Push Hook").with("X-Gitlab-Token", SECRET);
    assert_eq!(idle(&tag), "it is no push to a branch");
}

#[test]
fn what_no_host_would_send_is_refused() {
    let malformed = |payload: &Value| {
        let read = Request::new(payload).github("push").read();
        assert!(matches!(read, Err(NotTaken::Malformed(_))), "{payload}: {read:?}");
    };
    malformed(&json!([]));
    malformed(&json!({ "ref": 7 }));
    malformed(&json!({ "ref": "refs/heads/main" }));
    malformed(&json!({ "ref": "refs/heads/main", "after": "main" }));
    malformed(&json!({ "ref": "refs/heads/", "after": COMMIT }));
    malformed(&json!({ "ref": "refs/heads/a\nb", "after": COMMIT }));
    malformed(&json!({ "ref": format!("refs/heads/{}", "x".repeat(300)), "after": COMMIT }));
    let nameless = Request::new(&github_push()).github("push");
    let nameless = Request {
        headers: nameless.headers.into_iter().filter(|(name, _)| name != "x-github-event").collect(),
        ..nameless
    };
    assert!(matches!(nameless.read(), Err(NotTaken::Malformed(_))));
    let long = Request::new(&github_push()).github("push").with("X-GitHub-Delivery", &"x".repeat(200));
    assert!(matches!(long.read(), Err(NotTaken::Malformed(_))));
}

#[test]
fn who_pushed_is_one_short_line() {
    let mut payload = github_push();
    payload["pusher"] = json!({ "name": format!("a\u{1b}[2J\n{}", "b".repeat(100)) });
    let HookEvent::Push { by, .. } = Request::new(&payload).github("push").read().unwrap().event else {
        panic!()
    };
    assert_eq!(by, format!("a[2J{}", "b".repeat(60)));
    payload["pusher"] = json!(null);
    let HookEvent::Push { by, .. } = Request::new(&payload).github("push").read().unwrap().event else {
        panic!()
    };
    assert_eq!(by, "");
}

#[test]
fn secrets_are_long_and_shown_to_nobody() {
    let made = HookSecret::made().unwrap();
    assert!(made.reveal().starts_with("whsec_") && made.reveal().len() == 50, "{}", made.reveal().len());
    assert!(!format!("{made:?}").contains(made.reveal()));
    assert!(HookSecret::chosen(made.reveal()).is_some());
    for bad in ["", "short", "fifteen-letters", "with a blank in the middle", &"x".repeat(257)] {
        assert!(HookSecret::chosen(bad).is_none(), "{bad}");
    }
}
