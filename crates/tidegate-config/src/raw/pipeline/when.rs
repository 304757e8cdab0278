//! For which runs a stage is.

use super::super::branch::BranchPattern;
use super::super::name::NameText;
use super::super::record::record;
use super::super::some::OneOrMore;
use super::super::text::Text;

record! { replaced
    /// For which runs a stage is: all that is said must fit.
    #[schemars(rename = "StageWhen")]
    RawWhen is "`when`" {
        /// For commits of these branches: `main`, `[main, "release/*"]`.
        branches: OneOrMore<Text<BranchPattern>>,
        /// For runs into these environments.
        environments: OneOrMore<NameText>,
    }
}
