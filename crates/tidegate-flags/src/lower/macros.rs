//! Operators that Tidegate adds to rules, each replaced by what it stands for: `segment`, `flag`, `schedule`, `ramp`.

use serde_json::Value;

use super::prerequisites::Prerequisites;
use super::{ramp, schedule, segments};
use crate::Map;
use crate::file::FlagFileError;

/// What rules may speak of.
pub(super) struct Macros<'d> {
    pub(super) segments: &'d Map,
}

/// Rewrites a rule; an error points from there. Flags that it asks for are noted in `prerequisites`.
pub(super) fn rewrite(
    rule: &mut Value,
    macros: &Macros<'_>,
    prerequisites: &mut Prerequisites,
) -> Result<(), FlagFileError> {
    match rule {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                rewrite(item, macros, prerequisites).map_err(|error| error.below(&index.to_string()))?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                rewrite(member, macros, prerequisites).map_err(|error| error.below(name))?;
            }
            let Some((name, arg)) = members.iter().next().filter(|_| members.len() == 1) else {
                return Ok(());
            };
            let replaced = match name.as_str() {
                "segment" => Some(segments::reference(arg, macros.segments)),
                "flag" => Some(prerequisites.reference(arg)),
                "schedule" => Some(schedule::lower(arg)),
                "ramp" => Some(ramp::lower(arg)),
                _ => None,
            };
            if let Some(replaced) = replaced {
                *rule = replaced.map_err(|message| FlagFileError::at(format!("/{name}"), message))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
