//! What an app is told by its environment: configuration set at run time, parameters shared by apps, secrets.
//!
//! A variable's value may refer to a parameter or a secret ([`mod@reference`]); a revision keeps which versions are meant ([`Settings`]),
//! never a secret's value.

mod layered;
pub mod reference;
mod settings;
mod words;

pub use layered::{Layered, Origin, Variables};
pub use reference::{Reference, ReferenceError};
pub use settings::{ConfigVersion, Configured, PinnedParameter, PinnedSecret, Settings};
pub use words::{Label, ParameterPath, SecretName, WordError};

/// The longest value of a variable set at run time, of a parameter or of a secret, in bytes.
pub const LONGEST_VALUE: usize = 16 << 10;
