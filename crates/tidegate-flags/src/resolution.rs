//! What one evaluation said, in the words that OFREP and flagd use.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::Map;

/// What a flag is for one context.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution<'a> {
    /// `None`: the caller's own default, because the flag is disabled or has no default variant.
    pub value: Option<&'a Value>,
    /// The name of the value, if there is one.
    pub variant: Option<&'a str>,
    /// Why this value.
    pub reason: Reason,
    /// The set's metadata, overlaid by the flag's.
    pub metadata: &'a Map,
}

/// Why a value was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The flag has no rule: clients may keep the value until the flag changes.
    Static,
    /// The rule said nothing about this context.
    Default,
    /// The rule chose the variant.
    TargetingMatch,
    /// The flag is disabled.
    Disabled,
}

impl Reason {
    /// As it goes over the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Default => "DEFAULT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Why there is no value. The caller gets its own default.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {details}")]
pub struct Failure {
    /// The kind, as clients tell them apart.
    pub code: ErrorCode,
    /// For people, without values from the context.
    pub details: String,
    /// As of a [`Resolution`]; the set's alone where no flag was found.
    pub metadata: Map,
}

/// The kinds of failure that OpenFeature knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// No flag has this key.
    FlagNotFound,
    /// The flag's rule can not be understood.
    ParseError,
    /// The context has no targeting key, where one is needed.
    TargetingKeyMissing,
    /// The context is refused.
    InvalidContext,
    /// The value is not of the type that was asked for.
    TypeMismatch,
    /// The rule failed for this context, or chose a variant that does not exist.
    General,
}

impl ErrorCode {
    /// As it goes over the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::General => "GENERAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure before it is known of which flag: the code and what to tell people. In a box, so that what can fail is small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(Box<(ErrorCode, Cow<'static, str>)>);

impl Fault {
    /// The rule failed while it was evaluated.
    pub(crate) fn general(details: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new((ErrorCode::General, details.into())))
    }

    /// The rule can not be understood at all.
    pub(crate) fn parse(details: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new((ErrorCode::ParseError, details.into())))
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.0.0
    }

    pub(crate) fn into_details(self) -> Cow<'static, str> {
        self.0.1
    }
}
