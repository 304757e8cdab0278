//! References in the values of variables: `${secret.db_url}`, `${param./shop/db/host}`, `${param./shop/db/host:live}`.
//!
//! Whatever else stands in braces is text, as it always was. `$${secret.…}` is the text `${secret.…}`.

use std::collections::BTreeSet;
use std::fmt;

use super::{Label, ParameterPath, SecretName, WordError};

const SECRET: &str = "${secret.";
const PARAMETER: &str = "${param.";

/// What a value refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// A secret of the app.
    Secret(SecretName),
    /// A parameter: its newest version, or the one that has the label.
    Parameter(ParameterPath, Option<Label>),
}

/// Why a value's references cannot be read. It quotes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The brace is not closed.
    #[error("a reference is not closed: write `${{secret.NAME}}` or `${{param.PATH}}`")]
    Open,
    /// What is in it is no name.
    #[error("a reference names nothing that could be there: {0}")]
    Word(#[from] WordError),
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part<'t> {
    Text(&'t str),
    Reference(Reference),
}

/// What a value refers to, each once.
///
/// # Errors
/// Where a reference is begun and is none.
pub fn references(value: &str) -> Result<BTreeSet<Reference>, ReferenceError> {
    let found = parts(value)?.into_iter().filter_map(|part| match part {
        Part::Reference(reference) => Some(reference),
        Part::Text(_) => None,
    });
    Ok(found.collect())
}

/// A value with what its references stand for.
///
/// # Errors
/// In words, without any value: the reference that stands for nothing, or that is none.
pub fn filled(value: &str, mut of: impl FnMut(&Reference) -> Option<String>) -> Result<String, String> {
    let mut text = String::with_capacity(value.len());
    for part in parts(value).map_err(|error| error.to_string())? {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Reference(reference) => {
                text.push_str(&of(&reference).ok_or_else(|| format!("{reference} is not set"))?);
            }
        }
    }
    Ok(text)
}

fn parts(value: &str) -> Result<Vec<Part<'_>>, ReferenceError> {
    let (mut parts, mut rest) = (Vec::new(), value);
    while let Some((at, prefix)) = next(rest) {
        let before = &rest[..at];
        if let Some(text) = before.strip_suffix('$') {
            // Escaped: the text without the first of its dollars.
            parts.extend([Part::Text(text), Part::Text(prefix)]);
            rest = &rest[at + prefix.len()..];
            continue;
        }
        let inside = &rest[at + prefix.len()..];
        let (name, after) = inside.split_once('}').ok_or(ReferenceError::Open)?;
        parts.extend([Part::Text(before), Part::Reference(read(prefix, name)?)]);
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// Where the next reference begins, and how.
fn next(text: &str) -> Option<(usize, &'static str)> {
    let found = [SECRET, PARAMETER].into_iter().filter_map(|prefix| Some((text.find(prefix)?, prefix)));
    found.min()
}

fn read(prefix: &str, name: &str) -> Result<Reference, ReferenceError> {
    if prefix == SECRET {
        return Ok(Reference::Secret(name.parse()?));
    }
    match name.split_once(':') {
        Some((path, label)) => Ok(Reference::Parameter(path.parse()?, Some(label.parse()?))),
        None => Ok(Reference::Parameter(name.parse()?, None)),
    }
}

/// As plans and messages write it: `secret.db_url`, `param./shop/db/host:live`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Secret(name) => write!(f, "secret.{name}"),
            Reference::Parameter(path, None) => write!(f, "param.{path}"),
            Reference::Parameter(path, Some(label)) => write!(f, "param.{path}:{label}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &str) -> Vec<String> {
        references(value).unwrap().iter().map(Reference::to_string).collect()
    }

    #[test]
    fn references_are_found_whole_or_within_a_text() {
        assert_eq!(names("${secret.db_url}"), ["secret.db_url"]);
        assert_eq!(
            names("postgres://u:${secret.pw}@${param./shop/db/host:live}/${param./a}"),
            ["secret.pw", "param./a", "param./shop/db/host:live"]
        );
        assert!(names("${HOME} $secret.x {secret.x} $${secret.x}").is_empty());
    }

    #[test]
    fn what_is_begun_and_is_none_is_a_mistake_that_quotes_nothing() {
        for bad in
            ["${secret.db_url", "${secret.}", "${secret.a b}", "${param.a}", "${param./a:}", "${param./a:9}"]
        {
            let error = references(bad).unwrap_err().to_string();
            assert!(!error.contains(bad), "{error}");
        }
    }

    #[test]
    fn values_take_the_place_of_references_and_are_not_read_again() {
        let of = |reference: &Reference| match reference {
            Reference::Secret(name) if name.as_str() == "pw" => Some("${secret.other}".to_owned()),
            Reference::Secret(_) => None,
            Reference::Parameter(..) => Some("db".to_owned()),
        };
        assert_eq!(filled("a ${secret.pw}@${param./h}", of).unwrap(), "a ${secret.other}@db");
        assert_eq!(filled("$${secret.pw} ${X}", of).unwrap(), "${secret.pw} ${X}");
        assert_eq!(filled("${secret.gone}", of).unwrap_err(), "secret.gone is not set");
    }
}
