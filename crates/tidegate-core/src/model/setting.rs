//! Secrets and parameters as the store keeps them. What of them belongs to a revision: [`crate::setting`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Name;
use crate::setting::{Label, ParameterPath, SecretName};

/// A version of a secret. Its value is encrypted; nobody reads it back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// The app.
    pub app: Name,
    /// The environment; `None`: all of the app's that have none of their own.
    pub environment: Option<Name>,
    /// Its name.
    pub name: SecretName,
    /// Its number, from 1; a removal has one too.
    pub version: u32,
    /// Its value, encrypted, in base64; empty: from this version on it is removed.
    pub sealed: String,
    /// What tells two values apart without telling them: keyed, so that nobody tries values against it.
    pub fingerprint: String,
    /// What the value was encrypted for: the beginning of the public key.
    pub key: String,
    /// Who set it.
    pub by: String,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// A version of a parameter. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterVersion {
    /// Its path.
    pub path: ParameterPath,
    /// Its number, from 1.
    pub version: u32,
    /// Its value.
    pub value: String,
    /// Who set it.
    pub by: String,
    /// Why; may be empty.
    pub why: String,
    /// When: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// A label of a version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterLabel {
    /// The parameter.
    pub path: ParameterPath,
    /// The label.
    pub label: Label,
    /// The version that has it.
    pub version: u32,
}

impl SecretVersion {
    /// Whether it says that there is no such secret any more.
    pub fn is_removal(&self) -> bool {
        self.sealed.is_empty()
    }
}

/// What it is of, not what is in it.
impl fmt::Debug for SecretVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretVersion({}/{:?} {} v{})", self.app, self.environment, self.name, self.version)
    }
}
