//! nginx: one worker process.

use std::process::Command;

use super::{Place, SetupError};

pub(super) fn set_up(place: &Place) -> Result<Command, SetupError> {
    let mut command = Command::new(place.program("nginx")?);
    let config = place.write("nginx.conf", include_str!("../../config/nginx.conf"))?;
    command.arg("-e").arg("stderr").arg("-p").arg(&place.dir).arg("-c").arg(config);
    Ok(command)
}
