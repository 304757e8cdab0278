//! Processes that run beside a step.

use super::super::command::Command;
use super::super::env::RawEnv;
use super::super::record::record;
use super::super::time::{HOUR, Lasting, SECOND};

record! { replaced
    /// A process that runs beside a step: a database for the tests. The step gets `NAME_PORT` and `NAME_ADDRESS`.
    #[schemars(rename = "StepService", extend("required" = ["run"]))]
    RawBeside is "a service of a step" {
        /// The command. It listens on `$PORT` at 127.0.0.1 and ends with the step.
        run: Command,
        /// Its own variables.
        env: RawEnv,
        /// How long it may take until its port accepts. Default 30s.
        within: Lasting<SECOND, HOUR>,
    }
}
