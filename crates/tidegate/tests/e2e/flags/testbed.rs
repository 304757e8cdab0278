//! The public test bed for evaluators of flagd's language, asked by OFREP. Its files come with the package of a provider.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::asked::ask_for;
use super::gherkin::{Case, Step, cases};
use super::packages;
use super::served::Served;

/// There are this many, but for those of a way to draw shares that nobody uses any more.
const CASES: usize = 125;

#[test]
fn every_case_of_the_public_test_bed() {
    let evaluator = packages::testbed().join("evaluator");
    let flags = fs::read_to_string(evaluator.join("flags/testkit-flags.json")).unwrap();
    let served = Served::of(&serde_json::from_str(&flags).unwrap());
    let mut features: Vec<PathBuf> =
        fs::read_dir(evaluator.join("gherkin")).unwrap().map(|entry| entry.unwrap().path()).collect();
    features.sort();
    let (mut tried, mut wrong) = (0, Vec::new());
    for feature in features {
        for case in cases(&fs::read_to_string(&feature).unwrap()) {
            if case.tags.iter().any(|tag| tag == "@fractional-v1") {
                continue;
            }
            tried += 1;
            if let Err(why) = holds(&case, &served) {
                wrong.push(format!("{}: {}: {why}\n  {:?}", feature.display(), case.name, case.steps));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried >= CASES, "{tried} cases");
}

/// What a case asks for and what came.
#[derive(Default)]
struct Asked {
    kind: String,
    key: String,
    fallback: String,
    context: Map<String, Value>,
    answer: Value,
}

fn holds(case: &Case, served: &Served) -> Result<(), String> {
    let mut asked = Asked::default();
    case.steps.iter().try_for_each(|step| asked.take(step, served))
}

impl Asked {
    fn take(&mut self, step: &Step, served: &Served) -> Result<(), String> {
        let words: Vec<&str> = quoted(&step.text);
        let begins = |text: &str| step.text.starts_with(text);
        if begins("an evaluator") {
        } else if step.text.contains("-flag with key ") {
            let (kind, _) = step.text.trim_start_matches("a ").split_once("-flag").unwrap();
            (self.kind, self.key, self.fallback) =
                (kind.to_owned(), words[0].to_owned(), words[1].to_owned());
        } else if begins("a context containing a key ") {
            self.context.insert(words[0].to_owned(), typed(words[1], words[2]));
        } else if begins("a context containing a nested property ") {
            self.context.insert(words[0].to_owned(), json!({ words[1]: words[2] }));
        } else if begins("a context containing a targeting key ") {
            self.context.insert("targetingKey".to_owned(), words[0].into());
        } else if begins("the flag was evaluated") {
            let body = json!({ "context": self.context });
            self.answer = ask_for(served.ofrep, &self.key, &body).map_err(|error| error.to_string())?;
        } else if begins("the resolved details value should be ") {
            return equal(&self.value(), &typed(&self.kind, words[0]));
        } else if begins("the reason should be ") {
            return equal(&self.answer["reason"], &words[0].into());
        } else if begins("the error-code should be ") {
            return equal(&self.error(), &words[0].into());
        } else if begins("the resolved metadata is empty") {
            return equal(&self.answer["metadata"], &json!({}));
        } else if begins("the resolved metadata should contain") {
            return step
                .rows
                .iter()
                .try_for_each(|row| equal(&self.answer["metadata"][&row[0]], &typed(&row[1], &row[2])));
        } else {
            return Err(format!("nobody knows what this is: {}", step.text));
        }
        Ok(())
    }

    /// As a client takes it: what is of another type, or is none, is the caller's own.
    fn value(&self) -> Value {
        let value = &self.answer["value"];
        let fits = match self.kind.as_str() {
            "Boolean" => value.is_boolean(),
            "String" => value.is_string(),
            "Integer" | "Float" => value.is_number(),
            _ => value.is_object(),
        };
        if fits { value.clone() } else { typed(&self.kind, &self.fallback) }
    }

    fn error(&self) -> Value {
        let value = &self.answer["value"];
        let other = !value.is_null() && self.value() != *value;
        if other { "TYPE_MISMATCH".into() } else { self.answer["errorCode"].clone() }
    }
}

/// What stands in quotes. Within them a quote has a backslash before it.
fn quoted(text: &str) -> Vec<&str> {
    let (mut found, mut from, mut before) = (Vec::new(), None, ' ');
    for (at, letter) in text.char_indices() {
        if letter == '"' && before != '\\' {
            match from.take() {
                Some(from) => found.push(&text[from..at]),
                None => from = Some(at + 1),
            }
        }
        before = letter;
    }
    found
}

fn typed(kind: &str, text: &str) -> Value {
    match kind {
        "String" => text.into(),
        "Float" => text.parse::<f64>().unwrap().into(),
        _ => serde_json::from_str(&text.replace("\\\"", "\""))
            .unwrap_or_else(|error| panic!("{text}: {error}")),
    }
}

fn equal(is: &Value, to_be: &Value) -> Result<(), String> {
    let same = match (is.as_f64(), to_be.as_f64()) {
        (Some(is), Some(to_be)) => is == to_be,
        _ => is == to_be,
    };
    same.then_some(()).ok_or_else(|| format!("{is} is to be {to_be}"))
}
