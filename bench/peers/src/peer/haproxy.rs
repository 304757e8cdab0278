//! HAProxy: one thread, shared upstream connections, splice where it thinks it pays.

use std::process::Command;

use super::{Place, SetupError};

pub(super) fn set_up(place: &Place) -> Result<Command, SetupError> {
    let mut command = Command::new(place.program("haproxy")?);
    let config = place.write("haproxy.cfg", include_str!("../../config/haproxy.cfg"))?;
    command.arg("-db").arg("-f").arg(config);
    Ok(command)
}
