//! The manifest as one environment sees it: the app's keys with the environment's over them.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::Name;

use super::{resource, traffic};
use crate::raw::{
    Field, JobOverlay, ListOf, NameText, Named, RawEnv, RawEnvironment, RawJob, RawManifest, RawMigrate,
    RawRoute, RawService, Read as _, ServiceOverlay,
};
use crate::span::Span;

/// What an environment consists of, still as typed.
pub(super) struct Layer<'r> {
    /// Services that could be read, merged.
    pub(super) services: Vec<LayerService>,
    /// Every declared service, readable or not.
    pub(super) declared: &'r Named<RawService>,
    /// Services that get copies of another's requests.
    pub(super) copied_to: BTreeSet<Name>,
    /// Jobs that could be read, merged.
    pub(super) jobs: Vec<LayerJob>,
    pub(super) trains: &'r Field<Named<ListOf<NameText>>>,
    pub(super) routes: Field<ListOf<RawRoute>>,
    pub(super) migrate: Field<RawMigrate>,
    pub(super) env: Field<RawEnv>,
    /// What is known of backing services: variables under those of `env`.
    pub(super) resources: BTreeMap<String, String>,
    /// Whether it stands for environments that are made for branches.
    pub(super) is_preview: bool,
}

/// One service of it.
pub(super) struct LayerService {
    pub(super) name: Name,
    pub(super) key: Span,
    pub(super) raw: RawService,
}

/// One job of it.
pub(super) struct LayerJob {
    pub(super) name: Name,
    pub(super) key: Span,
    pub(super) raw: RawJob,
}

impl<'r> Layer<'r> {
    /// The app without an environment.
    pub(super) fn base(raw: &'r RawManifest, declared: &'r Named<RawService>) -> Self {
        Self::environment(raw, declared, &RawEnvironment::default())
    }

    /// The app in an environment.
    pub(super) fn environment(
        raw: &'r RawManifest,
        declared: &'r Named<RawService>,
        over: &RawEnvironment,
    ) -> Self {
        let over = &over.0;
        let services = services(declared, &over.services);
        Layer {
            copied_to: services.iter().filter_map(traffic::copied_to).cloned().collect(),
            services,
            jobs: raw.jobs.value().map(|declared| jobs(declared, &over.jobs)).unwrap_or_default(),
            declared,
            trains: &raw.trains,
            routes: raw.routes.overlaid(&over.routes),
            migrate: raw.migrate.overlaid(&over.migrate),
            env: raw.env.overlaid(&over.env),
            resources: resource::variables([&raw.resources, &over.resources]),
            is_preview: !over.preview.is_absent(),
        }
    }
}

fn jobs(declared: &Named<RawJob>, over: &Field<Named<JobOverlay>>) -> Vec<LayerJob> {
    let overlay = |name: &Name| over.value()?.find(name)?.value.value();
    let readable = declared.0.iter().filter_map(|entry| Some((entry, entry.value.value()?)));
    readable
        .map(|(entry, base)| {
            let raw = overlay(&entry.name).map_or_else(|| base.clone(), |over| base.overlaid(&over.0));
            LayerJob { name: entry.name.clone(), key: entry.key, raw }
        })
        .collect()
}

fn services(declared: &Named<RawService>, over: &Field<Named<ServiceOverlay>>) -> Vec<LayerService> {
    let overlay = |name: &Name| over.value()?.find(name)?.value.value();
    let mut merged = Vec::new();
    for entry in &declared.0 {
        let Some(base) = entry.value.value() else { continue };
        let raw = overlay(&entry.name).map_or_else(|| base.clone(), |over| base.overlaid(&over.0));
        merged.push(LayerService { name: entry.name.clone(), key: entry.key, raw });
    }
    merged
}
