//! A site without a process, from its manifest to the browser: what the gateway makes of its files, and that neither a new
//! version nor the way back loses a request or mixes two versions up.

mod client;
mod folder;
mod large;

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::{Tidegate, eventually};
use client::{Answer, Client};
use folder::Folder;

const WEB: &str = "site.localhost";
const CLIENTS: usize = 4;
const SOON: Duration = Duration::from_secs(20);

fn deploy(tidegate: &Tidegate, folder: &Folder) {
    let output = tidegate.command(&["deploy", "--wait"]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), tidegate.story());
}

#[test]
fn a_site_is_served_with_all_that_browsers_ask_for() {
    let (tidegate, folder) = (Tidegate::up(), Folder::new());
    deploy(&tidegate, &folder);
    let mut client = Client::new(tidegate.gateway(), WEB);
    pages(&mut client);
    hidden(tidegate.gateway());
    conditions(&mut client);
    parts(&mut client);
    codings(&mut client);
    single_page(&mut Client::new(tidegate.gateway(), "spa.localhost"));
    assert!(
        tidegate
            .status()
            .services
            .iter()
            .all(|service| service.instances.iter().all(|one| one.pid.is_none()))
    );
}

fn pages(client: &mut Client) {
    let page = client.get("/");
    assert_eq!((page.status, page.text().as_str()), (200, "<p>page of version 1\n"));
    assert_eq!(page.field("content-type"), "text/html; charset=utf-8");
    assert_eq!(client.get("/docs/").text(), "<p>docs of version 1\n");
    let folder = client.get("/docs?a=b");
    assert!(
        (300..400).contains(&folder.status) && folder.field("location").ends_with("/docs/?a=b"),
        "{folder:?}"
    );
    let missing = client.get("/nowhere");
    assert_eq!((missing.status, missing.text().as_str()), (404, "<p>nothing here, says version 1\n"));
    let head = client.ask("HEAD", "/", &[]);
    assert_eq!((head.status, head.field("content-length")), (200, page.body.len().to_string().as_str()));
    assert_eq!(client.ask("POST", "/", &[("Content-Length", "0")]).status, 405);
}

/// What is no file of the site, however it is spelled.
fn hidden(gateway: SocketAddr) {
    for path in ["/.env", "/../VERSION", "/%2e%2e/VERSION", "/..%2fVERSION"] {
        // The gateway may close after what no browser sends.
        let answer = Client::new(gateway, WEB).get(path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
}

fn conditions(client: &mut Client) {
    let tag = client.get("/app.js").field("etag").to_owned();
    assert!(!tag.is_empty());
    let known = client.get_with("/app.js", &[("If-None-Match", &tag)]);
    assert_eq!((known.status, known.body.len(), known.field("etag")), (304, 0, tag.as_str()));
    assert_eq!(client.get_with("/app.js", &[("If-None-Match", "\"another\"")]).status, 200);
}

fn parts(client: &mut Client) {
    let tag = client.get("/digits.txt").field("etag").to_owned();
    for (range, content, text) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=7-", "bytes 7-9/10", "789"),
        ("bytes=-1", "bytes 9-9/10", "9"),
    ] {
        let part = client.get_with("/digits.txt", &[("Range", range), ("If-Range", &tag)]);
        assert_eq!((part.status, part.field("content-range"), part.text().as_str()), (206, content, text));
    }
    let changed = client.get_with("/digits.txt", &[("Range", "bytes=2-4"), ("If-Range", "\"another\"")]);
    assert_eq!((changed.status, changed.text().as_str()), (200, "0123456789"));
    let beyond = client.get_with("/digits.txt", &[("Range", "bytes=10-")]);
    assert_eq!((beyond.status, beyond.field("content-range")), (416, "bytes */10"));
}

fn codings(client: &mut Client) {
    let plain = client.get("/app.js");
    assert_eq!((plain.field("content-encoding"), plain.text().as_str()), ("", "run('version 1')\n"));
    let brotli = client.get_with("/app.js", &[("Accept-Encoding", "gzip, br")]);
    assert_eq!((brotli.field("content-encoding"), brotli.text().as_str()), ("br", "brotli of version 1\n"));
    let gzip = client.get_with("/app.js", &[("Accept-Encoding", "gzip, br;q=0")]);
    assert_eq!((gzip.field("content-encoding"), unpacked(&gzip)), ("gzip", plain.body.clone()));
    for answer in [&plain, &brotli, &gzip] {
        assert_eq!(answer.field("vary").to_lowercase(), "accept-encoding");
        assert_eq!(answer.field("content-type"), "text/javascript; charset=utf-8");
    }
    let tags = [plain, brotli, gzip].map(|answer| answer.field("etag").to_owned());
    assert!(tags[0] != tags[1] && tags[1] != tags[2], "each coding has a tag of its own: {tags:?}");
}

fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut gunzip =
        Command::new("gzip").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gunzip.stdin.take().unwrap().write_all(&answer.body).unwrap();
    gunzip.wait_with_output().unwrap().stdout
}

fn single_page(client: &mut Client) {
    let app = "<p>app of version 1\n";
    for path in ["/", "/orders/17", "/orders/17?tab=2"] {
        let answer = client.get_with(path, &[("Accept", "text/html")]);
        assert_eq!((answer.status, answer.text().as_str()), (200, app), "{path}");
    }
    assert_eq!(client.get_with("/gone.js", &[("Accept", "*/*")]).status, 404);
}

/// Asks again and again, and checks every answer against the revision that it says it is of.
struct Visitors {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Visitors {
    fn start(gateway: SocketAddr) -> Self {
        let (stop, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let visit = |_| {
            let (stop, asked) = (stop.clone(), asked.clone());
            std::thread::spawn(move || {
                let mut client = Client::new(gateway, WEB);
                while !stop.load(Ordering::SeqCst) {
                    visit(&mut client);
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        Visitors { threads: (0..CLIENTS).map(visit).collect(), stop, asked }
    }

    /// Waits for more visits.
    fn go_on(&self) {
        let before = self.asked.load(Ordering::SeqCst);
        let more = || (self.asked.load(Ordering::SeqCst) > before + 50).then_some(());
        eventually("the visitors go on", SOON, more);
    }

    fn finish(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// Each revision has the version of its number.
fn visit(client: &mut Client) {
    for (path, status, text) in [
        ("/", 200, "<p>page of version {}\n"),
        ("/app.js", 200, "run('version {}')\n"),
        ("/docs/", 200, "<p>docs of version {}\n"),
        ("/nowhere", 404, "<p>nothing here, says version {}\n"),
    ] {
        let answer = client.get(path);
        let version = answer.field("tidegate-revision").trim_start_matches('r').to_owned();
        assert_eq!(
            (answer.status, answer.text()),
            (status, text.replace("{}", &version)),
            "{path} {answer:?}"
        );
    }
    // Asked for by pages of the first version that are still open.
    let script = client.get("/app.1a2b3c4d.js");
    assert_eq!((script.status, script.text().as_str()), (200, "script of version 1\n"), "{script:?}");
    let answer = client.get("/only-2.txt");
    let there = answer.field("tidegate-revision") == "r2";
    assert_eq!(answer.status, if there { 200 } else { 404 }, "{answer:?}");
}

#[test]
fn a_new_version_and_the_way_back_lose_and_mix_nothing() {
    let (tidegate, folder) = (Tidegate::up(), Folder::new());
    deploy(&tidegate, &folder);
    let mut client = Client::new(tidegate.gateway(), WEB);
    let old = client.get("/").field("etag").to_owned();
    let visitors = Visitors::start(tidegate.gateway());
    for (version, strategy) in [(2, "blue-green: { bake: 1s }"), (3, "all-at-once: { bake: 1s }")] {
        visitors.go_on();
        folder.set(version, strategy);
        deploy(&tidegate, &folder);
        // A page that browsers have kept is not taken for the new one.
        let page = client.get_with("/", &[("If-None-Match", &old)]);
        assert_eq!((page.status, page.text()), (200, format!("<p>page of version {version}\n")));
    }
    visitors.go_on();
    let output = tidegate.run(&["rollback", "web"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually("the version before is back", SOON, || {
        (client.get("/").text() == "<p>page of version 2\n").then_some(())
    });
    let script = client.get("/app.3a2b3c4d.js");
    assert_eq!(
        (script.status, script.text().as_str()),
        (200, "script of version 3\n"),
        "of the version that was left"
    );
    visitors.go_on();
    visitors.finish();
}
