//! Repositories over Git's own HTTP: who may, what real clients get, and what a push that breaks off leaves.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tidegate_api::wire::{PushBody, PushLine, RefUpdate, RefVerdict};
use tidegate_api::{Access, GitConfig};
use tidegate_control::git::{GitRepositories, Opener, Remote};
use tidegate_core::access::{NotLetIn, Reach, Role};
use tidegate_core::model::Name;

use crate::desk::{Desk, narrow, user};
use crate::judge::Judge;
use crate::server::{Server, eventually};
use crate::stub::Stub;

fn shop() -> Name {
    "shop".parse().unwrap()
}

fn served() -> (Server, GitRepositories) {
    served_to(Desk::default())
}

fn served_to(desk: Desk) -> (Server, GitRepositories) {
    let mut made = None;
    let server = Server::start_with(Stub::default(), |config| {
        config.identity = Some(desk.served().1);
        let roles = [("ann", Role::Reader, "*"), ("boss", Role::Admin, "*")];
        config.access = Some(Access(Arc::new(Judge::with(&roles))));
        let data = config.spool_dir.parent().unwrap().to_owned();
        let repositories = GitRepositories::of(&data);
        repositories.prepare().unwrap();
        let key = repositories.access().unwrap();
        made = Some(repositories.clone());
        config.git = Some(GitConfig { repositories, key, data });
    });
    (server, made.unwrap())
}

fn git(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=Ann", "-c", "user.email=a@example.org"]).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TERMINAL_PROMPT", "0").output().unwrap()
}

fn well(folder: &Path, args: &[&str]) -> String {
    let output = git(folder, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A checkout with a commit, and the commit.
fn checkout(server: &Server, manifest: &str) -> (PathBuf, String) {
    let folder = server.dir.path().join("work");
    fs::create_dir(&folder).unwrap();
    well(&folder, &["init", "-q", "-b", "main", "."]);
    fs::write(folder.join("tidegate.yaml"), manifest).unwrap();
    well(&folder, &["add", "-A"]);
    well(&folder, &["commit", "-q", "-m", "First"]);
    let commit = well(&folder, &["rev-parse", "HEAD"]);
    (folder, commit)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_apps_own_token_opens_its_repository() {
    let (server, repositories) = served();
    let key = repositories.access().unwrap();
    let basic = |token: &str| {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("ann:{token}"));
        format!("Authorization: Basic {pair}\r\n")
    };
    let refs = "GET /git/shop.git/info/refs?service=git-receive-pack";
    let bearer = format!("Authorization: Bearer {}\r\n", server.token.reveal());
    let others = key.token(&"blog".parse().unwrap());
    for headers in [String::new(), bearer, basic(""), basic(&others), basic(server.token.reveal())] {
        let answer = server.ask(refs, &headers);
        assert_eq!(answer.status, 401, "{headers}");
        assert!(answer.head.contains("www-authenticate: basic"), "{}", answer.head);
    }
    assert!(repositories.get(&shop()).is_none(), "a stranger had it made");
    let own = basic(&key.token(&shop()));
    assert_eq!(server.ask("GET /git/shop.git/info/refs?service=git-upload-pack", &own).status, 404);
    assert_eq!(server.ask("GET /git/shop.git/info/refs", &own).status, 403);
    assert_eq!(server.ask("GET /git/..%2fshop.git/info/refs?service=git-receive-pack", &own).status, 401);
    let answer = server.ask(refs, &own);
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("application/x-git-receive-pack-advertisement"), "{}", answer.head);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_token_is_a_password_and_opens_what_its_user_may() {
    let blog = Reach { app: Some("blog".parse().unwrap()), environment: None };
    let desk = Desk::default()
        .with_token("ann", Ok(user("ann")))
        .with_token("boss", Ok(user("boss")))
        .with_token("blog", Ok(narrow("boss", blog, None)))
        .with_token("late", Err(NotLetIn::Expired));
    let (server, repositories) = served_to(desk);
    let basic = |token: &str| {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("eve:{token}"));
        format!("Authorization: Basic {pair}\r\n")
    };
    let refs = |service: &str| format!("GET /git/shop.git/info/refs?service=git-{service}-pack");
    for token in ["ann", "blog"] {
        assert_eq!(server.ask(&refs("receive"), &basic(token)).status, 403, "{token}");
    }
    assert_eq!(server.ask(&refs("upload"), &basic("blog")).status, 403);
    let late = server.ask(&refs("upload"), &basic("late"));
    assert!(late.status == 401 && late.body.contains("has expired"), "{}", late.body);
    assert!(repositories.get(&shop()).is_none(), "somebody had it made who may not");
    assert_eq!(
        server.ask(&refs("upload"), &basic("ann")).status,
        403,
        "who only reads has not all that ever was"
    );
    assert_eq!(server.ask(&refs("upload"), &basic("boss")).status, 404, "nobody has pushed yet");
    assert_eq!(server.ask(&refs("receive"), &basic("boss")).status, 200);
    let url = server.ask("GET /v1/git/url?app=shop&by=eve", "Authorization: Bearer ann\r\n").json();
    assert_eq!(url["http"], format!("http://ann@{}/git/shop.git", server.address), "nobody's token is in it");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_clients_fetch_also_with_a_compressed_request() {
    let (server, repositories) = served();
    let (folder, commit) = checkout(&server, "app: shop\n");
    repositories.get_or_make(&shop()).unwrap();
    let bare = repositories.root().join("shop.git");
    well(&folder, &["push", "-q", bare.to_str().unwrap(), "HEAD:main"]);
    let url = server.unix().git_urls(&shop(), "ann").await.unwrap().http;
    assert!(
        url.starts_with("http://ann:") && url.ends_with(&format!("@{}/git/shop.git", server.address)),
        "{url}"
    );
    // So much that the server has not: its list is long enough to be compressed.
    let other = server.dir.path().join("other");
    fs::create_dir(&other).unwrap();
    well(&other, &["init", "-q", "-b", "main", "."]);
    for number in 0..80 {
        well(&other, &["commit", "-q", "--allow-empty", "-m", &number.to_string()]);
    }
    well(&other, &["fetch", "-q", &url, "main"]);
    assert_eq!(well(&other, &["rev-parse", "FETCH_HEAD"]), commit);
    server.stop().await;
}

/// A push as a client sends it: what is to move, then a pack.
fn push_of(folder: &Path, commit: &str) -> Vec<u8> {
    let line = format!("{} {commit} refs/heads/main\0report-status", "0".repeat(40));
    let mut bytes = format!("{:04x}{line}0000", line.len() + 4).into_bytes();
    let mut packing = Command::new("git")
        .current_dir(folder)
        .args(["pack-objects", "-q", "--stdout", "--revs"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    packing.stdin.take().unwrap().write_all(format!("{commit}\n").as_bytes()).unwrap();
    bytes.extend(packing.wait_with_output().unwrap().stdout);
    bytes
}

fn quarantines(bare: &Path) -> usize {
    let names = fs::read_dir(bare.join("objects")).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("tmp_objdir")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_breaks_off_leaves_nothing() {
    let (server, repositories) = served();
    let (folder, _) = checkout(&server, "app: shop\n");
    // Nothing that packs well.
    let noise: Vec<u8> = (0..400_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    fs::write(folder.join("noise"), noise).unwrap();
    well(&folder, &["add", "-A"]);
    well(&folder, &["commit", "-q", "-m", "Second"]);
    let commit = well(&folder, &["rev-parse", "HEAD"]);
    let push = push_of(&folder, &commit);
    repositories.get_or_make(&shop()).unwrap();
    let bare = repositories.root().join("shop.git");
    let pair = {
        use base64::Engine;
        let token = repositories.access().unwrap().token(&shop());
        base64::engine::general_purpose::STANDARD.encode(format!("ann:{token}"))
    };
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /git/shop.git/git-receive-pack HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {pair}\r\nContent-Length: {}\r\n\r\n",
        server.address,
        push.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&push[..push.len() / 2]).unwrap();
    assert!(eventually(|| quarantines(&bare) == 1).await, "it is half there");
    drop(stream);
    assert!(eventually(|| quarantines(&bare) == 0).await, "half of it stays");
    assert_eq!(well(&bare, &["count-objects"]), "0 objects, 0 kilobytes");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_learns_why_no_run_begins_and_what_is_left_alone() {
    let (server, repositories) = served();
    let (folder, commit) = checkout(&server, "app: shop\nservices: { web: { run: x } }\n");
    repositories.get_or_make(&shop()).unwrap();
    let bare = repositories.root().join("shop.git");
    well(&folder, &["push", "-q", bare.to_str().unwrap(), "HEAD:stored"]);
    let update =
        |name: &str| RefUpdate { name: name.to_owned(), before: "0".repeat(40), after: commit.clone() };
    let updates = ["refs/heads/main", "refs/heads/other", "refs/heads/stored"].map(update).to_vec();
    let body = PushBody { app: shop(), by: "ann".to_owned(), updates };
    let lines = server.unix().git_push(&body).await.unwrap().all().await.unwrap();
    let said: Vec<&str> = lines
        .iter()
        .filter_map(|line| if let PushLine::Said(text) = line { Some(text.as_str()) } else { None })
        .collect();
    let Some(PushLine::Done(verdicts)) = lines.last() else { panic!("{lines:?}") };
    assert!(said[0].contains("stub::unset"), "{said:?}");
    assert_eq!(said[1], "no environment takes the branch other: it is kept, nothing runs");
    assert!(said[2].contains("git::moved"), "{said:?}");
    assert!(
        matches!(&verdicts[..], [RefVerdict::Refused(_), RefVerdict::Plain, RefVerdict::Refused(_)]),
        "{verdicts:?}"
    );
    assert_eq!(server.stub.called(), ["run_begin shop to production, 10240 bytes"]);
    server.stop().await;
}

/// What is followed elsewhere is opened as here: by Basic authentication, asked of a program that has it from a file.
#[tokio::test(flavor = "multi_thread")]
async fn a_repository_elsewhere_is_opened_by_a_token_in_a_file() {
    let (server, repositories) = served();
    let data = server.dir.path();
    tidegate_control::source::prepare(data).unwrap();
    let (folder, commit) = checkout(&server, "app: shop\n");
    repositories.get_or_make(&shop()).unwrap();
    well(&folder, &["push", "-q", repositories.root().join("shop.git").to_str().unwrap(), "HEAD:main"]);
    let file = data.join("its-token");
    fs::write(&file, repositories.access().unwrap().token(&shop()) + "\n").unwrap();
    let askpass = data.join("git/sources/askpass");
    let remote = Remote {
        address: format!("http://{}/git/shop.git", server.address).parse().unwrap(),
        opener: Opener::Token { user: "ann".to_owned(), token: file.clone(), askpass },
    };
    assert_eq!(remote.list().unwrap().heads, [("main".to_owned(), commit.clone())].into());
    let ours = repositories.get_or_make(&"blog".parse().unwrap()).unwrap();
    remote.fetch(&ours, &["main"]).unwrap();
    assert_eq!(well(&repositories.root().join("blog.git"), &["rev-parse", "main"]), commit);
    fs::write(&file, "another token\n").unwrap();
    let error = remote.list().unwrap_err().to_string();
    assert!(error.contains("Authentication failed") && !error.contains("another"), "{error}");
    let nothing = Remote { opener: Opener::Nothing, ..remote };
    let error = nothing.list().unwrap_err().to_string();
    assert!(error.contains("terminal prompts disabled"), "{error}");
    server.stop().await;
}

/// Whoever is at an address has no say in where else is asked, and with what.
#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_is_not_followed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = std::io::Read::read(&mut stream, &mut [0; 4_096]);
        let head = format!(
            "HTTP/1.1 301 Moved\r\nLocation: http://{address}/b.git/info/refs\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    });
    let address = format!("http://{address}/a.git").parse().unwrap();
    let error = Remote { address, opener: Opener::Nothing }.list().unwrap_err().to_string();
    assert!(error.contains("the repository is elsewhere"), "{error}");
    assert!(answering.join().unwrap().accept().is_err(), "it was asked there");
}
