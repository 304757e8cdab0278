//! People log in at a real provider of OpenID Connect (`oidc-provider`): by a code that they agree to on another device, and in a browser.
//! What somebody else would show instead is refused, with the reason.

mod browser;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use browser::Browser;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Tidegate, free_address, packages};

/// What the provider's client is known by, as the program has it.
const SECRET: &str = "s3cret of tidegate/+:";
const CALLBACK: &str = "/v1/login/oidc/callback";

/// The provider, for as long as this is there.
struct Provider {
    child: Child,
    at: SocketAddr,
    // Kept open: it goes on saying things.
    _said: BufReader<ChildStdout>,
}

impl Provider {
    fn start(api: SocketAddr) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/oidc");
        let wanted = ["package.json", "package-lock.json", "provider.mjs"];
        let place = packages::made("openid-provider", &folder, &wanted, |place| {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
                .current_dir(place);
            vec![npm]
        });
        let at = free_address();
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .args([at.port().to_string(), format!("http://{api}{CALLBACK}")])
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "listening\n");
        Provider { child, at, _said: said }
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.at)
    }

    /// What its tokens are from now on.
    fn spoil(&self, how: &str) {
        let url = format!("{}/spoil/{how}", self.issuer());
        let done = Command::new("curl").args(["--silent", "--fail", "-X", "PUT", &url]).output().unwrap();
        assert!(done.status.success(), "{how}");
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Tidegate whose people are known to a provider.
struct World {
    files: TempDir,
    tidegate: Tidegate,
    provider: Provider,
}

impl World {
    fn new(options: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let mut tidegate = Tidegate::up();
        let provider = Provider::start(tidegate.api());
        tidegate.end_control();
        let mut world = World { files, tidegate, provider };
        world.restart("tidegate", options);
        world
    }

    /// Starts the control plane as this client of the provider.
    fn restart(&mut self, client: &str, options: &[&str]) {
        let (issuer, secret) = (self.provider.issuer(), self.files.path().join("secret"));
        let first = ["--oidc-issuer", &issuer, "--oidc-client-id", client, "--oidc-client-secret"];
        let scopes = ["--oidc-scopes", "openid profile email groups"];
        let all = [&first[..], &[secret.to_str().unwrap()], &scopes[..], options].concat();
        self.tidegate.restart_with(&all);
    }

    fn server(&self) -> String {
        format!("http://{}", self.tidegate.api())
    }

    /// As the owner.
    fn owner(&self, args: &[&str]) -> String {
        let output = self.tidegate.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn person(&self, name: &str) -> Person<'_> {
        let home = self.files.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        Person { world: self, home }
    }

    fn browser(&self, name: &str) -> Browser {
        Browser::new(self.files.path(), name)
    }

    /// The newest entries of the log that are about logins.
    fn logins(&self) -> Vec<Value> {
        let page: Value = serde_json::from_str(&self.owner(&["audit", "list", "--json"])).unwrap();
        let entries = page["entries"].as_array().unwrap().iter().map(|row| &row["entry"]);
        entries.filter(|entry| entry["command"] == "login").cloned().collect()
    }
}

/// Somebody at a machine of their own.
struct Person<'w> {
    world: &'w World,
    home: PathBuf,
}

impl Person<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.tidegate.command(args);
        command.env("HOME", &self.home).env_remove("XDG_CONFIG_HOME").env_remove("TIDEGATE_API");
        command.current_dir(&self.home).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn well(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} was done");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Logs in on another device; `with` does there what has to be done.
    fn log_in(&self, with: impl FnOnce(&Value)) -> Result<Value, String> {
        let mut child = self.command(&["login", &self.world.server(), "--json"]);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(first) = said.next() else {
            return Err(String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap());
        };
        with(&serde_json::from_str(&first.unwrap()).unwrap());
        let last = said.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let output = child.wait_with_output().unwrap();
        last.ok_or_else(|| String::from_utf8(output.stderr).unwrap())
    }

    /// The same, agreeing as somebody whom the provider knows.
    fn log_in_as(&self, subject: &str) -> Result<Value, String> {
        let browser = Browser::new(&self.home, &format!("device-{subject}"));
        self.log_in(|begun| {
            let url = begun["verification_uri_complete"].as_str().unwrap();
            let page = browser.agree(url, subject);
            assert_eq!(page.status, 200, "{page:?}");
        })
    }
}

#[test]
fn a_person_logs_in_by_a_code_and_their_groups_say_what_they_may() {
    let mut world = World::new(&[]);
    world.owner(&["user", "add", "ann", "--oidc-subject", "u-1001"]);
    world.owner(&["user", "add", "bob"]);
    world.owner(&["user", "link", "bob", "u-1002"]);
    world.owner(&["access", "grant", "group:Key Holders", "admin"]);
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let me = ann.log_in_as("u-1001").unwrap();
    assert_eq!((&me["who"], &me["means"]), (&"ann".into(), &"token".into()));
    assert_eq!(me["roles"][0]["role"], "admin", "{me}");
    bob.log_in_as("u-1002").unwrap();
    let listed: Value = serde_json::from_str(&ann.well(&["user", "list", "--json"])).unwrap();
    let groups = &listed["users"][0]["openid"]["groups"];
    assert_eq!(groups, &serde_json::json!(["Key Holders", "platform"]), "{listed}");
    assert!(bob.refused(&["user", "list"]).contains("access::forbidden"));
    let why = ann.well(&["access", "explain", "ann", "manage-access", "*"]);
    assert!(why.contains("ann may manage-access"), "{why}");
    ann.well(&["access", "revoke", "group:Key Holders", "admin"]);
    assert!(ann.refused(&["user", "list"]).contains("access::forbidden"), "from the next request on");

    let logins = world.logins();
    assert_eq!(logins.len(), 2, "{logins:?}");
    assert_eq!(logins[1]["with"]["subject"], "u-1001", "{logins:?}");
    let told = format!("{}{}", world.owner(&["audit", "list", "--json"]), world.tidegate.control_log());
    assert!(!told.contains(SECRET) && !told.contains("eyJ"), "a secret, or a token of the provider: {told}");

    drop((ann, bob));
    // The other kind of key, and a token on standard input as ever.
    world.tidegate.end_control();
    world.restart("tidegate-elliptic", &[]);
    let ann = world.person("ann-elsewhere");
    ann.log_in_as("u-1001").unwrap();
    let token = world.owner(&["token", "create", "pasted", "--user", "bob"]);
    let mut pasting = ann.command(&["login", &world.server()]).stdin(Stdio::piped()).spawn().unwrap();
    pasting.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    assert!(pasting.wait().unwrap().success());
    let me: Value = serde_json::from_str(&ann.well(&["whoami", "--json"])).unwrap();
    assert_eq!(me["who"], "bob");
}

#[test]
fn a_browser_gets_a_session_and_goes_nowhere_else() {
    let world = World::new(&["--oidc-lasts", "1h"]);
    world.owner(&["user", "add", "ann", "--oidc-subject", "u-1001"]);
    let begin = format!("{}/v1/login/oidc?to=/v1/whoami%3Fx%3D1%26y%3D2", world.server());
    let ann = world.browser("ann");
    let page = ann.agree(&begin, "u-1001");
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("content=\"0;url=/v1/whoami?x=1&amp;y=2\""), "{page:?}");
    let me = ann.open(&format!("{}/v1/whoami", world.server()), &[]);
    let me: Value = serde_json::from_str(&me.body).unwrap();
    assert_eq!((&me["who"], &me["means"]), (&"ann".into(), &"session".into()));
    assert!(me["csrf"].is_string() && ann.cookie("tidegate-login").is_none());

    let again = ann.open(&page.url, &[]);
    assert_eq!(
        (again.status, code_of(&again.body).as_str()),
        (404, "oidc::unknown-login"),
        "the code is used"
    );
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example", "evil"] {
        let page = ann.open(&format!("{}/v1/login/oidc?to={elsewhere}", world.server()), &[]);
        assert_eq!(page.status, 400, "{elsewhere}: {page:?}");
    }

    // Eve begins a login and has Ann's browser finish it.
    let eve = world.browser("eve");
    let stopped = eve.open(&begin, &["--max-redirs", "0"]);
    assert_eq!(stopped.status, 303, "{stopped:?}");
    let callback = format!("{}{CALLBACK}", world.server());
    for forged in ["?code=x&state=0", "?code=x", "", "?error=access_denied&state=0"] {
        let page = eve.open(&format!("{callback}{forged}"), &[]);
        assert_eq!(code_of(&page.body), "oidc::unknown-login", "{forged}: the state is another");
        let page = world.browser("fresh").open(&format!("{callback}{forged}"), &[]);
        assert_eq!(code_of(&page.body), "oidc::unknown-login", "{forged}: no login was begun there");
    }
    world.provider.spoil("nonce");
    let refused = world.browser("nonce").agree(&begin, "u-1001");
    assert_eq!((refused.status, code_of(&refused.body).as_str()), (403, "oidc::id-token"), "{refused:?}");
    assert!(refused.body.contains("nonce"), "{refused:?}");
    world.provider.spoil("nothing");
    world.owner(&["user", "disable", "ann"]);
    let refused = world.browser("disabled").agree(&begin, "u-1001");
    assert_eq!(code_of(&refused.body), "access::disabled-user");
    assert_eq!(ann.open(&format!("{}/v1/whoami", world.server()), &[]).status, 401);
}

fn code_of(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_a_provider_did_not_say_to_us_now_lets_nobody_in() {
    let world = World::new(&[]);
    world.owner(&["user", "add", "ann", "--oidc-subject", "u-1001"]);
    let eve = world.person("eve");
    for (how, said) in [
        ("altered", "its signature is wrong"),
        ("stranger", "its signature is wrong"),
        ("unsigned", "signed in no way that is taken"),
        ("hmac", "signed in no way that is taken"),
        ("unknown-key", "signed by none of the provider's keys"),
        ("issuer", "another issuer's"),
        ("audience", "made for another client"),
        ("expired", "it has expired"),
    ] {
        world.provider.spoil(how);
        let who = if how == "altered" { "u-6666" } else { "u-1001" };
        let refused = eve.log_in_as(who).unwrap_err();
        assert!(refused.contains("oidc::id-token") && refused.contains(said), "{how}: {refused}");
    }
    world.provider.spoil("short");
    let refused = eve.log_in(|_| ()).unwrap_err();
    assert!(refused.contains("oidc::expired"), "{refused}");
    world.provider.spoil("nothing");
    let denied = eve.log_in(|begun| {
        let browser = world.browser("denies");
        let page = browser.open(begun["verification_uri"].as_str().unwrap(), &[]);
        let xsrf = page.body.split_once("name=\"xsrf\" value=\"").unwrap().1.split('"').next().unwrap();
        let code = begun["user_code"].as_str().unwrap();
        let fields = [format!("xsrf={xsrf}"), format!("user_code={code}"), "abort=yes".to_owned()];
        let fields: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
        browser.open(begun["verification_uri"].as_str().unwrap(), &fields);
    });
    assert!(denied.unwrap_err().contains("oidc::denied"));
    assert!(!eve.run(&["whoami"]).status.success());
    assert!(!world.tidegate.control_log().contains("eyJ"));
}

#[test]
fn who_is_nobody_here_stays_so_and_no_name_is_taken_over() {
    let mut world = World::new(&[]);
    world.owner(&["user", "add", "ann"]);
    world.owner(&["access", "grant", "ann", "admin"]);
    let eve = world.person("eve");
    let refused = eve.log_in_as("u-6666").unwrap_err();
    assert!(
        refused.contains("oidc::unknown-person") && refused.contains("--oidc-subject 'u-6666'"),
        "{refused}"
    );
    let logins = world.logins();
    assert_eq!(logins[0]["with"]["subject"], "u-6666", "{logins:?}");
    assert_eq!(logins[0]["outcome"]["refused"]["code"], "oidc::unknown-person", "{logins:?}");
    drop(eve);

    world.tidegate.end_control();
    world.restart(
        "tidegate",
        &["--oidc-adds-users", "--oidc-allow", "@shop.example", "--oidc-allow", "sub:u-6666"],
    );
    let eve = world.person("eve");
    let refused = eve.log_in_as("u-6666").unwrap_err();
    assert!(refused.contains("oidc::name-taken"), "she calls herself ann: {refused}");
    let nora = world.person("nora");
    let me = nora.log_in_as("u-2000").unwrap();
    assert_eq!((&me["who"], &me["roles"]), (&"newcomer-nora".into(), &serde_json::json!([])));
    let refused = world.person("bob").log_in_as("u-1002").unwrap_err();
    assert!(refused.contains("oidc::not-allowed"), "his address is not verified: {refused}");
    let linked = world.tidegate.run(&["user", "link", "ann", "u-2000"]);
    assert!(String::from_utf8_lossy(&linked.stderr).contains("oidc::linked"));
    world.owner(&["user", "disable", "newcomer-nora"]);
    assert!(nora.log_in_as("u-2000").unwrap_err().contains("access::disabled-user"));
}

#[test]
fn a_login_that_was_begun_is_begun_again_after_a_restart() {
    let mut world = World::new(&[]);
    world.owner(&["user", "add", "ann", "--oidc-subject", "u-1001"]);
    let url = format!("{}/v1/login/oidc/device", world.server());
    let browser = world.browser("raw");
    let json = ["--json", r#"{"token":"laptop"}"#];
    let begun: Value = serde_json::from_str(&browser.open(&url, &json).body).unwrap();
    let poll = |world: &World| {
        let login = serde_json::json!({ "login": begun["login"] }).to_string();
        browser.open(&format!("{}/v1/login/oidc/device/poll", world.server()), &["--json", &login])
    };
    let waiting: Value = serde_json::from_str(&poll(&world).body).unwrap();
    assert!(waiting["wait_s"].as_u64().unwrap() > 0 && waiting["done"].is_null(), "{waiting}");
    world.tidegate.end_control();
    world.restart("tidegate", &[]);
    let gone = poll(&world);
    assert_eq!((gone.status, code_of(&gone.body).as_str()), (404, "oidc::unknown-login"));
    assert!(gone.body.contains("started again"), "{gone:?}");
    // As many at a time as anybody needs.
    let busy =
        (0..40).map(|_| browser.open(&format!("{}/v1/login/oidc", world.server()), &["--max-redirs", "0"]));
    let busy: Vec<u16> = busy.map(|page| page.status).collect();
    assert_eq!(busy.iter().filter(|status| **status == 303).count(), 32, "{busy:?}");
    assert_eq!(busy.last(), Some(&429));
}
