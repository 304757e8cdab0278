//! One command of a stage: a text, or a map.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::super::choice::{Choice, Word};
use super::super::command::Command;
use super::super::entries::Entries;
use super::super::env::RawEnv;
use super::super::flags::Line;
use super::super::limits::RawLimits;
use super::super::list::Named;
use super::super::read::{Place, Read};
use super::super::record::record;
use super::super::some::OneOrMore;
use super::super::text::Text;
use super::super::time::{DAY, Lasting, SECOND};
use super::super::whole::Whole;
use super::beside::RawBeside;
use super::matrix::{Scalar, Variable};
use super::path::{FolderPath, PathPattern};
use crate::findings::Findings;
use crate::span::Spanned;
use crate::tree::Value;

record! { replaced
    /// One command of a stage. Short form: the command alone.
    #[schemars(rename = "Step", extend("required" = ["run"]))]
    RawStepMap is "a step" {
        /// Its name, unique in its stage. Default: the command.
        name: Text<Line>,
        /// The command, run by `/bin/sh -c` in a copy of the build of its own.
        run: Command,
        /// Variables and the values each takes: the step is run once for every combination.
        matrix: Entries<Variable, OneOrMore<Scalar>>,
        /// Its own variables. Nothing of the app's or the environment's reaches it.
        env: RawEnv,
        /// Names of secrets it gets as variables. No other step sees them.
        secrets: OneOrMore<Text<Variable>>,
        /// How long one attempt may take. Default 30m.
        timeout: Lasting<SECOND, DAY>,
        /// How often it is tried again where it fails. Default 0.
        retries: Whole<0, 10>,
        /// Folders kept from run to run, within the workspace: `[node_modules]`.
        cache: OneOrMore<Text<FolderPath>>,
        /// Files and folders that later stages get and that are kept with the run: `[coverage, "dist/*.js"]`.
        artifacts: OneOrMore<Text<PathPattern>>,
        /// Reports in JUnit's format that are read when it ends: `["reports/*.xml"]`.
        reports: OneOrMore<Text<PathPattern>>,
        /// Processes that run beside it, a database say; each gets a free `$PORT`.
        services: Named<RawBeside>,
        /// What it may use. Default: the server's own limits for steps.
        limits: RawLimits,
        /// Which network it has: `host`, the machine's, or `none`, where it reaches nobody but itself. Default `host`.
        network: Word<StepNetwork>,
    }
}

/// Which network a step has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepNetwork {
    Host,
    None,
}

impl Choice for StepNetwork {
    const WHAT: &'static str = "a network of a step";
    const ALL: &'static [(&'static str, Self)] = &[("host", StepNetwork::Host), ("none", StepNetwork::None)];
}

/// A step, in whichever form.
#[derive(Clone, Debug)]
pub(crate) struct RawStep(pub(crate) RawStepMap);

impl Read for RawStep {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if let Value::Text(_) = &place.node.value {
            let value = Command::read(place, findings)?;
            let run = Spanned { value, span: place.node.span, key: place.key };
            let run = super::super::field::Field::Present(run);
            return Some(RawStep(RawStepMap { run, ..RawStepMap::default() }));
        }
        RawStepMap::read(place, findings).map(RawStep)
    }
}

impl JsonSchema for RawStep {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StepForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let command = generator.subschema_for::<Command>();
        let map = generator.subschema_for::<RawStepMap>();
        json_schema!({ "anyOf": [command, map] })
    }
}
