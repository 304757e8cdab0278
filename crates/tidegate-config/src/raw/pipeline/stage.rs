//! One stage: a word, or a map.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::FlagKey;

use super::super::choice::{Choice, Word, parse_word, words};
use super::super::entries::Entries;
use super::super::flag::Flag;
use super::super::flags::VariantName;
use super::super::list::ListOf;
use super::super::name::NameText;
use super::super::read::{Place, Read};
use super::super::record::record;
use super::super::time::{DAY, Lasting, SECOND};
use super::step::RawStep;
use super::when::RawWhen;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::Value;

/// What a stage can do that needs no more than its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageWord {
    Build,
    Test,
    Deploy,
    Verify,
}

record! { replaced
    /// A stage that says more than what it does: steps of its own, smoke tests, flags that are released.
    #[schemars(rename = "Stage")]
    RawStageMap is "a stage" {
        /// `build` (the app's build command), `test` (its test), `deploy`, or `verify` (the rollouts to their end).
        r#do: Word<StageWord>,
        /// Commands, each in a copy of the build, or of the commit where no stage before it builds.
        steps: ListOf<RawStep>,
        /// The steps ask the candidate, at `$TIDEGATE_CANDIDATE_URL`, before it gets users. Default false.
        smoke: Flag,
        /// Flags that are released, each to a variant: `{ new-cart: "on" }`.
        release: Entries<FlagKey, VariantName>,
        /// The stages it waits for. Default: the stage before it; `[]` is none.
        needs: ListOf<NameText>,
        /// For which runs it is; for others it is left out. Default: all.
        when: RawWhen,
        /// Whether its steps run at the same time. Default false: one after the other.
        parallel: Flag,
        /// How long all of it may take. Default 6h; 30d of `deploy` and `verify`.
        timeout: Lasting<SECOND, { 90 * DAY }>,
    }
}

/// A stage, in whichever form.
#[derive(Clone, Debug)]
pub(crate) enum RawStage {
    Word(StageWord),
    Map(Box<RawStageMap>),
}

impl Choice for StageWord {
    const WHAT: &'static str = "a kind of stage";
    const ALL: &'static [(&'static str, Self)] = &[
        ("build", StageWord::Build),
        ("test", StageWord::Test),
        ("deploy", StageWord::Deploy),
        ("verify", StageWord::Verify),
    ];
}

impl Read for RawStage {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) => match more_than_a_word(text) {
                Some(help) => {
                    let message = format!("a `{text}` stage needs more than the word");
                    findings.push(
                        Diagnostic::error(codes::PIPELINE_STAGE, message)
                            .at(place.node.span, "needs a map")
                            .help(help),
                    );
                    None
                }
                None => parse_word(text, place.node.span, findings).map(RawStage::Word),
            },
            Value::Map(_) => RawStageMap::read(place, findings).map(Box::new).map(RawStage::Map),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a word like `build` or a map with `steps`", findings);
                None
            }
        }
    }
}

/// How a stage is written whose kind says too little.
fn more_than_a_word(text: &str) -> Option<&'static str> {
    match text {
        "steps" => Some("write the commands: `{ steps: [npm run lint] }`"),
        "smoke" => {
            Some("write what to ask: `{ smoke: true, steps: ['curl -fsS \"$TIDEGATE_CANDIDATE_URL/up\"'] }`")
        }
        "release" => Some("write which flags: `{ release: { new-cart: \"on\" } }`"),
        _ => None,
    }
}

impl JsonSchema for RawStage {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StageForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawStageMap>();
        json_schema!({ "anyOf": [{ "type": "string", "enum": words::<StageWord>().collect::<Vec<_>>() }, map] })
    }
}
