//! `tidegate judge`: counts from files in, verdicts out.

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_core::judge::{Bundle, Policy, Tally, Window};

use crate::terminal::Terminal;

const NAMES: &str = "second,n_stable,bad_stable,n_candidate,bad_candidate\n";

/// A line for each second, with so many bad answers of the candidate.
fn counts(seconds: u64, bad: u64) -> String {
    (0..seconds).map(|second| format!("{second},90,{},10,{bad}\n", u64::from(second % 20 == 0))).collect()
}

fn lines(terminal: &Terminal, args: &[&str]) -> Vec<Value> {
    let output = terminal.output(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_verdict_has_the_same_five_names() {
    let terminal = Terminal::new()
        .file("bad.csv", &(NAMES.to_owned() + &counts(100, 1)))
        .file("good.csv", &counts(1_300, 0))
        .file("short.csv", &counts(30, 0));
    let replay = ["judge", "replay", "bad.csv", "good.csv", "short.csv", "--json"];
    let verdicts = lines(&terminal, &replay);
    let said: Vec<_> = verdicts.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(said, ["abort", "promote", "continue"]);
    for verdict in &verdicts {
        let names: BTreeSet<_> = verdict.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["at_second", "candidate_bad", "candidate_requests", "log_e", "verdict"]
        );
    }
    assert!(verdicts[0]["log_e"].as_f64().unwrap() >= f64::ln(200.0));
    assert_eq!(verdicts[0]["candidate_requests"], verdicts[0]["candidate_bad"].as_u64().unwrap() * 10);
    assert_eq!(verdicts[2]["at_second"], Value::Null);
    let out_of_time = lines(&terminal, &["judge", "replay", "short.csv", "--json", "--max-seconds", "20"]);
    assert_eq!(
        (&out_of_time[0]["verdict"], &out_of_time[0]["at_second"]),
        (&"inconclusive".into(), &20.into())
    );
    insta::assert_snapshot!(terminal.type_in(&["judge", "replay", "bad.csv", "good.csv", "short.csv"]));
}

#[test]
fn many_runs_are_a_line_each_and_a_restart_changes_none() {
    let (bad, good) = (counts(100, 1), counts(200, 0));
    let terminal = Terminal::new().file("runs.csv", &format!("{NAMES}{bad}{good}\n{good}{NAMES}{bad}"));
    let replay = ["judge", "replay", "runs.csv", "--runs", "--json"];
    let all = lines(&terminal, &replay);
    assert_eq!(all.len(), 4);
    assert_eq!((&all[0], &all[1]), (&all[3], &all[2]));
    assert_eq!((&all[0]["verdict"], &all[1]["verdict"]), (&"abort".into(), &"continue".into()));
    assert_eq!(lines(&terminal, &[replay.as_slice(), &["--restart-every", "1"]].concat()), all);
    let summed = lines(&terminal, &[replay.as_slice(), &["--summary"]].concat());
    let summary = &summed[4]["summary"];
    assert_eq!((&summary["runs"], &summary["windows"]), (&4.into(), &600.into()));
    assert_eq!((&summary["abort"]["runs"], &summary["continue"]), (&2.into(), &2.into()));
}

#[test]
fn what_cannot_be_read_is_shown_in_its_place() {
    let terminal = Terminal::new()
        .file("negative.csv", &format!("{NAMES}0,90,0,10,0\n1,90,-1,10,0\n"))
        .file("unknown.csv", "second,requests\n")
        .file("back.csv", "5,90,0,10,0\n4,90,0,10,0\n")
        .file("parted.csv", "5,90,0,10,0\n\n6,90,0,10,0\n")
        .file("empty.csv", NAMES)
        .file("bundle.json", "{\"bundle_version\": 1,\n 7}");
    let shown: Vec<_> =
        ["negative.csv", "unknown.csv", "back.csv", "parted.csv", "empty.csv", "bundle.json", "none.csv"]
            .iter()
            .map(|file| terminal.type_in(&["judge", "replay", file]))
            .collect();
    insta::assert_snapshot!(shown.join("\n"));
    insta::assert_snapshot!(
        "wrong_policy",
        terminal.type_in(&["judge", "replay", "back.csv", "--rho-m", "1.1"])
    );
}

#[test]
fn a_bundle_gives_its_verdict_or_is_refused() {
    let window = |second| Window { second, stable: Tally::of(90, 0), candidate: Tally::of(10, 2) };
    let bundle = Bundle::of(String::new(), Policy::default(), (0..30).map(window).collect(), Vec::new());
    let mut forged = bundle.clone();
    forged.windows.iter_mut().for_each(|window| window.candidate.bad = 0);
    let terminal = Terminal::new()
        .file("bundle.json", &serde_json::to_string_pretty(&bundle).unwrap())
        .file("forged.json", &serde_json::to_string(&forged).unwrap());
    let replayed = lines(&terminal, &["judge", "replay", "bundle.json", "--json"]);
    assert_eq!(replayed[0]["verdict"], "abort");
    assert_eq!(replayed[0]["at_second"], bundle.decision.at_second.unwrap());
    insta::assert_snapshot!(terminal.type_in(&["judge", "replay", "forged.json"]));
}

#[test]
fn a_plan_is_a_sentence_and_figures() {
    let terminal = Terminal::new();
    let plan = ["judge", "plan", "--rps", "12", "--share", "10%", "--base", "0.1%", "--bad", "1%"];
    insta::assert_snapshot!(terminal.type_in(&plan));
    let output = terminal.output(&[plan.as_slice(), &["--json"]].concat());
    let planned: Value = serde_json::from_slice(&output.stdout).unwrap();
    let requests = planned["detection"]["candidate_requests"].as_u64().unwrap();
    assert!((600..900).contains(&requests), "{planned}");
    assert_eq!(planned["detection"]["seconds"], (requests as f64 / 1.2).round());
    let never = ["judge", "plan", "--rps", "12", "--share", "10%", "--base", "1%", "--bad", "1.2%"];
    insta::assert_snapshot!("never_found", terminal.type_in(&never));
    let wrong = ["judge", "plan", "--rps", "12", "--share", "100%", "--base", "1%", "--bad", "2%"];
    insta::assert_snapshot!("wrong_share", terminal.type_in(&wrong));
}
