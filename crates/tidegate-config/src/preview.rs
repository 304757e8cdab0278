//! What a manifest says of an environment that is made for a branch: that of its base, under a name and with hosts of its own.
//!
//! Asked by whoever begins a run of a commit of such a branch.

use std::collections::BTreeMap;

use tidegate_core::model::{Name, PipelineSpec, RouteSpec};
use tidegate_core::preview::{environment_of, host_of, slug};

use crate::diagnostic::Diagnostic;
use crate::manifest::{Manifest, Resolved};

/// An environment made for a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewOf {
    /// The environment of the manifest that it is made from.
    pub base: Name,
    /// Its own name.
    pub environment: Name,
    /// What stands for the branch in it and in its hosts.
    pub slug: String,
}

impl Manifest {
    /// The environment that `base` makes for a branch; `None` where it makes none. `digest`: the branch's, in hex.
    pub fn preview(&self, base: &Name, branch: &str, digest: &str) -> Option<PreviewOf> {
        let policy = self.policy(base);
        policy.preview.as_ref()?;
        let slug = slug(&policy.branches, branch, digest);
        Some(PreviewOf { base: base.clone(), environment: environment_of(base, &slug)?, slug })
    }

    /// What the manifest says of it.
    ///
    /// # Errors
    /// Those of [`Manifest::resolve`].
    pub fn resolve_preview(&self, of: &PreviewOf) -> Result<Resolved, Vec<Diagnostic>> {
        let resolved = self.resolve(&of.base, &BTreeMap::new())?;
        let own = |route: RouteSpec| RouteSpec { host: host_of(&route.host, &of.slug), ..route };
        let routes = resolved.routes.into_iter().map(own).collect();
        Ok(Resolved { environment: of.environment.clone(), routes, ..resolved })
    }

    /// The pipeline of a run into it: what is for its base is for it.
    pub fn preview_pipeline(&self, of: &PreviewOf) -> PipelineSpec {
        let mut pipeline = self.pipeline(&of.base);
        for stage in &mut pipeline.stages {
            for environment in stage.when.environments.iter_mut().filter(|name| **name == of.base) {
                *environment = of.environment.clone();
            }
        }
        pipeline
    }
}
