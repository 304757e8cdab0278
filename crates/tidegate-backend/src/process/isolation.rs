//! From a unit's isolation as written in its spec to a confinement the operating system understands.

use std::fs;
use std::io;
use std::path::Path;

use tidegate_os::process::{Bind, MountPlan, User};

use super::ownership;
use super::spec::Isolation;

impl Isolation {
    /// Whom it becomes.
    pub(super) fn user(&self) -> Option<User> {
        self.user.map(|(uid, gid)| User { uid, gid })
    }

    /// Gives the writable directories to the user. Before the first start only.
    pub(super) fn prepare(&self) -> io::Result<()> {
        self.writable.iter().chain(&self.kept).try_for_each(fs::create_dir_all)?;
        let Some(user) = self.user() else { return Ok(()) };
        for dir in &self.writable {
            let dir = fs::canonicalize(dir)?;
            ownership::give(&dir, user)?;
            ownership::keep_private(&dir)?;
        }
        for dir in &self.kept {
            ownership::give_top(dir, user)?;
            ownership::keep_private(dir)?;
        }
        self.closed.iter().try_for_each(|dir| ownership::close_to(dir, user))
    }

    /// What is to be mounted for it.
    pub(super) fn mounts(&self) -> io::Result<Option<MountPlan>> {
        let Some(user) = self.user().filter(|_| self.mounts) else { return Ok(None) };
        let bind = |path: &Path, read_only| Ok(Bind { path: fs::canonicalize(path)?, read_only });
        let binds = self
            .readable
            .iter()
            .map(|path| bind(path, true))
            .chain(self.writable.iter().chain(&self.kept).map(|path| bind(path, false)))
            .collect::<io::Result<Vec<Bind>>>()?;
        let plan = MountPlan::new(user, binds)?;
        Ok(Some(plan.with_users(self.users.clone()).with_tmp(self.tmp.clone()).alone(self.alone)))
    }
}
