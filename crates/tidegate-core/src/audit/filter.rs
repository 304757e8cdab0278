//! Which entries somebody wants to see.

use super::chain::Entry;
use crate::model::Name;

/// Entries that have every value given here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only from then on: milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Only of this one, proven or as they called themselves.
    pub who: Option<String>,
    /// Only this action or command.
    pub action: Option<String>,
    /// Only in this app.
    pub app: Option<Name>,
    /// Only in this environment.
    pub environment: Option<Name>,
    /// Only what was refused or failed.
    pub refused: bool,
}

impl Filter {
    /// Whether an entry is one of them.
    pub fn takes(&self, entry: &Entry) -> bool {
        let deed = &entry.deed;
        let by = |who: &String| deed.doer() == *who || deed.with.get("by") == Some(who);
        let is = |action: &String| deed.action.name() == action || deed.command == *action;
        entry.at_ms >= self.since_ms
            && self.who.as_ref().is_none_or(by)
            && self.action.as_ref().is_none_or(is)
            && (self.app.is_none() || self.app == deed.app)
            && (self.environment.is_none() || self.environment == deed.environment)
            && (!self.refused || deed.outcome.is_refusal())
    }
}
