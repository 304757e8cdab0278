//! Static sites: the files of a build, and nothing else of the machine.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;
use tidegate_core::model::{Arm, ArmRole, Rewrite, RouteTable, Site};

use crate::control::counts_when;
use crate::stage::Stage;
use crate::stage::client::{Client, Message};
use crate::stage::table::{arm, with_arms};
use crate::stage::upstream::Upstream;

const SECRET: &str = "not of the site";

/// A folder with a site in it, and a secret beside it.
struct Files {
    dir: TempDir,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Files {
        let dir = tempfile::tempdir().unwrap();
        let made = Files { dir };
        fs::write(made.dir.path().join("secret"), SECRET).unwrap();
        for (path, content) in files {
            made.write(path, content);
        }
        made
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("site")
    }

    fn site(&self) -> Site {
        Site { root: self.root(), spa: false, not_found: None, others: Vec::new() }
    }
}

fn table(epoch: u64, site: Site) -> RouteTable {
    with_arms(epoch, vec![Arm { site: Some(site), ..arm(ArmRole::Stable, 1, 100, &[]) }])
}

fn serving(files: &Files) -> Stage {
    let stage = Stage::new();
    stage.apply(&table(1, files.site()));
    stage
}

fn get(client: &mut Client, path: &str, fields: &str) -> Message {
    client.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

#[test]
fn files_and_folders_are_served_with_their_kind() {
    let files = Files::new(&[
        ("index.html", "<p>home"),
        ("app.js", "1"),
        ("docs/index.html", "<p>docs"),
        ("img/a b.png", "png"),
        ("empty.txt", ""),
        (".well-known/security.txt", "contact"),
    ]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    for (path, text, kind) in [
        ("/", "<p>home", "text/html; charset=utf-8"),
        ("/index.html?v=1", "<p>home", "text/html; charset=utf-8"),
        ("/app.js", "1", "text/javascript; charset=utf-8"),
        ("/docs/", "<p>docs", "text/html; charset=utf-8"),
        ("/img/a%20b.png", "png", "image/png"),
        ("/empty.txt", "", "text/plain; charset=utf-8"),
        ("/.well-known/security.txt", "contact", "text/plain; charset=utf-8"),
    ] {
        let answer = client.get("a", path);
        assert_eq!((answer.status(), answer.text().as_str()), (200, text), "{path}");
        assert_eq!(answer.field("content-type"), Some(kind), "{path}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.field("tidegate-gateway"), None);
    }
    let answer = client.get("a", "/docs?a=/b");
    assert_eq!((answer.status(), answer.field("location")), (308, Some("/docs/?a=/b")));
    let answer = client.get("a", "/img/");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (404, Some("no-file")));
}

#[test]
fn only_reading_is_possible() {
    let files = Files::new(&[("a.txt", "text")]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    client.send("HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!((head.status(), head.field("content-length")), (200, Some("4")));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let answer = client.ask(format!("{method} /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!((answer.status(), answer.field("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn nothing_outside_the_site_is_ever_served() {
    let files =
        Files::new(&[("index.html", "home"), (".env", SECRET), ("a/.git/config", SECRET), ("a/x", "x")]);
    symlink("../secret", files.root().join("link")).unwrap();
    symlink(files.dir.path().join("secret"), files.root().join("absolute")).unwrap();
    symlink("..", files.root().join("up")).unwrap();
    symlink("/", files.root().join("slash")).unwrap();
    symlink("a/x", files.root().join("inside")).unwrap();
    let stage = serving(&files);
    let links = ["/link", "/absolute", "/up/secret", "/slash/etc/passwd", "/up/", "/slash/"];
    let targets = include_str!("../../src/policy/site/traversal.txt").lines().chain(links);
    let mut asked = 0;
    for target in targets {
        // A connection each: some of them are no HTTP at all.
        let answer = Client::new(stage.address).get("a", target);
        assert!(matches!(answer.status(), 400 | 404), "{target}: {}", answer.line);
        assert!(!answer.text().contains(SECRET) && !answer.text().contains("root:"), "{target}");
        asked += 1;
    }
    assert!(asked >= 50);
    assert_eq!(Client::new(stage.address).get("a", "/inside").text(), "x");
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    let files = Files::new(&[("a.txt", "text"), ("main.3f2a1b9c.js", "1")]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    let first = client.get("a", "/a.txt");
    let tag = first.field("etag").unwrap().to_owned();
    let time = first.field("last-modified").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(first.field("cache-control"), Some("no-cache"));
    let kept = client.get("a", "/main.3f2a1b9c.js");
    assert_eq!(kept.field("cache-control"), Some("public, max-age=31536000, immutable"));
    for (field, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: \"x\", W/{tag}"), 304),
        (format!("If-Modified-Since: {time}"), 304),
        ("If-None-Match: \"x\"".to_owned(), 200),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 200),
        ("If-Match: \"x\"".to_owned(), 412),
    ] {
        let answer = get(&mut client, "/a.txt", &format!("{field}\r\n"));
        assert_eq!(answer.status(), status, "{field}");
        assert!(
            status != 304 || answer.field("etag") == Some(&*tag) && answer.field("content-length").is_none()
        );
    }
    // Another file of the same size and time, as in two builds made without times.
    let modified = fs::metadata(files.root().join("a.txt")).unwrap().modified().unwrap();
    files.write("b.txt", "TEXT");
    fs::File::open(files.root().join("b.txt")).unwrap().set_modified(modified).unwrap();
    fs::rename(files.root().join("b.txt"), files.root().join("a.txt")).unwrap();
    assert_eq!(get(&mut client, "/a.txt", &format!("If-None-Match: {tag}\r\n")).text(), "TEXT");
}

#[test]
fn ranges_are_parts_of_the_file() {
    let large: Vec<u8> = (0..1_000_000u32).map(|at| (at % 251) as u8).collect();
    let files = Files::new(&[("a.txt", "0123456789")]);
    files.write("large.bin", &large);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    for (range, status, text, content_range) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=-2", 206, "89", Some("bytes 8-9/10")),
        ("bytes=8-", 206, "89", Some("bytes 8-9/10")),
        ("bytes=0-1,3-4", 200, "0123456789", None),
    ] {
        let answer = get(&mut client, "/a.txt", &format!("Range: {range}\r\n"));
        assert_eq!((answer.status(), answer.text().as_str()), (status, text), "{range}");
        assert_eq!(answer.field("content-range"), content_range, "{range}");
    }
    let answer = get(&mut client, "/a.txt", "Range: bytes=10-\r\n");
    assert_eq!((answer.status(), answer.field("content-range")), (416, Some("bytes */10")));
    assert!(get(&mut client, "/large.bin", "").body == large);
    let answer = get(&mut client, "/large.bin", "Range: bytes=131071-600000\r\n");
    assert!(answer.status() == 206 && answer.body == large[131_071..=600_000]);
    let tag = answer.field("etag").unwrap();
    let again = get(&mut client, "/large.bin", &format!("Range: bytes=0-4\r\nIf-Range: {tag}\r\n"));
    assert_eq!(again.body, large[..5]);
    let other = get(&mut client, "/large.bin", "Range: bytes=0-4\r\nIf-Range: \"x\"\r\n");
    assert!(other.status() == 200 && other.body == large);
}

#[test]
fn compressed_siblings_are_taken_where_the_client_can_read_them() {
    let files =
        Files::new(&[("a.js", "plain"), ("a.js.br", "brotli"), ("a.js.gz", "gzip"), ("b.js", "plain")]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    for (accepted, text, coding) in [
        ("gzip, br", "brotli", Some("br")),
        ("gzip;q=1, br;q=0.5", "gzip", Some("gzip")),
        ("zstd, gzip", "gzip", Some("gzip")),
        ("zstd", "plain", None),
        ("br;q=0, gzip;q=0", "plain", None),
        ("", "plain", None),
    ] {
        let answer = get(&mut client, "/a.js", &format!("Accept-Encoding: {accepted}\r\n"));
        assert_eq!((answer.text().as_str(), answer.field("content-encoding")), (text, coding), "{accepted}");
        assert_eq!(answer.field("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(answer.field("vary"), Some("accept-encoding"));
    }
    assert_eq!(get(&mut client, "/b.js", "Accept-Encoding: br\r\n").text(), "plain");
}

#[test]
fn an_answer_that_could_be_compressed_says_so_whatever_its_kind() {
    let files = Files::new(&[
        ("font.3f2a1b9c.ttf", "plain"),
        ("font.3f2a1b9c.ttf.gz", "gzip"),
        ("a.ico", "icon"),
        ("a.ico.br", "brotli"),
    ]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    for (path, fields, coding) in [
        ("/font.3f2a1b9c.ttf", "Accept-Encoding: gzip\r\n", Some("gzip")),
        ("/font.3f2a1b9c.ttf", "", None),
        ("/font.3f2a1b9c.ttf", "Range: bytes=0-1\r\n", None),
        ("/a.ico", "Accept-Encoding: br\r\n", Some("br")),
        ("/a.ico", "", None),
    ] {
        let answer = get(&mut client, path, fields);
        let said = (answer.field("content-encoding"), answer.field("vary"));
        assert_eq!(said, (coding, Some("accept-encoding")), "{path} {fields}");
        let known = format!("If-None-Match: {}\r\n{fields}", answer.field("etag").unwrap());
        let known = get(&mut client, path, &known);
        assert_eq!((known.status(), known.field("vary")), (304, Some("accept-encoding")), "{path} {fields}");
    }
}

#[test]
fn what_is_not_there_has_a_page() {
    let files = Files::new(&[("index.html", "home"), ("errors/404.html", "gone")]);
    let stage = Stage::new();
    let not_found = Some("errors/404.html".to_owned());
    stage.apply(&table(1, Site { not_found, ..files.site() }));
    let mut client = Client::new(stage.address);
    let answer = client.get("a", "/nowhere");
    assert_eq!((answer.status(), answer.text().as_str()), (404, "gone"));
    assert_eq!(answer.field("etag"), None);
    // Nor what can be no file.
    for path in ["/.env", "/a//b", "/%2e%2e/secret", "/a%00b"] {
        let answer = client.get("a", path);
        assert_eq!((answer.status(), answer.text().as_str()), (404, "gone"), "{path}");
    }
    stage.apply(&table(2, Site { spa: true, ..files.site() }));
    for (path, fields, status) in [
        ("/users/7", "", 200),
        ("/users/", "", 200),
        ("/users/a.b", "Accept: text/html,*/*;q=0.8\r\n", 200),
        ("/assets/lost.js", "Accept: */*\r\n", 404),
        ("/../x", "", 404),
    ] {
        let answer = get(&mut client, path, fields);
        assert_eq!((answer.status(), answer.text() == "home"), (status, status == 200), "{path}");
    }
}

#[test]
fn a_site_below_a_prefix_knows_its_own_paths() {
    let files = Files::new(&[("index.html", "home"), ("guide/index.html", "guide")]);
    let stage = Stage::new();
    let mut table = table(1, files.site());
    table.routes[0].path = "/docs".to_owned();
    table.routes[0].policy.rewrite = Some(Rewrite::StripPrefix);
    stage.apply(&table);
    let mut client = Client::new(stage.address);
    assert_eq!(client.get("a", "/docs/").text(), "home");
    assert_eq!(client.get("a", "/docs").field("location"), Some("/docs/"));
    assert_eq!(client.get("a", "/docs/guide").field("location"), Some("/docs/guide/"));
    assert_eq!(client.get("a", "/docs/guide/").text(), "guide");
}

#[test]
fn arms_of_files_are_assigned_and_counted_like_any_other() {
    let (old, new) = (Files::new(&[("a", "old")]), Files::new(&[("a", "new")]));
    let arms =
        |candidate: Arm| vec![Arm { site: Some(old.site()), ..arm(ArmRole::Stable, 1, 70, &[]) }, candidate];
    let stage = Stage::new();
    stage.apply(&with_arms(1, arms(Arm { site: Some(new.site()), ..arm(ArmRole::Candidate, 2, 30, &[]) })));
    let mut client = Client::new(stage.address);
    let news = (0..100).filter(|_| client.get("a", "/a").text() == "new").count();
    assert_eq!(news, 30);
    let rows = counts_when(&stage, |rows| rows.iter().map(|row| row.outcomes.total()).sum::<u64>() == 100);
    let of = |role| rows.iter().find(|row| row.role == role && row.instance.is_none()).unwrap().outcomes;
    assert_eq!((of(ArmRole::Candidate).good, of(ArmRole::Stable).good), (30, 70));
    // From files to a process, in one service.
    let app = Upstream::saying("app");
    stage.apply(&with_arms(2, arms(arm(ArmRole::Candidate, 3, 30, &[("web-1", app.address)]))));
    let apps = (0..100).filter(|_| client.get("a", "/a").text() == "app").count();
    assert_eq!(apps, 30);
    stage.apply(&table(3, old.site()));
    assert_eq!(client.get("a", "/b").status(), 404);
    counts_when(&stage, |rows| rows.iter().map(|row| row.outcomes.client_error).sum::<u64>() == 1);
}

#[test]
fn a_site_that_cannot_be_answers_nothing_and_one_that_is_gone_is_an_error() {
    let stage = Stage::new();
    let site = |root: &str, not_found: Option<&str>| Site {
        root: root.into(),
        spa: false,
        not_found: not_found.map(str::to_owned),
        others: Vec::new(),
    };
    let wrong = [site("relative", None), site("/tmp", Some("../secret")), site("/tmp", Some(""))];
    for (epoch, site) in (1..).zip(wrong) {
        stage.apply(&table(epoch, site));
        let answer = Client::new(stage.address).get("a", "/");
        assert_eq!((answer.status(), answer.field("tidegate-gateway")), (503, Some("no-endpoint")));
    }
    stage.apply(&table(4, site("/no/such/folder", None)));
    assert_eq!(Client::new(stage.address).get("a", "/").status(), 500);
}

#[test]
fn a_file_that_shrinks_breaks_the_answer_off() {
    let files = Files::new(&[]);
    files.write("large.bin", vec![1; 30_000_000]);
    let stage = serving(&files);
    let mut client = Client::new(stage.address);
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().unwrap();
    assert_eq!(head.field("content-length"), Some("30000000"));
    shorten(&files.root().join("large.bin"));
    let mut got = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client.reader, &mut got);
    assert!(got.len() < 30_000_000, "{}", got.len());
}

fn shorten(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    file.write_all(b"short").unwrap();
}

#[test]
fn pages_of_other_builds_find_their_hashed_files() {
    let old = Files::new(&[
        ("index.html", "old"),
        ("app.1a2b3c4d.js", "old script"),
        ("assets/index-BxKknDqa.js", "old module"),
        ("data.json", "old data"),
    ]);
    let files = Files::new(&[("index.html", "new"), ("app.5e6f7a8b.js", "new script")]);
    let stage = Stage::new();
    // The last one was removed to make room.
    let others = vec![old.root(), old.dir.path().join("gone")];
    stage.apply(&table(1, Site { others, spa: true, ..files.site() }));
    let mut client = Client::new(stage.address);
    let script = get(&mut client, "/app.1a2b3c4d.js", "");
    assert_eq!((script.status(), script.text().as_str()), (200, "old script"));
    assert!(script.field("cache-control").unwrap().contains("immutable"));
    assert_eq!(get(&mut client, "/assets/index-BxKknDqa.js", "").text(), "old module");
    assert_eq!(get(&mut client, "/app.5e6f7a8b.js", "").text(), "new script");
    assert_eq!(get(&mut client, "/", "").text(), "new");
    // Whatever is not named after its content is what this build says it is.
    assert_eq!(get(&mut client, "/data.json", "").status(), 404);
    assert_eq!(get(&mut client, "/app.00000000.js", "").status(), 404);
    // Nothing outside of that folder either.
    assert_ne!(get(&mut client, "/..%2fsecret.1a2b3c4d.js", "").status(), 200);
}
