//! Envoy: one worker thread.

use std::process::Command;

use super::{Place, SetupError};

pub(super) fn set_up(place: &Place) -> Result<Command, SetupError> {
    let mut command = Command::new(place.program("envoy")?);
    let config = place.write("envoy.yaml", include_str!("../../config/envoy.yaml"))?;
    command.arg("--config-path").arg(config).args(["--concurrency", "1", "--log-level", "error"]);
    command.args(["--disable-hot-restart"]);
    Ok(command)
}
