//! The same questions to flagd's own evaluator for JavaScript, and to ours: the answers have to be the same.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tidegate_flags::{Context, Failure, FlagSet, Options, Resolution};

use crate::generate::{self, Dice};

const SETS: usize = 110;
const FLAGS: usize = 12;
const CONTEXTS: usize = 3;
const NOW: i64 = 1_790_000_000;

#[test]
fn answers_are_those_of_flagds_evaluator_for_javascript() {
    let cases: Vec<Value> = (0..SETS).map(|seed| case(seed as u64)).collect();
    let theirs = javascript(&cases);
    let mut asked = 0;
    let mut differences = Vec::new();
    for (case, theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
        let set = FlagSet::parse(&case["set"].to_string(), &Options::default());
        for (ask, theirs) in case["asks"].as_array().unwrap().iter().zip(theirs.as_array().unwrap()) {
            asked += 1;
            let ours = set.as_ref().map_or(json!({"refused": true}), |set| answer(set, ask));
            if ours != *theirs {
                let flag = &case["set"]["flags"][ask["key"].as_str().unwrap()];
                differences
                    .push(format!("flag {flag}\ncontext {}\nours {ours}\ntheirs {theirs}\n", ask["context"]));
            }
        }
    }
    assert!(asked >= 2_000, "only {asked} cases");
    assert!(
        differences.is_empty(),
        "{} of {asked} differ, the first:\n{}",
        differences.len(),
        differences[..differences.len().min(12)].join("\n")
    );
}

fn case(seed: u64) -> Value {
    let mut dice = Dice::new(seed);
    let set = generate::set(&mut dice, FLAGS);
    let mut asks = Vec::new();
    for _ in 0..CONTEXTS {
        let context = generate::context(&mut dice);
        asks.extend(
            (0..FLAGS).map(|flag| json!({"key": format!("f{flag}"), "context": context, "now": NOW})),
        );
    }
    asks.push(json!({"key": "none", "context": {}, "now": NOW}));
    json!({"set": set, "asks": asks})
}

pub fn answer(set: &FlagSet, ask: &Value) -> Value {
    let context = Context::new(ask["context"].as_object().unwrap().clone()).unwrap();
    in_their_words(&set.resolve(ask["key"].as_str().unwrap(), &context, ask["now"].as_i64().unwrap()))
}

/// What is not there is left out, as JavaScript does.
fn in_their_words(resolved: &Result<Resolution<'_>, Failure>) -> Value {
    match resolved {
        Ok(resolution) => {
            let mut answer = json!({"reason": resolution.reason.as_str()});
            if let (Some(value), Some(variant)) = (resolution.value, resolution.variant) {
                answer["value"] = value.clone();
                answer["variant"] = json!(variant);
            }
            answer
        }
        Err(failure) if failure.code.as_str() == "FLAG_NOT_FOUND" => json!({"errorCode": "FLAG_NOT_FOUND"}),
        Err(failure) => json!({"reason": "ERROR", "errorCode": failure.code.as_str()}),
    }
}

/// flagd's evaluator for JavaScript.
pub fn javascript(cases: &[Value]) -> Value {
    evaluated_by("node", "evaluate.mjs", cases)
}

/// What one of flagd's evaluators says, where `tools/install.sh` put them: a path in there, or a program.
pub fn evaluated_by(interpreter: &str, script: &str, cases: &[Value]) -> Value {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let packages = here.join("../../target/flagd-core");
    assert!(
        packages.join("node_modules").is_dir() && packages.join("python").is_dir(),
        "flagd's evaluators are not there: `. tools/install.sh; need_flagd_core` installs them"
    );
    let packages = packages.canonicalize().unwrap();
    let interpreter = if interpreter.contains('/') { packages.join(interpreter) } else { interpreter.into() };
    let mut child = Command::new(interpreter)
        .arg(here.join("tests/it").join(script))
        .arg(packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = json!(cases).to_string();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{script} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
