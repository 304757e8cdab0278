//! The floors: this program itself.

use std::process::Command;

use super::{Place, SetupError};

pub(super) fn set_up(place: &Place, how: Option<&str>) -> Result<Command, SetupError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("floor").arg("--listen").arg(place.plain.to_string());
    for upstream in place.upstreams {
        command.arg("--to").arg(upstream.to_string());
    }
    command.args(how);
    Ok(command)
}
