//! Caddy: Go's scheduler held to one thread that runs at a time.

use std::process::Command;

use super::{Place, SetupError};

pub(super) fn set_up(place: &Place) -> Result<Command, SetupError> {
    let mut command = Command::new(place.program("caddy")?);
    let config = place.write("Caddyfile", include_str!("../../config/Caddyfile"))?;
    command.arg("run").arg("--adapter").arg("caddyfile").arg("--config").arg(config);
    command.env("GOMAXPROCS", "1").env("HOME", &place.dir).env("XDG_DATA_HOME", &place.dir);
    Ok(command)
}
