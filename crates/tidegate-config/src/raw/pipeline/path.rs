//! Paths within a workspace: folders that are kept, patterns of files that are collected.

use tidegate_core::pipeline::Pattern;

use super::super::text::Rule;
use crate::codes::{self, Code};

/// A folder within the workspace.
#[derive(Clone, Debug)]
pub(crate) struct FolderPath(pub(crate) String);

/// Files and folders within the workspace.
#[derive(Clone, Debug)]
pub(crate) struct PathPattern(pub(crate) String);

impl Rule for FolderPath {
    const WHAT: &'static str = "a folder of the workspace";
    const CODE: Code = codes::WORKSPACE_PATH;
    const PATTERN: &'static str = "^[^/~*?\\\\][^*?\\\\]{0,199}$";

    fn parse(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?']) {
            return Err("name one folder, without `*` and `?`: `node_modules`".to_owned());
        }
        PathPattern::parse(text).map(|PathPattern(path)| FolderPath(path))
    }
}

impl Rule for PathPattern {
    const WHAT: &'static str = "a path of the workspace";
    const CODE: Code = codes::WORKSPACE_PATH;
    const PATTERN: &'static str = "^[^/~\\\\][^\\\\]{0,199}$";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("./").unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        let pattern = Pattern::of_path(text).map_err(|error| error.to_string())?;
        let hidden = text.split('/').next().is_some_and(|first| matches!(first, ".git" | ".tidegate"));
        if hidden {
            return Err("`.git` and `.tidegate` are not part of a workspace".to_owned());
        }
        Ok(PathPattern(pattern.as_str().to_owned()))
    }
}
