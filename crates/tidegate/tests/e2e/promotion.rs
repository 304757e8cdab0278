//! A build on its way from staging to production, as people type it; and what is refused on the way.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tidegate_api::Client;
use tidegate_control::BeginRun;
use tidegate_control::snapshot::{pack, scan};
use tidegate_core::model::RunSource;
use tidegate_core::view::PipelineList;

use crate::support::{App, Repo, Tidegate, eventually, get, refused, typed_well};

const WITHIN: Duration = Duration::from_secs(15);

/// What is typed once the commit is in staging. `bob` is somebody else than who brought it.
const TYPED: [&str; 3] = [
    "tidegate promote production",
    "USER=bob tidegate approve 2 --why \"tried it on staging\" --wait",
    "tidegate release on new-cart -e production",
];

const MANIFEST: &str = r#"app: shop
test: { run: python3 -m py_compile app.py, within: 1m }
services:
  web:
    run: exec python3 app.py
    probes: { startup: { http: /up, within: 20s }, ready: { http: /up, every: 200ms } }
    strategy: { canary: { steps: [50% for 1s, 100%], bake: 1s } }
env: { BEHAVIOUR: good, VERSION: "1" }
flags:
  new-cart: { class: rollout, owner: shop, expires: 2099-12-31 }
environments:
  staging:
    branch: main
    routes: [{ host: staging.localhost, to: web }]
  production:
    promote_from: staging
    approvals: 1
    protected: true
    notify: [{ webhook: "http://HOOK/told", on: [waiting, succeeded] }]
    routes: [{ host: shop.localhost, to: web }]
"#;

/// What a program was told, event by event.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Value>>>);

impl Told {
    /// Listens on a port of its own until the test's process ends.
    fn listen() -> (SocketAddr, Told) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, told) = (listener.local_addr().unwrap(), Told::default());
        let taken = told.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| taken.take(stream)));
        (address, told)
    }

    fn take(&self, mut stream: std::net::TcpStream) {
        let mut input = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).unwrap_or(0) < 3 {
                break;
            }
            length =
                line.strip_prefix("Content-Length: ").map_or(length, |text| text.trim().parse().unwrap());
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).unwrap();
        self.0.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
    }

    fn occasions(&self) -> Vec<String> {
        let told = self.0.lock().unwrap();
        told.iter().map(|event| event["data"]["occasion"].as_str().unwrap().to_owned()).collect()
    }
}

fn app(hook: SocketAddr) -> App {
    let app = App::copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad"), &["app.py"]);
    fs::write(app.manifest(), MANIFEST.replace("HOOK", &hook.to_string())).unwrap();
    fs::write(app.path().join("cart.py"), "client.get_boolean_value(\"new-cart\", False)\n").unwrap();
    app
}

fn runs(tidegate: &Tidegate, app: &App) -> Vec<(u64, String, &'static str)> {
    let list = typed_well(tidegate, app, "tidegate pipeline list --json");
    let list: PipelineList = serde_json::from_str(&list).unwrap();
    list.runs.into_iter().map(|run| (run.run.0, run.environment, run.state.as_str())).collect()
}

/// Begins a run of the app's files over the API, as somebody who says that they are a commit of main.
fn upload(tidegate: &Tidegate, app: &App) {
    let source = RunSource { branch: Some("main".to_owned()), by: "eve".to_owned(), ..RunSource::default() };
    let (shop, environment) = ("shop".parse().unwrap(), "staging".parse().unwrap());
    let begin = BeginRun { app: shop, environment, source, push: None };
    let files = scan(app.path()).unwrap();
    let client = Client::unix(tidegate.data().join("api.sock"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client.run_begin(&begin, move |out| pack(&files, out))).unwrap();
}

#[test]
fn a_build_gets_to_production_by_consent_and_by_no_other_way() {
    let (hook, told) = Told::listen();
    let (tidegate, app) = (Tidegate::up(), app(hook));
    Repo::of(&app);
    let followed = typed_well(&tidegate, &app, "git push -q \"$(tidegate git url)\" HEAD:main");
    assert_eq!(runs(&tidegate, &app), [(1, "staging".to_owned(), "succeeded")], "{followed}");
    typed_well(&tidegate, &app, TYPED[0]);
    eventually("the promotion waits for consent", WITHIN, || {
        (runs(&tidegate, &app)[0] == (2, "production".to_owned(), "waiting")).then_some(())
    });

    // Neither the author, nor a folder.
    refused(&tidegate, &app, "tidegate approve 2", "approve::refused");
    refused(&tidegate, &app, "tidegate deploy -e production", "environment::protected");
    assert!(get(tidegate.gateway(), "shop.localhost", "/").is_ok_and(|answer| answer.status == 404));

    typed_well(&tidegate, &app, TYPED[1]);
    assert_eq!(runs(&tidegate, &app)[0], (2, "production".to_owned(), "succeeded"));
    assert_eq!(get(tidegate.gateway(), "shop.localhost", "/").unwrap().status, 200);
    typed_well(&tidegate, &app, TYPED[2]);
    let flag = typed_well(&tidegate, &app, "tidegate flag show new-cart -e production");
    assert!(flag.contains("on"), "{flag}");

    upload(&tidegate, &app);
    typed_well(&tidegate, &app, "tidegate pipeline show 3 -w");
    refused(&tidegate, &app, TYPED[0], "environment::protected");

    by_hand(&tidegate, &app);
    let everything = ["waiting", "succeeded", "break-glass"].map(str::to_owned);
    eventually("whoever wants to know is told", WITHIN, || (told.occasions() == everything).then_some(()));
}

/// In a protected environment nothing is done by hand without a reason.
fn by_hand(tidegate: &Tidegate, app: &App) {
    refused(tidegate, app, "tidegate scale web=2 -e production", "environment::protected");
    let line = "tidegate scale web=2 -e production --break-glass 'a sale began'";
    typed_well(tidegate, app, line);
    let told = tidegate.story();
    let said = "the protection of production was passed over by ann to set a number of instances with web: a sale began";
    assert!(told.contains(said), "{told}");
}
