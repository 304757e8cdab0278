//! Variables that are set at run time: by the same rules as those of a manifest.

use crate::raw::{NameFault, check_env_name, check_env_value};

/// What is wrong with a variable that somebody sets, in words that do not quote its value; `None`: nothing.
pub fn variable_fault(name: &str, value: &str) -> Option<String> {
    let quoted = crate::quote::quote(name);
    match check_env_name(name) {
        Err(NameFault::Shape) => Some(format!(
            "{quoted} cannot be the name of a variable: letters, digits and `_`, not beginning with a digit"
        )),
        Err(NameFault::Reserved) => Some(format!("{quoted} is set by Tidegate itself")),
        Ok(()) if !check_env_value(value) => {
            Some(format!("the value of {quoted} is too long or has a NUL in it"))
        }
        Ok(()) => None,
    }
}
