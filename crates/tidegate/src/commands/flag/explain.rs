//! `tidegate flag explain`: why a flag is what it is for one context, of what the server serves or of a file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use tidegate_flags::{Context, Explanation, FlagSet, Fractional, Options};
use tidegate_os::clock;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate flag explain new-cart --context '{\"targetingKey\": \"u1\", \"plan\": \"pro\"}'\n  \
                  tidegate flag explain new-cart --context '{\"targetingKey\": \"u1\"}' --file flags.json\n  \
                  tidegate flag explain new-cart --file flags.json --fractional v3"
)]
pub struct ExplainArgs {
    /// Which
    flag: String,
    /// Who asks: an evaluation context as JSON
    #[arg(long, value_name = "JSON", default_value = "{}")]
    context: String,
    /// Evaluate the flags of this file, without a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["app", "environment"])]
    file: Option<PathBuf>,
    /// How `fractional` chooses in that file, unless it says
    #[arg(long, value_name = "VERSION", default_value = "v2", requires = "file")]
    fractional: Fractional,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Evaluates here, by the rules that the servers have.
pub fn run(args: ExplainArgs, session: &Session) -> Result<Exit, Failure> {
    let context = context(&args.context)?;
    let text = match &args.file {
        Some(file) => of_file(file)?,
        None => {
            let (client, scope) = (session.client()?, session.scope(args.scope));
            session.wait(async { Ok(client.flag_set(&scope).await?) })?.effective.to_string()
        }
    };
    let set = FlagSet::parse(&text, &Options { fractional: args.fractional })
        .map_err(|error| Failure::mistake(error.to_string(), "mend the file; `tidegate check` shows more"))?;
    let now_unix_s = (clock::unix_ms() / 1_000).cast_signed();
    let explanation = set.explain(&args.flag, &context, now_unix_s);
    let mut out = Out::new();
    if args.json.json {
        out.json_pretty(&as_json(&explanation))?;
    } else {
        out.text(&print::flag_explanation(&explanation))?;
    }
    Ok(if explanation.failure.is_some() { Exit::MISTAKE } else { Exit::DONE })
}

fn context(text: &str) -> Result<Context, Failure> {
    let help = "write an object, like `--context '{\"targetingKey\": \"u1\"}'`";
    let wrong = |why: String| Failure::mistake(format!("the context cannot be used: {why}"), help);
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => Context::new(values).map_err(|error| wrong(error.to_string())),
        Ok(_) => Err(wrong("it is no JSON object".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

fn of_file(file: &Path) -> Result<String, Failure> {
    let absent =
        || Failure::mistake(format!("there is no file {}", file.display()), "name another with --file");
    folder::read_small(file)?.ok_or_else(absent)
}

/// Keys are a contract.
fn as_json(explanation: &Explanation) -> Value {
    let steps = explanation.steps.iter().map(|step| {
        json!({ "pointer": step.pointer, "rule": step.rule, "result": step.result, "note": step.note })
    });
    let failure = explanation
        .failure
        .as_ref()
        .map(|failure| json!({ "code": failure.code.as_str(), "details": failure.details }));
    json!({
        "key": explanation.key,
        "value": explanation.value,
        "variant": explanation.variant,
        "reason": explanation.reason,
        "failure": failure,
        "steps": steps.collect::<Vec<_>>(),
    })
}
