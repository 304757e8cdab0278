//! What is released is served, survives a kill of the control plane, and is never decided twice.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::model::{FlagBundle, ReleaseCause, Scheduled, Serving};
use tidegate_core::view::{FlagHistory, FlagView, ReleaseView};
use tidegate_flags::{Context, FlagSet, Options};

use crate::flags::asked::{self, Events};
use crate::support::{App, Repo, Tidegate, eventually};

const WITHIN: Duration = Duration::from_secs(10);
const USERS: usize = 400;

const FLAGS: &str = r#"flags:
  new-cart:
    class: rollout
    owner: shop
    expires: 2099-12-31
    targeting: { if: [{ "===": [{ var: staff }, true] }, "on"] }
"#;

/// An app that defines a flag, and whose code may ask for it.
fn app(asks: bool) -> App {
    let app = App::new();
    let text = fs::read_to_string(app.manifest()).unwrap();
    fs::write(app.manifest(), format!("{FLAGS}{text}")).unwrap();
    if asks {
        ask(&app);
    }
    app
}

fn ask(app: &App) {
    fs::write(app.path().join("cart.py"), "client.get_boolean_value(\"new-cart\", False)\n").unwrap();
}

fn bundle(data: &Path) -> Option<FlagBundle> {
    serde_json::from_slice(&fs::read(data.join("gateway/flags.json")).ok()?).ok()
}

/// How many users get it by the file that the gateway follows, and whether staff do.
fn served(data: &Path) -> Option<(usize, bool)> {
    let set = bundle(data)?.sets.into_values().next()?;
    let set = FlagSet::parse(&set.to_string(), &Options::default()).unwrap();
    let is_on = |context: Value| {
        let context = Context::new(context.as_object().unwrap().clone()).unwrap();
        set.resolve("new-cart", &context, 0).unwrap().value == Some(&json!(true))
    };
    let users = (0..USERS).filter(|user| is_on(json!({"targetingKey": format!("user-{user}")}))).count();
    Some((users, is_on(json!({"targetingKey": "ann", "staff": true}))))
}

/// Waits until `users` and staff are served so.
fn wait_for(tidegate: &Tidegate, what: &str, users: std::ops::RangeInclusive<usize>, staff: bool) {
    let data = tidegate.data();
    eventually(what, WITHIN, || {
        served(&data).filter(|(on, of_staff)| users.contains(on) && *of_staff == staff)
    });
}

fn show(tidegate: &Tidegate) -> FlagView {
    serde_json::from_slice(&tidegate.run(&["flag", "show", "new-cart", "--json"]).stdout).unwrap()
}

fn well(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_released_outlives_the_control_plane() {
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&app(true));
    wait_for(&tidegate, "nothing is released", 0..=0, true);

    well(tidegate.run(&["release", "on", "new-cart", "--why", "it is done"]));
    wait_for(&tidegate, "everybody has it", USERS..=USERS, true);
    well(tidegate.run(&["release", "to", "new-cart", "25%"]));
    let epoch = bundle(&tidegate.data()).unwrap().epoch;
    let before = show(&tidegate);
    tidegate.kill9_control();
    // As a crash in the middle of a write of somebody else's would leave it.
    fs::write(tidegate.data().join("gateway/flags.json"), "{\"epoch\":").unwrap();
    tidegate.restart();
    wait_for(&tidegate, "a quarter has it", USERS / 8..=USERS / 2, true);
    assert!(bundle(&tidegate.data()).unwrap().epoch >= epoch);
    assert_eq!(show(&tidegate), before, "the state is that of before the kill");

    well(tidegate.run(&["release", "kill", "new-cart"]));
    wait_for(&tidegate, "nobody has it, whatever the rules say", 0..=0, false);
    well(tidegate.run(&["release", "undo", "new-cart"]));
    wait_for(&tidegate, "a quarter has it again", USERS / 8..=USERS / 2, true);
    assert!(well(tidegate.run(&["release", "to", "25%", "new-cart"])).contains("already"));
    let history = well(tidegate.run(&["flag", "history", "new-cart", "--json"]));
    let history: FlagHistory = serde_json::from_str(&history).unwrap();
    let history: Vec<ReleaseView> = history.releases;
    let versions: Vec<u64> = history.iter().map(|release| release.version).collect();
    assert_eq!(versions, [4, 3, 2, 1]);
    assert_eq!(
        (history[3].why.as_deref(), history[1].from.as_str()),
        (Some("it is done"), history[2].to.as_str())
    );
    assert!(well(tidegate.run(&["events"])).contains("flag.killed"));
}

#[test]
fn of_two_at_once_one_is_refused_and_told_who_was_quicker() {
    let tidegate = Tidegate::up();
    tidegate.deploy_well(&app(true));
    for version in 0..3_u64 {
        let version = version.to_string();
        let share = format!("{}%", 10 + 10 * show(&tidegate).run_time.version);
        let asked = |who: &str| {
            let mut command =
                tidegate.command(&["release", "to", &share, "new-cart", "--expect-version", &version]);
            command
                .env("USER", who)
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            (who.to_owned(), command.spawn().unwrap())
        };
        let both = [asked("ann"), asked("bob")].map(|(who, child)| (who, child.wait_with_output().unwrap()));
        let (done, refused): (Vec<_>, Vec<_>) =
            both.into_iter().partition(|(_, output)| output.status.success());
        let ([(winner, _)], [(_, output)]) = (done.as_slice(), refused.as_slice()) else {
            panic!("{done:?} {refused:?}");
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains("flag::changed") && said.contains(&format!("{winner} changed it")), "{said}");
        assert_eq!(show(&tidegate).run_time.last.unwrap().by, *winner);
    }
}

#[test]
fn a_release_waits_for_the_code_of_its_flag() {
    let mut tidegate = Tidegate::up();
    let mut app = app(false);
    tidegate.deploy_well(&app);
    let refused = tidegate.run(&["release", "on", "new-cart"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("new-cart is not in the code of r1") && said.contains("--when-ready"), "{said}");
    well(tidegate.run(&["release", "on", "new-cart", "--when-ready"]));
    assert_eq!(show(&tidegate).state, "waiting");
    wait_for(&tidegate, "nobody has it but by the rules", 0..=0, true);
    tidegate.kill9_control();
    tidegate.restart();
    ask(&app);
    tidegate.deploy_well(app.next_version());
    wait_for(&tidegate, "everybody has it", USERS..=USERS, true);
    let flag = show(&tidegate);
    assert_eq!((flag.run_time.version, flag.run_time.waiting), (2, None), "asked for, and released");
    assert_eq!(flag.run_time.last.unwrap().cause, ReleaseCause::Ready);
    well(tidegate.run(&["release", "off", "new-cart"]));
    wait_for(&tidegate, "nobody has it, whatever the rules say", 0..=0, false);
}

/// A moment so many milliseconds ahead, as it is typed.
fn in_ms(ms: u64) -> String {
    let at =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64 + ms;
    // Words of what is served have a moment as it is typed.
    let at = Scheduled { from_unix_ms: at, serving: Serving::Defined }.to_string();
    at.split(' ').nth(1).unwrap().to_owned()
}

#[test]
fn a_moment_of_a_schedule_is_told_and_a_file_that_is_gone_is_written_again() {
    let mut tidegate = Tidegate::up();
    tidegate.end_control();
    tidegate.restart_with(&["--flags", "127.0.0.1:0", "--flags-open", "bad/production"]);
    tidegate.deploy_well(&app(true));
    let key = well(tidegate.run(&["flag", "key", "create", "--name", "test"]));
    let ofrep = tidegate.flags("flags");
    let value = || Some(asked::ask(ofrep, key.trim(), "/new-cart").ok()?.1["value"].clone());
    eventually("the key is known", WITHIN, || (value()? == json!(false)).then_some(()));
    well(tidegate.run(&["release", "schedule", "new-cart", &format!("{}=on", in_ms(5_000))]));
    eventually("the schedule is there", WITHIN, || (show(&tidegate).run_time.version == 1).then_some(()));
    eventually("it is served", WITHIN, || served(&tidegate.data()));
    let mut events = Events::open(ofrep, key.trim());
    assert_eq!(value(), Some(json!(false)));
    // Of the release of the schedule it may tell as well; where nothing is told any more the stream breaks off.
    while value() == Some(json!(false)) {
        events.wait_for("data: ");
    }
    eventually("it is recorded", WITHIN, || (show(&tidegate).run_time.version == 2).then_some(()));
    let flag = show(&tidegate);
    assert_eq!((flag.run_time.version, flag.run_time.last.unwrap().cause), (2, ReleaseCause::Scheduled));
    assert!(tidegate.story().contains("flag.scheduled"), "{}", tidegate.story());

    let file = tidegate.data().join("gateway/flags.json");
    let written = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    eventually("a file that was removed is there again", WITHIN, || {
        (fs::read(&file).ok()? == written).then_some(())
    });
    fs::write(&file, b"{\"epoch\":").unwrap();
    eventually("a damaged file is whole again", WITHIN, || (fs::read(&file).ok()? == written).then_some(()));
}

#[test]
fn what_is_served_is_written_back_to_git_and_served_from_there() {
    let (tidegate, mut app) = (Tidegate::up(), app(true));
    let text = fs::read_to_string(app.manifest()).unwrap();
    let more = "  # How many items a page has.\n  page-size:\n    class: operational\n    owner: platform\n    type: integer\n    \
                variants: { small: 10, large: 100 }\n    default: large # as ever\n";
    let text = text.replacen("flags:\n", &format!("flag_files: [flags/*.json]\nflags:\n{more}"), 1);
    fs::write(app.manifest(), text).unwrap();
    fs::create_dir(app.path().join("flags")).unwrap();
    let file = json!({"flags": {"banner": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"var": "staff"}, "on"]}}}});
    fs::write(app.path().join("flags/more.json"), serde_json::to_string_pretty(&file).unwrap()).unwrap();
    fs::write(app.path().join("more.py"), "x('page-size', 'banner')\n").unwrap();
    // The app's folder is not the repository's: paths are relative to it.
    let repo = Repo::of(&app);
    tidegate.deploy_well(&app);
    well(tidegate.run(&["release", "to", "25%", "new-cart"]));
    well(tidegate.run(&["release", "to", "small", "page-size"]));
    well(tidegate.run(&["release", "off", "banner"]));
    let before = eventually("all of it is served", WITHIN, || {
        let all = all_served(&tidegate.data());
        let done =
            |of: &String| of.contains("banner=Some(\"off\")") && of.contains("page-size=Some(\"small\")");
        all.iter().all(done).then_some(all)
    });
    let folder = app.path().to_str().unwrap().to_owned();
    let output = tidegate.run(&["flag", "export", "--file", &folder]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let patch = well(output);
    apply(&repo, &patch);
    assert!(fs::read_to_string(app.manifest()).unwrap().contains("default: small # as ever"));
    repo.commit("Write back what is served");
    tidegate.deploy_well(app.next_version());
    for flag in ["new-cart", "page-size", "banner"] {
        well(tidegate.run(&["release", "reset", flag]));
    }
    eventually("all is served from Git as it was", WITHIN, || {
        (all_served(&tidegate.data()) == before).then_some(())
    });
    let again = tidegate.run(&["flag", "export", "--file", &folder]);
    // That a share in Git leaves nobody for a release is warned of, as by `check`.
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("flags::rule-for-all"), "{said}");
    assert!(said.ends_with("nothing is served that the files do not say\n"), "{said}");
    well(tidegate.run(&["release", "schedule", "new-cart", &format!("{}=on", in_ms(86_400_000))]));
    let left: Value =
        serde_json::from_str(&well(tidegate.run(&["flag", "export", "--json", "-f", &folder]))).unwrap();
    assert_eq!((&left["diff"], &left["skipped"][0]["flag"]), (&json!(""), &json!("new-cart")));
}

fn apply(repo: &Repo, patch: &str) {
    let file = repo.path().join("served.patch");
    fs::write(&file, patch).unwrap();
    let output = repo.command(&["apply", "served.patch"]).output().unwrap();
    assert!(output.status.success(), "{}\n{patch}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(file).unwrap();
}

/// What every user gets of every flag, by the file that the gateway follows.
fn all_served(data: &Path) -> Vec<String> {
    let set = bundle(data).unwrap().sets.into_values().next().unwrap();
    let set = FlagSet::parse(&set.to_string(), &Options::default()).unwrap();
    let contexts =
        (0..USERS).map(|user| json!({"targetingKey": format!("user-{user}"), "staff": user % 7 == 0}));
    let of = |context: Value| {
        let context = Context::new(context.as_object().unwrap().clone()).unwrap();
        let all = set.resolve_all(&context, 0);
        all.map(|(key, found)| format!("{key}={:?}", found.unwrap().variant)).collect::<Vec<_>>().join(" ")
    };
    contexts.map(of).collect()
}
