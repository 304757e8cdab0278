//! `pipeline` and `test`: what is done with a commit on its way into an environment.

mod beside;
mod matrix;
mod path;
mod release;
mod stage;
mod step;
mod when;

pub(crate) use beside::RawBeside;
pub(crate) use stage::{RawStage, RawStageMap, StageWord};
pub(crate) use step::{RawStep, RawStepMap, StepNetwork};
pub(crate) use when::RawWhen;

use super::command::Command;
use super::list::Named;
use super::record::record;
use super::time::{DAY, Lasting, SECOND};

record! { replaced
    /// The way of a commit: stages in their order.
    #[schemars(rename = "Pipeline", extend("required" = ["stages"]))]
    RawPipeline is "`pipeline`" {
        /// The stages by name, in their order: a word (`build`, `test`, `deploy`, `verify`), or a map.
        stages: Named<RawStage>,
    }
}

record! { replaced
    /// How a build is tested: a command in a copy of it. A stage of the pipeline that an app has without `pipeline`.
    #[schemars(rename = "Test", extend("required" = ["run"]))]
    RawTest is "`test`" {
        /// The command.
        run: Command,
        /// How long it may take. Default 30m.
        within: Lasting<SECOND, DAY>,
    }
}
