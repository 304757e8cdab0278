//! Flags whose day is over.

use tidegate_flags::{FlagSet, Options};

use super::Flags;
use crate::codes;
use crate::diagnostic::Diagnostic;

impl Flags {
    /// A warning for each flag that should have been gone by now. They are served all the same.
    pub fn expired(&self, now_unix_s: i64) -> Vec<Diagnostic> {
        // Whatever else a class asks for was a mistake when the files were read.
        let Ok(set) = FlagSet::parse(&self.document(), &Options::default()) else { return Vec::new() };
        let over = set.warnings(now_unix_s).filter_map(|problem| {
            let (key, origin) = self.origins.get_key_value(&problem.key.parse().ok()?)?;
            let day = self.metadata(key, "expires")?;
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
