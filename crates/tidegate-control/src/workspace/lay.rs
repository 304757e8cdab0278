//! Laying a workspace out: the files, then what is cached, then what earlier stages left.

use std::io;
use std::path::PathBuf;

use tidegate_core::model::{BuildId, InstanceId};

use super::Places;
use super::paths::{cache_key, within};
use super::tree::{Budget, copy_over};
use crate::seams::Layout;
use crate::workshop::{DirWorkshop, remove_tree};

/// Lays one out anew.
pub(super) fn lay(places: &Places, unit: &InstanceId, order: &Layout) -> io::Result<()> {
    let to = places.workspace(unit);
    remove_tree(&to)?;
    let mut budget = Budget::of_workspace();
    copy_over(&source(places, order), &to, &mut budget)?;
    for folder in &order.cache {
        let kept = places.caches(&order.app).join(cache_key(folder));
        if kept.is_dir() {
            copy_over(&kept, &within(&to, folder)?, &mut budget)?;
        }
    }
    for run in &order.artifacts_of {
        let left = places.artifacts(*run);
        if left.is_dir() {
            copy_over(&left, &to, &mut budget)?;
        }
    }
    Ok(())
}

fn source(places: &Places, order: &Layout) -> PathBuf {
    match &order.build {
        Some(BuildId(id)) => places.data.join("builds").join(id.get(..32).unwrap_or(id)),
        None => DirWorkshop::snapshot_dir(&places.data, &order.snapshot),
    }
}
