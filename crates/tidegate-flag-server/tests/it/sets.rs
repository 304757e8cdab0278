//! The control plane's file: many sets behind one listener, told apart by keys.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_flag_server::{
    Addresses, Following, Hall, Limits, News, Origins, Servers, SetsFile, Settings, Stopper,
};

use super::http::{Answer, Events, get, send};
use super::stage::eventually;

const SERVER: &str = "tidegate-server-0123456789";
const CLIENT: &str = "tidegate-client-0123456789";
const OTHER: &str = "tidegate-server-of-another";
const ALL: &str = "/ofrep/v1/evaluate/flags";

/// Servers of a file of the test's own.
struct Place {
    folder: TempDir,
    hall: Arc<Hall>,
    ofrep: SocketAddr,
    news: Receiver<String>,
    _following: Following,
    stopper: Option<Stopper>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Place {
    fn of(first: Option<&Value>) -> Place {
        let folder = tempfile::tempdir().unwrap();
        if let Some(first) = first {
            fs::write(folder.path().join("flags.json"), first.to_string()).unwrap();
        }
        let (tell, news) = channel();
        let file = SetsFile::new(folder.path().join("flags.json"), None);
        let (hall, following) = file
            .follow(move |news| {
                let _ = tell.send(match news {
                    News::Served(flags) => format!("served {flags}"),
                    News::Refused(error) => error.to_string(),
                });
            })
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let settings = Settings {
            origins: Origins::any(),
            limits: Limits::default(),
            secret: [7; 32],
            certificates: None,
        };
        let addresses = Addresses { ofrep: Some("127.0.0.1:0".parse().unwrap()), ..Addresses::default() };
        let servers = runtime.block_on(Servers::open(addresses, &settings, hall.clone())).unwrap();
        let ofrep = servers.addresses().ofrep.unwrap();
        let (stopper, stop) = Stopper::new();
        let thread = std::thread::spawn(move || runtime.block_on(servers.run(stop)));
        Place {
            folder,
            hall,
            ofrep,
            news,
            _following: following,
            stopper: Some(stopper),
            thread: Some(thread),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("flags.json")
    }

    fn replace(&self, file: &Value) {
        let beside = self.folder.path().join("beside");
        fs::write(&beside, file.to_string()).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    fn heard(&self) -> String {
        self.news.recv_timeout(Duration::from_secs(10)).unwrap()
    }

    fn ask(&self, key: &str, flag: &str) -> Answer {
        send(self.ofrep, "POST", &format!("{ALL}/{flag}"), &[("x-api-key", key)], "{}")
    }

    fn all(&self, key: &str) -> Value {
        send(self.ofrep, "POST", ALL, &[("x-api-key", key)], "{}").json()
    }

    fn stream(&self, key: &str) -> String {
        self.all(key)["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.stopper.take());
        self.thread.take().unwrap().join().unwrap();
    }
}

fn flag(on: bool, metadata: Value) -> Value {
    let default = if on { "on" } else { "off" };
    json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": default, "metadata": metadata })
}

fn key(text: &str, set: &str, kind: &str) -> Value {
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "digest": hex, "set": set, "kind": kind, "name": "a name" })
}

/// Two sets, and keys to both.
fn file(banner: bool) -> Value {
    let shown = json!({ "clients": true, "owner": "ann", "team": "shop" });
    json!({
        "epoch": 12,
        "sets": {
            "shop/production": { "flags": { "banner": flag(banner, shown), "hidden": flag(true, json!({})) } },
            "blog/production": { "flags": { "comments": flag(true, json!({})) } },
        },
        "keys": [
            key(SERVER, "shop/production", "server"),
            key(CLIENT, "shop/production", "client"),
            key(OTHER, "blog/production", "server"),
        ],
    })
}

#[test]
fn the_key_chooses_the_set() {
    let place = Place::of(Some(&file(false)));
    for (key, flag, status) in [
        (SERVER, "banner", 200),
        (SERVER, "hidden", 200),
        (SERVER, "comments", 404),
        (OTHER, "comments", 200),
        (OTHER, "banner", 404),
        ("tidegate-server-0123456788", "banner", 401),
    ] {
        assert_eq!(place.ask(key, flag).status, status, "{key} {flag}");
    }
    let nobody = send(place.ofrep, "POST", ALL, &[], "{}");
    assert_eq!(nobody.status, 401);
    assert!(nobody.json()["errorDetails"].as_str().unwrap().contains("send a key"), "{nobody:?}");
    assert_eq!(get(place.ofrep, "/healthz").json()["epoch"], 12);
}

#[test]
fn clients_see_what_is_for_clients_and_no_more() {
    let place = Place::of(Some(&file(false)));
    assert_eq!(place.ask(CLIENT, "hidden").status, 404);
    let all = place.all(CLIENT);
    assert_eq!(all["flags"].as_array().unwrap().len(), 1, "{all}");
    assert_eq!(all["flags"][0]["metadata"], json!({ "team": "shop" }));
    assert_eq!(place.ask(SERVER, "banner").json()["metadata"]["owner"], "ann");
    let metrics = |key| send(place.ofrep, "GET", "/metrics", &[("x-api-key", key)], "");
    assert_eq!(metrics(CLIENT).status, 403);
    assert!(metrics(SERVER).body.contains("\ntidegate_flag_epoch 12\n"));
}

/// Everybody can read their key, and so can send by it.
#[test]
fn clients_send_less_than_servers() {
    let place = Place::of(Some(&file(false)));
    let context = format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(40 << 10));
    let ask = |key| send(place.ofrep, "POST", &format!("{ALL}/banner"), &[("x-api-key", key)], &context);
    assert_eq!((ask(CLIENT).status, ask(SERVER).status), (413, 200));
    assert!(ask(CLIENT).json()["errorDetails"].as_str().unwrap().contains("32768"));
}

#[test]
fn a_revoked_key_is_refused_and_its_streams_end() {
    let place = Place::of(Some(&file(false)));
    assert_eq!(place.heard(), "served 3");
    let revoked = Events::open(place.ofrep, &place.stream(CLIENT), None);
    let mut other = Events::open(place.ofrep, &place.stream(SERVER), None);
    let ticket = place.stream(CLIENT);
    let mut fewer = file(false);
    fewer["keys"].as_array_mut().unwrap().remove(1);
    let begun = Instant::now();
    place.replace(&fewer);
    revoked.wait_for_the_end();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(place.ask(CLIENT, "banner").status, 401);
    assert_eq!(get(place.ofrep, &ticket).status, 401, "a ticket is no way around it");
    // The other one has nothing to hear of but flags.
    let mut changed = fewer.clone();
    changed["sets"]["shop/production"] = file(true)["sets"]["shop/production"].clone();
    place.replace(&changed);
    assert_eq!(other.next().1["type"], "refetchEvaluation");
}

#[test]
fn a_change_of_one_set_is_told_to_those_who_see_it() {
    let place = Place::of(Some(&file(false)));
    let mut of_shop = Events::open(place.ofrep, &place.stream(CLIENT), None);
    let mut of_blog = Events::open(place.ofrep, &place.stream(OTHER), None);
    let mut changed = file(true);
    place.replace(&changed);
    let first = of_shop.next().0;
    assert_eq!(place.ask(CLIENT, "banner").json()["value"], true);
    changed["sets"]["shop/production"]["flags"]["hidden"]["state"] = "DISABLED".into();
    changed["sets"]["blog/production"]["flags"]["comments"]["state"] = "DISABLED".into();
    place.replace(&changed);
    // Had it been told of the first change, this were the second event, of flags that are not so any more.
    let (told, _) = of_blog.next();
    assert_eq!(Events::open(place.ofrep, &place.stream(OTHER), None).next().0, told);
    let (again, _) = Events::open(place.ofrep, &place.stream(CLIENT), Some("an-older-one")).next();
    assert_eq!(again, first, "what clients see has not changed");
}

#[test]
fn a_broken_set_keeps_what_it_had_and_the_others_go_on() {
    let place = Place::of(Some(&file(false)));
    assert_eq!(place.heard(), "served 3");
    let mut broken = file(true);
    broken["sets"]["blog/production"]["flags"]["comments"]["state"] = "PERHAPS".into();
    place.replace(&broken);
    let said = place.heard();
    assert!(said.contains("/sets/blog~1production/flags/comments/state: "), "{said}");
    assert_eq!(place.ask(SERVER, "banner").json()["value"], true);
    assert_eq!(place.ask(OTHER, "comments").status, 200);
    assert_eq!(get(place.ofrep, "/healthz").json()["status"], "stale");
    fs::write(place.path(), "{\"epoch\":").unwrap();
    let said = place.heard();
    assert!(said.contains("no flag sets: "), "{said}");
    assert_eq!(place.ask(SERVER, "banner").json()["value"], true);
    let metrics = send(place.ofrep, "GET", "/metrics", &[("x-api-key", SERVER)], "").body;
    assert!(metrics.contains("\ntidegate_flag_source_broken 1\n"), "{metrics}");
    place.replace(&file(false));
    eventually("well again", || place.hall.standing().trouble.is_none().then_some(()));
    assert_eq!(place.ask(SERVER, "banner").json()["value"], false);
}

#[test]
fn before_there_is_a_file_one_is_told_to_come_back() {
    let place = Place::of(None);
    let early = place.ask(SERVER, "banner");
    assert_eq!((early.status, early.field("retry-after")), (503, Some("5")));
    assert_eq!(get(place.ofrep, "/healthz").status, 200);
    place.replace(&file(false));
    eventually("it is served", || (place.ask(SERVER, "banner").status == 200).then_some(()));
}

#[test]
fn a_set_that_is_not_there_yet_is_heard_of_when_it_comes() {
    let mut first = file(false);
    let later = first["sets"].as_object_mut().unwrap().remove("blog/production").unwrap();
    let place = Place::of(Some(&first));
    assert_eq!(place.ask(OTHER, "comments").status, 404);
    let mut events = Events::open(place.ofrep, &place.stream(OTHER), None);
    first["sets"]["blog/production"] = later;
    place.replace(&first);
    events.next();
    assert_eq!(place.ask(OTHER, "comments").status, 200);
}

#[test]
fn what_is_open_needs_no_key_and_a_wrong_one_is_refused_all_the_same() {
    let mut open = file(false);
    open["open"] = "shop/production".into();
    let place = Place::of(Some(&open));
    let nobody = || send(place.ofrep, "POST", &format!("{ALL}/banner"), &[], "{}");
    assert_eq!(nobody().status, 200);
    assert_eq!(place.ask("tidegate-server-0123456788", "banner").status, 401);
    assert_eq!(place.ask(OTHER, "comments").status, 200);
    place.replace(&file(false));
    eventually("it is closed", || (nobody().status == 401).then_some(()));
}

/// Whoever opens a page does not know what it asks for on the machine it is opened on.
#[test]
fn a_page_without_a_key_sees_of_what_is_open_only_what_is_for_clients() {
    let mut open = file(false);
    open["open"] = "shop/production".into();
    let place = Place::of(Some(&open));
    let page = ("origin", "https://evil.example");
    let ask = |flag: &str, fields: &[(&str, &str)]| {
        send(place.ofrep, "POST", &format!("{ALL}/{flag}"), fields, "{}")
    };
    assert_eq!(ask("hidden", &[]).status, 200);
    assert_eq!(ask("hidden", &[page]).status, 404);
    assert_eq!(ask("hidden", &[page, ("x-api-key", SERVER)]).status, 200);
    assert_eq!(ask("banner", &[page]).status, 200);
    assert_eq!(send(place.ofrep, "GET", "/metrics", &[page], "").status, 403);
    // It may follow, and hears of what it sees.
    let all = send(place.ofrep, "POST", ALL, &[page], "{}").json();
    let path = all["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap();
    let mut events = Events::open(place.ofrep, path, None);
    let mut changed = file(true);
    changed["open"] = "shop/production".into();
    place.replace(&changed);
    assert_eq!(events.next().1["type"], "refetchEvaluation");
}

/// As many flags as a large organisation has, and as many who follow as a machine of its own would have.
#[test]
fn ten_thousand_flags_and_a_thousand_streams() {
    let mut many = file(false);
    let flags = many["sets"]["shop/production"]["flags"].as_object_mut().unwrap();
    for number in 0..10_000 {
        flags.insert(format!("flag-{number:05}"), flag(true, json!({})));
    }
    let place = Place::of(Some(&many));
    let _ = tidegate_os::process::allow_many_files();
    assert_eq!(place.all(SERVER)["flags"].as_array().unwrap().len(), 10_002);
    let path = place.stream(SERVER);
    let mut streams: Vec<_> = (0..1_000).map(|_| Events::open(place.ofrep, &path, None)).collect();
    many["sets"]["shop/production"]["flags"]["flag-00007"]["defaultVariant"] = "off".into();
    place.replace(&many);
    let first = streams[0].next().0;
    assert!(streams[1..].iter_mut().all(|stream| stream.next().0 == first));
    assert_eq!(place.ask(SERVER, "flag-00007").json()["value"], false);
}
