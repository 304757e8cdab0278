//! `tidegate schema`: the JSON Schema of `tidegate.yaml`, for editors.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;

/// Prints it.
pub fn run() -> Result<Exit, Failure> {
    Out::new().json_pretty(&tidegate_config::schema())
}
