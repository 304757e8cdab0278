//! The names of secrets, parameters and labels.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not such a name. It quotes nothing: what was typed in its place may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// No name of a secret.
    #[error("a secret's name has 1 to 64 letters, digits and `_`, and does not begin with a digit")]
    Secret,
    /// No path of a parameter.
    #[error(
        "a parameter's path is like /shop/db/host: parts of letters, digits, `-`, `_` and `.`, 200 characters at most"
    )]
    Parameter,
    /// No label.
    #[error("a label has 1 to 40 letters, digits and `-`, and begins with a letter")]
    Label,
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $good:ident, $error:ident, $longest:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = $pattern, "maxLength" = $longest))]
        pub struct $name(String);

        impl $name {
            /// It as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = WordError;
            fn from_str(text: &str) -> Result<Self, WordError> {
                if $good(text) { Ok($name(text.to_owned())) } else { Err(WordError::$error) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = WordError;
            fn try_from(text: String) -> Result<Self, WordError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> String {
                word.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

word! {
    /// The name of a secret: what a variable of its own could be called.
    SecretName, is_secret, Secret, 64, "^[A-Za-z_][A-Za-z0-9_]*$"
}

word! {
    /// The path of a parameter: `/shop/db/host`.
    ParameterPath, is_path, Parameter, 200, "^(?:/[A-Za-z0-9._-]+)+$"
}

word! {
    /// A name for one version of a parameter: `live`.
    Label, is_label, Label, 40, "^[A-Za-z][A-Za-z0-9-]*$"
}

fn is_secret(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    letters && (1..=64).contains(&text.len()) && !text.as_bytes()[0].is_ascii_digit()
}

fn is_path(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed);
    text.len() <= 200 && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(part))
}

fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    letters && (1..=40).contains(&text.len()) && text.as_bytes()[0].is_ascii_alphabetic()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_shapes_and_errors_quote_nothing() {
        for good in ["db_url", "A", "_x9", "DEPLOY_TOKEN"] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "9a", "a-b", "a b", "é", &"x".repeat(65)] {
            let error = bad.parse::<SecretName>().unwrap_err().to_string();
            assert!(bad.is_empty() || !error.contains(&format!("`{bad}`")), "{error}");
        }
        for good in ["/a", "/shop/db/host", "/a-b/c_d/e.f"] {
            assert!(good.parse::<ParameterPath>().is_ok(), "{good}");
        }
        for bad in ["", "/", "a/b", "/a/", "//a", "/a/../b", "/a b", "/a:b"] {
            assert!(bad.parse::<ParameterPath>().is_err(), "{bad}");
        }
        assert!("live".parse::<Label>().is_ok() && "1".parse::<Label>().is_err());
    }
}
