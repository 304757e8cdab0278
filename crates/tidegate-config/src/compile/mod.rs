//! From typed keys to the validated model: overlays, defaults, and the checks that need several keys.
//!
//! The app is compiled once as it stands and once for every environment. The same mistake found several times is shown
//! once, because it stands in one place.

mod environment_policy;
mod fit;
mod flags;
mod job;
mod layer;
mod migrate;
mod notify;
mod pipeline;
mod plan;
mod policy;
mod probes;
mod resource;
mod routes;
mod scale;
mod service;
mod site;
mod strategy;
mod traffic;
mod train;

pub(crate) use flags::FlagPlan;
pub(crate) use plan::Plan;

use tidegate_core::model::Name;
use tidegate_core::time::Millis;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::manifest::Manifest;
use crate::nearest::did_you_mean;
use crate::quote::quote;
use crate::raw::{Field, Named, RawBuild, RawEnvironment, RawJob, RawManifest, RawService};
use crate::span::Span;
use layer::Layer;

const BUILD_WITHIN: Millis = Millis::seconds(30 * 60);

/// The model, where the manifest has no error.
pub(crate) fn compile(raw: &RawManifest, findings: &mut Findings<'_>) -> Option<Manifest> {
    let (build_run, build_within) = compile_build(raw.build.value(), findings);
    require(&raw.app, "the manifest", "app", "give the app a name: `app: shop`", findings);
    let services = services_of(raw, findings)?;
    let base = plan::compile(&Layer::base(raw, services), findings);
    let mut environments = std::collections::BTreeMap::new();
    for environment in raw.environments.value().map_or(&[][..], |named| &named.0) {
        let empty = RawEnvironment::default();
        let over = environment.value.value().unwrap_or(&empty);
        check_names(over, services, findings);
        check_job_names(over, raw.jobs.value(), findings);
        let mut plan = plan::compile(&Layer::environment(raw, services, over), findings);
        environment_policy::carry_evidence(&over.0, &mut plan);
        environments.insert(environment.name.clone(), plan);
    }
    let policies = environment_policy::compile(raw, findings);
    let pipeline = pipeline::compile(raw, findings);
    let flags = flags::compile(raw, findings);
    let app = raw.app.value().filter(|_| !findings.failed())?.0.clone();
    let file = findings.source().file.clone();
    Some(Manifest { file, app, build_run, build_within, base, environments, policies, pipeline, flags })
}

fn services_of<'r>(raw: &'r RawManifest, findings: &mut Findings<'_>) -> Option<&'r Named<RawService>> {
    let advice = "declare what to run: `services: { web: { run: node server.js } }`";
    require(&raw.services, "the manifest", "services", advice, findings);
    let services = raw.services.get()?;
    if services.value.0.is_empty() {
        findings.push(
            Diagnostic::error(codes::MISSING_KEY, "`services` declares no service")
                .at(services.key, "")
                .help(advice),
        );
    }
    Some(&services.value)
}

/// Reports a top-level key that is not there.
fn require<T>(field: &Field<T>, what: &str, key: &str, advice: &str, findings: &mut Findings<'_>) {
    if field.is_absent() {
        findings.push(missing(what, key, Span::default()).help(advice));
    }
}

/// The report that a required key is not there.
fn missing(what: &str, key: &str, at: Span) -> Diagnostic {
    Diagnostic::error(codes::MISSING_KEY, format!("{what} has no `{key}`"))
        .at(at, format!("`{key}` is missing"))
}

fn compile_build(build: Option<&RawBuild>, findings: &mut Findings<'_>) -> (Option<String>, Millis) {
    let Some(build) = build else { return (None, BUILD_WITHIN) };
    if let (true, Some(within)) = (build.run.is_absent(), build.within.get()) {
        findings.push(missing("`build`", "run", within.key).help("write the command, or remove `build`"));
    }
    let within = build.within.value().map_or(BUILD_WITHIN, |within| within.0);
    (build.run.value().map(|run| run.0.clone()), within)
}

/// An environment changes services, it adds none.
fn check_names(over: &RawEnvironment, services: &Named<RawService>, findings: &mut Findings<'_>) {
    for entry in over.0.services.value().map_or(&[][..], |named| &named.0) {
        if services.find(&entry.name).is_none() {
            findings.push(unknown_service(&entry.name, entry.key, services));
        }
    }
}

/// The same for jobs.
fn check_job_names(over: &RawEnvironment, jobs: Option<&Named<RawJob>>, findings: &mut Findings<'_>) {
    let known: Vec<&str> = jobs.iter().flat_map(|jobs| &jobs.0).map(|job| job.name.as_str()).collect();
    for entry in over.0.jobs.value().map_or(&[][..], |named| &named.0) {
        let name = entry.name.as_str();
        if known.contains(&name) {
            continue;
        }
        let meant = did_you_mean(name, known.iter().copied());
        let help = match known.len() {
            0 => "`jobs` declares none".to_owned(),
            _ => format!("`jobs` declares {}", crate::quote::list(known.iter().copied())),
        };
        findings.push(
            Diagnostic::error(codes::UNKNOWN_JOB, format!("there is no job {}{meant}", quote(name)))
                .at(entry.key, "unknown job")
                .help(help),
        );
    }
}

fn unknown_service(name: &Name, at: Span, services: &Named<RawService>) -> Diagnostic {
    let names = || services.0.iter().map(|entry| entry.name.as_str());
    let meant = did_you_mean(name.as_str(), names());
    let help = match services.0.len() {
        0 => "`services` declares none".to_owned(),
        _ => format!("`services` declares {}", crate::quote::list(names())),
    };
    Diagnostic::error(codes::UNKNOWN_SERVICE, format!("there is no service {}{meant}", quote(name.as_str())))
        .at(at, "unknown service")
        .help(help)
}
