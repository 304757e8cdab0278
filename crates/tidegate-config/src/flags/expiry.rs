//! Flags whose day is over.

use super::Flags;
use crate::codes;
use crate::diagnostic::Diagnostic;

impl Flags {
    /// A warning for each flag that should have been gone before `today` (as `2026-12-31`). They are served all the same.
    pub fn expired(&self, today: &str) -> Vec<Diagnostic> {
        let over = self.origins.iter().filter_map(|(key, origin)| {
            let day = self.metadata(key, "expires").filter(|day| *day < today)?;
            let message = format!("`{key}` should have been gone by {day}");
            Some(
                Diagnostic::warning(codes::FLAG_EXPIRED, message)
                    .in_file(&origin.file)
                    .help("remove its code and then its definition, or give it another day"),
            )
        });
        over.collect()
    }
}
