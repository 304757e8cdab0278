//! Services that are folders of files. An instance of one is no process: it is ready as soon as it is wanted and ended as
//! soon as it is told to stop, so that strategies, bake times and rollbacks work on it as on any other.
//!
//! Nothing is remembered here: what is seen of such an instance follows from what is wanted of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use tidegate_core::model::{
    Exit, Health, Instance, Intent, RevisionNo, RevisionSpec, ServiceSpec, Site, SiteSpec, UnitObservation,
    UnitState,
};
use tidegate_core::rollout::observe::Seeing;

use crate::seams::Workshop;

/// What is seen, with the instances of the service that are folders.
pub(super) fn seen_with<'s>(
    seeing: &'s Seeing,
    instances: &mut [Instance],
    specs: &BTreeMap<RevisionNo, ServiceSpec>,
) -> Cow<'s, Seeing> {
    let mut all = Cow::Borrowed(seeing);
    for instance in instances {
        if specs.get(&instance.revision).is_some_and(|spec| spec.site.is_some()) {
            instance.files = true;
            all.to_mut().insert(instance.id.clone(), sight_of(instance));
        }
    }
    all
}

fn sight_of(instance: &Instance) -> UnitObservation {
    let state = match instance.intent {
        Intent::Run | Intent::Drain { .. } => UnitState::Running(Health { ready: true, live: true }),
        Intent::Stop { .. } => UnitState::Exited(Exit { code: Some(0), ..Exit::default() }),
    };
    UnitObservation {
        id: instance.id.clone(),
        generation: instance.generation,
        state,
        pid: None,
        port: None,
        last_probe: None,
        flooding: false,
    }
}

/// The folder of a service, as the gateway serves it.
pub(super) fn site_of(
    workshop: &dyn Workshop,
    revision: &RevisionSpec,
    service: &ServiceSpec,
) -> Option<Site> {
    Some(site_in(workshop.dir(&revision.build), service.site.as_ref()?))
}

/// The folder in this build.
pub fn site_in(build: PathBuf, site: &SiteSpec) -> Site {
    // Joined without its `.`, so that the path is the one the gateway compares with.
    let root = if site.root == "." { build } else { build.join(&site.root) };
    Site { root, spa: site.spa, not_found: site.not_found.clone(), others: Vec::new() }
}

/// Why the files of a revision cannot be served from its build.
pub(super) fn problem(workshop: &dyn Workshop, revision: &RevisionSpec) -> Option<String> {
    let sites = revision.services.iter().filter_map(|(name, spec)| Some((name, spec.site.as_ref()?)));
    for (name, site) in sites {
        if let Err(why) = workshop.check_folder(&revision.build, &site.root) {
            return Some(format!("`static` of {name}: {why}"));
        }
        let page = site.not_found.as_ref().map(|file| format!("{}/{file}", site.root));
        if let Some(Err(why)) = page.map(|page| workshop.check_file(&revision.build, &page)) {
            return Some(format!("`not_found` of {name}: {why}"));
        }
    }
    None
}
