//! `matrix` of a step: variables and the values they take; and the names of its secrets.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::super::env::{NameFault, check_env_name};
use super::super::read::{Place, Read};
use super::super::text::Rule;
use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::tree::Value;

/// The longest value in bytes: it becomes part of the step's name.
const LONGEST: usize = 100;

/// The name of a variable that a step may be given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Variable(pub(crate) String);

/// One value, as written.
#[derive(Clone, Debug)]
pub(crate) struct Scalar(pub(crate) String);

impl Rule for Variable {
    const WHAT: &'static str = "the name of a variable";
    const CODE: Code = codes::BAD_ENV_NAME;
    const PATTERN: &'static str = "^(?!PORT$|TIDEGATE_)[A-Za-z_][A-Za-z0-9_]{0,127}$";

    fn parse(text: &str) -> Result<Self, String> {
        match check_env_name(text) {
            Ok(()) => Ok(Variable(text.to_owned())),
            Err(NameFault::Shape) => Err("letters, digits and `_`, not beginning with a digit".to_owned()),
            Err(NameFault::Reserved) => {
                Err("PORT and names that begin with TIDEGATE_ are set by Tidegate itself".to_owned())
            }
        }
    }
}

impl Read for Scalar {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let (Value::Text(text) | Value::Number(text) | Value::Bool(text)) = &place.node.value else {
            place.report_type("a text or a number", findings);
            return None;
        };
        let good = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
        if !good {
            let message = format!("{} is to be one line of 1 to {LONGEST} bytes", place.subject);
            findings.push(Diagnostic::error(codes::BAD_TEXT, message).at(place.node.span, ""));
        }
        good.then(|| Scalar(text.clone()))
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
