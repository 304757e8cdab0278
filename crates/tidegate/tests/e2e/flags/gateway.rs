//! Flags served by the gateway of `tidegate up`: to real clients, by key, through kills and upgrades. Definitions and keys are in
//! the store before; where the control plane is dead the test writes the file that the gateway follows in its place.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_core::model::{FlagAccess, FlagAccessKind, FlagDefinitions, Name};
use tidegate_store::Store;

use super::asked::{Events, Kept, ask};
use super::client::{Client, Language, question};
use super::packages;
use super::served::{flags, released};
use crate::clients::browser::Browser;
use crate::support::{App, Tidegate, eventually, get, kill};

const WITHIN: Duration = Duration::from_secs(20);
/// Keys, each with its SHA-256.
const SERVER: (&str, &str) =
    ("tidegate-server-key-of-the-shop", "d707a6f436cc33d703c41e25fbc4eb83d90c3bcad0945ed5152a96283cfe8895");
const CLIENT: (&str, &str) =
    ("tidegate-client-key-of-the-shop", "346e1338327bfd2ddd418d4e2ae3b96959f36dfb29c6234ff8a05c5880b725d8");
const EVERYWHERE: [&str; 6] =
    ["--flags", "127.0.0.1:0", "--flags-grpc", "127.0.0.1:0", "--flags-sync", "127.0.0.2:0"];

/// Starts one whose gateway serves flags by all protocols, with these options besides.
fn up(further: &[&str]) -> Tidegate {
    let mut tidegate = Tidegate::up();
    tidegate.end_control();
    keep(&tidegate);
    tidegate.restart_with(&[&EVERYWHERE, further].concat());
    let ofrep = tidegate.flags("flags");
    eventually("the flags are served", WITHIN, || {
        (ask(ofrep, SERVER.0, "/limit").ok()?.0 == 200).then_some(())
    });
    tidegate
}

/// Has the store know the flags and the keys.
fn keep(tidegate: &Tidegate) {
    let (app, environment): (Name, Name) = ("shop".parse().unwrap(), "production".parse().unwrap());
    let document = file(0, &flags())["sets"]["shop/production"].clone();
    let place = (app.clone(), environment.clone());
    let definitions = FlagDefinitions { app, environment, deploy: None, revision: None, document };
    let key = |(_, digest): (&str, &str), kind: FlagAccessKind, id: &str| FlagAccess {
        id: id.to_owned(),
        app: place.0.clone(),
        environment: place.1.clone(),
        kind,
        name: id.to_owned(),
        digest: digest.to_owned(),
        made_at_unix_ms: 0,
    };
    let keys = [key(SERVER, FlagAccessKind::Server, "k1"), key(CLIENT, FlagAccessKind::Client, "k2")];
    let mut store = Store::open(&tidegate.data().join("tidegate.db")).unwrap();
    let kept = store.transaction(|tx| {
        tx.put_flag_definitions(&definitions)?;
        keys.iter().try_for_each(|key| tx.add_flag_key(key))
    });
    kept.unwrap();
}

/// As the control plane writes it: beside, and then in its place. Waits until it is served.
fn write(tidegate: &Tidegate, file: &Value) {
    let dir = tidegate.data().join("gateway");
    fs::write(dir.join("flags.json.new"), file.to_string()).unwrap();
    fs::rename(dir.join("flags.json.new"), dir.join("flags.json")).unwrap();
    let epoch = &file["epoch"];
    eventually("the flags are served", WITHIN, || (health(tidegate)?["epoch"] == *epoch).then_some(()));
}

fn health(tidegate: &Tidegate) -> Option<Value> {
    let answer = get(tidegate.flags("flags"), "flags", "/healthz").ok()?;
    serde_json::from_str(&answer.body).ok()
}

/// The file with these flags. `new-checkout` and `theme` of them are for clients.
fn file(epoch: u64, of: &Value) -> Value {
    let mut of = of.clone();
    for seen in ["new-checkout", "greeting", "ratio", "theme"] {
        of["flags"][seen]["metadata"] = json!({ "clients": true, "owner": "ann" });
    }
    let key = |(_, digest): (&str, &str), kind: &str| json!({ "digest": digest, "set": "shop/production", "kind": kind });
    let keys = [key(SERVER, "server"), key(CLIENT, "client")];
    json!({ "epoch": epoch, "sets": { "shop/production": of }, "keys": keys })
}

fn asked() -> Vec<Value> {
    vec![
        question("boolean", "new-checkout", json!(true), json!({})),
        question("integer", "limit", json!(1), json!({})),
    ]
}

/// All of them at once: by OFREP with a key, by flagd's protocols, whose providers send none, and a page with a client key.
#[test]
fn real_clients_hear_of_a_change_while_the_control_plane_is_dead() {
    let mut tidegate = up(&["--flags-open", "shop/production"]);
    let [ofrep, grpc, sync] = ["flags", "flags-grpc", "flags-sync"].map(|by| tidegate.flags(by));
    let start = |language, kind, address, key| Client::start(language, kind, address, &asked(), key);
    let by_key = [Language::Node, Language::Python, Language::Rust]
        .map(|language| start(language, "ofrep", ofrep, Some(SERVER.0)));
    let by_flagd = [
        start(Language::Node, "rpc", grpc, None),
        start(Language::Node, "in-process", sync, None),
        start(Language::Python, "rpc", grpc, None),
        start(Language::Python, "in-process", sync, None),
    ];
    let first = |client: &Client| {
        let answers = client.answers();
        assert_eq!((&answers[0]["value"], &answers[1]["value"]), (&json!(false), &json!(100)), "{answers:?}");
    };
    by_key.iter().chain(&by_flagd).for_each(first);
    let (page, _browser) = open_page(ofrep.to_string());
    assert_eq!(report(&page)["banner"]["value"], false);

    tidegate.kill9_control();
    write(&tidegate, &file(1_001, &released()));
    for client in &by_flagd {
        let answer = client.answers().remove(0);
        assert_eq!((&answer["value"], answer["errorCode"].is_null()), (&json!(true), true), "{answer}");
    }
    let seen = report(&page);
    assert_eq!(
        (&seen["banner"]["value"], &seen["changed"]),
        (&json!(true), &json!(["new-checkout"])),
        "{seen:#}"
    );
    assert_eq!(ask(ofrep, SERVER.0, "/new-checkout").unwrap().1["variant"], "on");
    tidegate.restart();
}

/// A page of another origin, which asks by the client key.
fn open_page(flags: String) -> (Client, Browser) {
    let mut server = Command::new(packages::python());
    server.arg(packages::programs().join("page_server.py")).arg(packages::node().join("node_modules"));
    let page = Client::of(&mut server);
    let port = page.line();
    let query = format!("key={}&flags=http://{flags}", CLIENT.0);
    let browser = Browser::open(&format!("http://127.0.0.1:{port}/page.html?{query}"));
    (page, browser)
}

fn report(page: &Client) -> Value {
    let said: Value = serde_json::from_str(&page.line()).unwrap();
    assert!(said["error"].is_null(), "{said:#}");
    said
}

/// Whoever keeps a connection is answered all the time; whoever follows is sent to the next gateway.
#[test]
fn an_upgrade_and_a_kill_of_the_gateway_keep_flags_where_they_are() {
    let mut tidegate = up(&[]);
    let places = ["flags", "flags-grpc", "flags-sync"].map(|by| tidegate.flags(by));
    let mut kept = Kept::new(places[0], SERVER.0);
    let follows = Events::open(places[0], SERVER.0);
    let before = tidegate.gateway_pid().unwrap();
    let upgrading = tidegate.command(&["upgrade", "--json"]).stdout(Stdio::null()).spawn().unwrap();
    let upgraded = std::thread::spawn(move || upgrading.wait_with_output().unwrap());
    let mut asked = 0;
    while !upgraded.is_finished() || asked < 100 {
        assert_eq!(kept.ask("/limit").expect("a gateway answers").1["value"], 100);
        asked += 1;
    }
    assert!(upgraded.join().unwrap().status.success(), "{}", tidegate.control_log());
    assert!(kept.opened <= 2, "{} connections for {asked} questions", kept.opened);
    follows.wait_for_the_end();

    let after =
        eventually("the next gateway", WITHIN, || tidegate.gateway_pid().filter(|pid| *pid != before));
    kill(after, 9);
    eventually("it serves again", WITHIN, || {
        let other = tidegate.gateway_pid().is_some_and(|pid| pid != after);
        (other && kept.ask("/limit").is_ok_and(|(status, _)| status == 200)).then_some(())
    });
    assert_eq!(["flags", "flags-grpc", "flags-sync"].map(|by| tidegate.flags(by)), places);
    tidegate.kill9_control();
    assert_eq!(kept.ask("/limit").unwrap().1["value"], 100);
    tidegate.restart();
}

/// The control plane writes a broken file again when it next looks, which may be at once: so it is broken until it was told.
#[test]
fn a_file_that_is_broken_changes_nothing_and_is_told() {
    let tidegate = up(&[]);
    let file_of = tidegate.data().join("gateway/flags.json");
    let breaks = || fs::write(&file_of, "{\"epoch\": 1001, ").unwrap();
    let told = || {
        let said = String::from_utf8(tidegate.run(&["doctor"]).stdout).unwrap();
        said.contains("flags: the gateway serves the flags it had before")
    };
    eventually("it is told", WITHIN, || {
        breaks();
        (health(&tidegate)?["status"] == "stale").then_some(())
    });
    let (status, answer) = ask(tidegate.flags("flags"), SERVER.0, "/limit").unwrap();
    assert_eq!((status, &answer["value"]), (200, &json!(100)));
    eventually("the doctor tells it", WITHIN, || {
        breaks();
        told().then_some(())
    });
    eventually("a whole file ends it", WITHIN, || {
        fs::write(file_of.with_extension("new"), file(1_002, &released()).to_string()).unwrap();
        fs::rename(file_of.with_extension("new"), &file_of).unwrap();
        (!told()).then_some(())
    });
}

/// As people do it: by the command line, of an app that is deployed.
#[test]
fn a_key_is_made_used_and_revoked() {
    let (mut tidegate, app) = (Tidegate::up(), App::new());
    tidegate.end_control();
    tidegate.restart_with(&EVERYWHERE);
    tidegate.deploy_well(&app);
    let ofrep = tidegate.flags("flags");
    let output = tidegate.run(&["flag", "key", "create", "--client", "--name", "web pages"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("client key `web pages`"), "{said}");
    let key = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert!(key.starts_with("tidegate-client-") && !said.contains(&key), "{key}");
    // The app has no flags: it is known, and there is none.
    eventually("the key is known", WITHIN, || (ask(ofrep, &key, "/any").ok()?.0 == 404).then_some(()));
    let follows = Events::open(ofrep, &key);

    let twice = tidegate.run(&["flag", "key", "create", "--name", "web pages"]);
    assert_eq!(twice.status.code(), Some(1), "{twice:?}");
    let list: Value =
        serde_json::from_slice(&tidegate.run(&["flag", "key", "list", "--json"]).stdout).unwrap();
    assert_eq!((&list["keys"][0]["name"], &list["keys"][0]["kind"]), (&json!("web pages"), &json!("client")));
    assert!(!list.to_string().contains(&key), "{list}");

    let id = list["keys"][0]["id"].as_str().unwrap();
    assert!(tidegate.run(&["flag", "key", "revoke", id]).status.success());
    let begun = Instant::now();
    eventually("it is refused", WITHIN, || (ask(ofrep, &key, "/any").ok()?.0 == 401).then_some(()));
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    follows.wait_for_the_end();
    let story = tidegate.story();
    assert!(story.contains("`web pages`") && !story.contains(&key), "{story}");
}

/// With the certificate that the gateway has for a host, by curl as it comes.
#[test]
fn under_tls_they_have_the_gateways_certificates() {
    let (mut tidegate, app) = (Tidegate::up_with_tls(Path::new(env!("CARGO_BIN_EXE_tidegate"))), App::new());
    tidegate.end_control();
    keep(&tidegate);
    tidegate.restart_with(&[&EVERYWHERE[..], &["--flags-tls"]].concat());
    tidegate.deploy_well(&app);
    let (address, (_, authority)) = (tidegate.flags("flags"), tidegate.https());
    let ask = |host: &str| {
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "--max-time",
            "10",
            "-d",
            "{}",
            "-H",
            &format!("X-API-Key: {}", SERVER.0),
            "--cacert",
        ])
        .arg(&authority)
        .args(["--connect-to", &format!("::{address}")])
        .arg(format!("https://{host}/ofrep/v1/evaluate/flags/limit"));
        curl.output().unwrap()
    };
    let answer = eventually("there is a certificate", WITHIN, || {
        let output = ask("bad.localhost");
        output.status.success().then_some(output.stdout)
    });
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["value"], 100, "{answer}");
    assert!(!ask("other.example").status.success());
    assert!(get(address, "flags", "/healthz").is_err(), "nothing is said in plain");
}
