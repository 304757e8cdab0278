//! Jobs: their defaults, and that no service has their name.

use std::collections::BTreeMap;

use tidegate_core::model::{JobSpec, Name};

use super::layer::{Layer, LayerJob};
use super::missing;
use super::service::compile_limits;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;

/// The jobs of a layer, with the variables of their own.
pub(super) fn compile(layer: &Layer<'_>, findings: &mut Findings<'_>) -> BTreeMap<Name, JobSpec> {
    let mut jobs = BTreeMap::new();
    for job in &layer.jobs {
        if let Some(service) = layer.declared.find(&job.name) {
            findings.push(same_name(job, service.key));
        }
        if let Some(spec) = compile_one(job, findings) {
            jobs.insert(job.name.clone(), spec);
        }
    }
    jobs
}

fn same_name(job: &LayerJob, service: crate::span::Span) -> Diagnostic {
    let message = format!("there is a job and a service called `{}`", job.name);
    Diagnostic::error(codes::JOB_NAME, message)
        .at(job.key, "the job")
        .at(service, "the service")
        .help("give one of them another name: output and events are found by it")
}

fn compile_one(job: &LayerJob, findings: &mut Findings<'_>) -> Option<JobSpec> {
    let (raw, what) = (&job.raw, format!("the job `{}`", job.name));
    if raw.run.is_absent() {
        findings.push(missing(&what, "run", job.key).help("write the command: `run: npm run report`"));
    }
    if raw.schedule.is_absent() {
        let help = "write when: `schedule: \"30 6 * * *\"`, or `schedule: \"@hourly\"`";
        findings.push(missing(&what, "schedule", job.key).help(help));
    }
    let timezone = raw.timezone.value().map_or(JobSpec::TIMEZONE, |zone| zone.0.as_str());
    Some(JobSpec {
        run: raw.run.value()?.0.clone(),
        schedule: raw.schedule.value()?.0.clone(),
        timezone: timezone.to_owned(),
        overlap: raw.overlap.value().map(|word| word.0).unwrap_or_default(),
        timeout: raw.timeout.value().map_or(JobSpec::TIMEOUT, |span| span.0),
        retries: raw.retries.value().map_or(0, |count| count.0),
        history: raw.history.value().map_or(JobSpec::HISTORY, |count| count.0),
        catch_up: raw.catch_up.value().map_or(JobSpec::CATCH_UP, |span| span.0),
        limits: compile_limits(raw.limits.value()),
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
    })
}
