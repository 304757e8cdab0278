//! The apps' Git repositories of a data directory: for the control loop, which moves their branches, and for whoever serves them.

use std::io;
use std::path::Path;

use tidegate_api::GitConfig;
use tidegate_control::git::GitRepositories;

/// The repositories, cleared of what was left over. Nothing may be served yet.
pub fn repositories(data: &Path) -> io::Result<GitRepositories> {
    let repositories = GitRepositories::of(data);
    repositories.prepare()?;
    tidegate_control::source::prepare(data)?;
    Ok(repositories)
}

/// What serving them takes.
pub fn served(data: &Path) -> io::Result<GitConfig> {
    let repositories = GitRepositories::of(data);
    let key = repositories.access()?;
    Ok(GitConfig { repositories, key, data: data.to_owned() })
}
