//! Patterns of branches: `main`, `release/*`.

use tidegate_core::pipeline::Pattern;

use super::text::Rule;
use crate::codes::{self, Code};

/// A pattern that the names of branches are matched against.
#[derive(Clone, Debug)]
pub(crate) struct BranchPattern(pub(crate) String);

impl Rule for BranchPattern {
    const WHAT: &'static str = "a pattern of branches";
    const CODE: Code = codes::BAD_BRANCH;
    const PATTERN: &'static str = "^[^/\\s~^:\\\\\\[-][^\\s~^:\\\\\\[]{0,199}$";

    fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("refs/") || text.starts_with("origin/") {
            return Err("write the branch alone: `main`".to_owned());
        }
        Pattern::of_branch(text)
            .map(|pattern| BranchPattern(pattern.as_str().to_owned()))
            .map_err(|error| error.to_string())
    }
}
