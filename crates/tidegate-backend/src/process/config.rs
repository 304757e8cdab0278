//! What the control plane decides about the process backend when it opens it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_core::model::UserRange;
use tidegate_os::process::{User, are_mapped, is_root};

/// Called whenever an observation has changed, from a thread of the backend. It must not block.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Where units live and whom they run as.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// A directory per running unit: `<data>/units`. Made where it is missing.
    pub root: PathBuf,
    /// A directory per unit for its output, which outlives it: `<data>/logs`. Made where it is missing.
    pub logs: PathBuf,
    /// A directory per app that its build commands keep as `$HOME` from one build to the next: `<data>/cache`.
    pub cache: PathBuf,
    /// The program and leading arguments that end up in [`super::shim_main`]; `--dir DIR` is added.
    pub shim_command: Vec<OsString>,
    /// Whom units run as.
    pub run_as: RunAs,
    /// What users of apps are taken from, where each app can be somebody of its own; `None`: all are one.
    pub app_users: Option<UserRange>,
    /// Whether units may ask a cloud's metadata service, which gives whoever asks the machine's own credentials.
    pub metadata: bool,
}

impl ProcessConfig {
    /// What users of apps are taken from, where they can be had: in a container there may be no such numbers.
    pub(super) fn users_of_apps(&self, all: Option<User>) -> Option<UserRange> {
        let there = |range: &UserRange| are_mapped(range.ends().0..=range.ends().1);
        self.app_users.filter(|_| all == Some(NOBODY)).filter(there)
    }
}

/// Whom units run as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunAs {
    /// An unprivileged user where we are root (65534, `nobody`), ourselves where we are not.
    #[default]
    Unprivileged,
    /// This user; only root can.
    User(User),
    /// As we do.
    Ourselves,
}

/// Steps of pipelines run as somebody else than instances, whom they could otherwise end or read: an id next to `nobody` that no
/// distribution gives out.
pub(super) const STEPS: User = User { uid: 65_533, gid: 65_533 };

/// `nobody` and `nogroup` on every Linux distribution we know.
pub(super) const NOBODY: User = User { uid: 65_534, gid: 65_534 };

impl RunAs {
    /// The user to become; `None`: stay as we are.
    pub(super) fn user(self) -> Option<User> {
        match self {
            RunAs::Unprivileged => is_root().then_some(NOBODY),
            RunAs::User(user) => Some(user),
            RunAs::Ourselves => None,
        }
    }
}
