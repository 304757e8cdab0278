//! Workspaces on this machine: a folder for each process of a step, laid out anew for each attempt.
//!
//! ```text
//! <data>/workspaces/<unit>/        a copy of the build or of the commit's files, its caches, what earlier stages left
//! <data>/artifacts/<run>/          what later stages get
//! <data>/step-cache/<app>/<key>/   folders that are kept from run to run
//! <data>/secrets/<app>.env         what steps get where they name it; ours alone to read
//! ```
//! Laying out and taking in run on threads of their own and can be begun again: they start by clearing away what an earlier try left.

mod gather;
mod lay;
mod paths;
pub(crate) mod secrets;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::model::{InstanceId, Name, RunNo};
use tidegate_core::pipeline::WorkspaceSight;

use crate::seams::{Gathering, Layout, Workspaces};
use crate::workshop::{Waker, remove_tree};

/// The workspaces in a data directory.
pub struct DirWorkspaces {
    places: Places,
    sights: Arc<Mutex<BTreeMap<InstanceId, WorkspaceSight>>>,
    waker: Waker,
}

/// Where everything is.
#[derive(Clone, Debug)]
struct Places {
    data: PathBuf,
}

impl Places {
    fn workspace(&self, unit: &InstanceId) -> PathBuf {
        self.data.join("workspaces").join(&unit.0)
    }

    fn artifacts(&self, run: RunNo) -> PathBuf {
        self.data.join("artifacts").join(run.to_string())
    }

    fn caches(&self, app: &Name) -> PathBuf {
        self.data.join("step-cache").join(app.as_str())
    }
}

impl DirWorkspaces {
    /// Those under `data`.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn new(data: &Path, waker: Waker) -> io::Result<Self> {
        // A step finds its own by its whole path; nobody lists them.
        for (part, mode) in
            [("workspaces", 0o711), ("artifacts", 0o700), ("step-cache", 0o700), ("secrets", 0o700)]
        {
            fs::create_dir_all(data.join(part))?;
            fs::set_permissions(data.join(part), Permissions::from_mode(mode))?;
        }
        Ok(DirWorkspaces { places: Places { data: data.to_owned() }, sights: Arc::default(), waker })
    }

    fn begin(
        &mut self,
        unit: &InstanceId,
        work: impl FnOnce(&Places) -> Result<WorkspaceSight, String> + Send + 'static,
    ) {
        if lock(&self.sights).insert(unit.clone(), WorkspaceSight::Busy) == Some(WorkspaceSight::Busy) {
            return;
        }
        let (places, sights, waker, id) =
            (self.places.clone(), self.sights.clone(), self.waker.clone(), unit.clone());
        let spawned = std::thread::Builder::new().name("workspace".to_owned()).spawn(move || {
            let sight = work(&places).unwrap_or_else(WorkspaceSight::Failed);
            lock(&sights).insert(id, sight);
            waker();
        });
        if let Err(error) = spawned {
            let why = format!("cannot start a thread: {error}");
            lock(&self.sights).insert(unit.clone(), WorkspaceSight::Failed(why));
        }
    }
}

impl Workspaces for DirWorkspaces {
    fn lay(&mut self, unit: &InstanceId, order: Layout) {
        let id = unit.clone();
        self.begin(unit, move |places| {
            lay::lay(places, &id, &order)
                .map(|()| WorkspaceSight::Ready)
                .map_err(|error| format!("its files could not be laid out: {error}"))
        });
    }

    fn gather(&mut self, unit: &InstanceId, order: Gathering) {
        let id = unit.clone();
        self.begin(unit, move |places| {
            gather::gather(places, &id, &order)
                .map(|tests| WorkspaceSight::Gathered { tests })
                .map_err(|error| format!("what it left could not be taken in: {error}"))
        });
    }

    fn sight(&mut self, unit: &InstanceId) -> Option<WorkspaceSight> {
        lock(&self.sights).get(unit).cloned()
    }

    fn secrets(&self, app: &Name, names: &[String]) -> Result<BTreeMap<String, String>, String> {
        secrets::named(&self.places.data.join("secrets"), app, names)
    }

    fn dir(&self, unit: &InstanceId) -> PathBuf {
        self.places.workspace(unit)
    }

    fn clear(&mut self, unit: &InstanceId) {
        lock(&self.sights).remove(unit);
        remove_later(vec![self.places.workspace(unit)]);
    }

    fn keep(&mut self, units: &BTreeSet<InstanceId>, runs: &BTreeSet<RunNo>) {
        let known = |name: &str| units.contains(&InstanceId(name.to_owned()));
        let of_a_run = |name: &str| name.parse().is_ok_and(|number| runs.contains(&RunNo(number)));
        let mut old = others(&self.places.data.join("workspaces"), known);
        old.extend(others(&self.places.data.join("artifacts"), of_a_run));
        lock(&self.sights).retain(|unit, _| units.contains(unit));
        if !old.is_empty() {
            remove_later(old);
        }
    }
}

fn others(dir: &Path, known: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(items) = fs::read_dir(dir) else { return Vec::new() };
    let old = items.flatten().filter(|item| !item.file_name().to_str().is_some_and(&known));
    old.map(|item| item.path()).collect()
}

/// In the background: nobody waits for it, and what is left is found again.
fn remove_later(trees: Vec<PathBuf>) {
    let remove = move || {
        for tree in trees {
            if let Err(error) = remove_tree(&tree) {
                tracing::warn!(tree = %tree.display(), %error, "could not be removed");
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("workspace".to_owned()).spawn(remove) {
        tracing::warn!(%error, "a workspace could not be removed");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
