//! `--break-glass`: changing a protected environment by hand.

use clap::Args;
use tidegate_control::BreakGlass;

use crate::print;
use crate::who;

/// For commands that a protected environment refuses.
#[derive(Clone, Debug, Default, Args)]
pub struct GlassArgs {
    /// Do it in a protected environment all the same, and say why: it is recorded and everybody is told
    #[arg(long, value_name = "WHY")]
    break_glass: Option<String>,
}

impl GlassArgs {
    /// Why, where it was said. Says so aloud.
    pub fn why(self) -> Option<String> {
        if self.break_glass.is_some() {
            print::to_stderr(
                "warning: --break-glass passes over the environment's protection; it is recorded\n",
            );
        }
        self.break_glass
    }

    /// Who and why, where it was said.
    pub fn taken(self) -> Option<BreakGlass> {
        self.why().map(|why| BreakGlass { by: who::asks(), why })
    }
}
