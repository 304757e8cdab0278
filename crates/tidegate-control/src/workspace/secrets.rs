//! The values of secrets that steps and notifications name: read when they are needed, kept nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tidegate_config::{Source, parse_env_file};
use tidegate_core::model::Name;

/// The values of these names; which one is missing, in words. No value is ever in an error.
pub(crate) fn named(dir: &Path, app: &Name, names: &[String]) -> Result<BTreeMap<String, String>, String> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let file = dir.join(format!("{app}.env"));
    let meta = fs::metadata(&file)
        .map_err(|_| format!("the secret `{}` is not set: {} has none", names[0], file.display()))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(format!("{} can be read by others: `chmod 600` it", file.display()));
    }
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let parsed = parse_env_file(&Source::new(file.display().to_string(), text));
    let mut all = parsed.map_err(|_| format!("{} has a line that is no NAME=value", file.display()))?;
    let named = names.iter().map(|name| {
        let value = all.remove(name);
        let missing = || format!("the secret `{name}` is not set: {} has no line of it", file.display());
        value.map(|value| (name.clone(), value)).ok_or_else(missing)
    });
    named.collect()
}
