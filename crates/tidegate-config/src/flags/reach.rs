//! Flags whose rule leaves nobody for what is released.

use tidegate_core::release::{Definition, answers_everybody};

use super::Flags;
use crate::codes;
use crate::diagnostic::Diagnostic;

impl Flags {
    /// A warning for each flag whose own rule gives everybody a variant: `release on` and `to` change nothing that anybody sees.
    pub fn unreached(&self) -> Vec<Diagnostic> {
        let document = self.json();
        let evaluators = document.get("$evaluators");
        let for_all = |key: &str| {
            let rule = document.get("flags").and_then(|flags| flags.get(key)?.get("targeting"));
            rule.is_some_and(|rule| answers_everybody(rule, evaluators))
        };
        let all = Definition::all(&document).into_iter();
        // What decides by itself is no release: an experiment's draw, a switch that goes by a rule.
        let meant = all
            .filter(|flag| flag.ruled && flag.text("class") == Some("rollout") && for_all(flag.key.as_str()));
        let told = meant.filter_map(|flag| {
            let origin = self.origins.get(&flag.key)?;
            let message = format!(
                "the rule of `{}` gives everybody a variant: what is released reaches nobody",
                flag.key
            );
            Some(
                Diagnostic::warning(codes::FLAG_UNREACHED, message)
                    .in_file(&origin.file)
                    .help("take its last branch out: whom the rule says nothing of gets what is released"),
            )
        });
        told.collect()
    }
}
