//! The pipeline: its stages with every default filled in, or the one that an app has without saying so.

mod order;
mod stage;
mod step;

pub(super) use stage::unknown_environment;

use tidegate_core::model::{Name, PipelineSpec, RunFilter, StageSpec, StageWork, StepSpec};
use tidegate_core::time::Millis;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{NamedEntry, RawEnvironment, RawManifest, RawPipeline, RawTest};
use crate::span::{Span, Spanned};

/// How long steps may take where nothing is said, and a stage of them.
const STEP: Millis = Millis::seconds(30 * 60);
const STAGE: Millis = Millis::seconds(6 * 3_600);
/// Rollouts may hold for days.
const ROLLOUT: Millis = Millis::seconds(30 * 86_400);
const MOST_STAGES: usize = 50;

/// What of the rest of the manifest stages may name.
struct Around<'r> {
    builds: bool,
    tests: bool,
    test: Option<StepSpec>,
    environments: &'r [NamedEntry<RawEnvironment>],
}

/// The pipeline as written, or the default.
pub(super) fn compile(raw: &RawManifest, findings: &mut Findings<'_>) -> PipelineSpec {
    let test = raw.test.get().and_then(|test| compile_test(test, findings));
    let environments = raw.environments.value().map_or(&[][..], |named| &named.0);
    let around = Around { builds: !raw.build.is_absent(), tests: !raw.test.is_absent(), test, environments };
    match raw.pipeline.get() {
        Some(pipeline) => written(pipeline, &around, findings),
        None => by_default(around),
    }
}

fn compile_test(test: &Spanned<RawTest>, findings: &mut Findings<'_>) -> Option<StepSpec> {
    if test.value.run.is_absent() {
        let help = "write the command, `test: { run: npm test }`, or remove `test`";
        findings.push(super::missing("`test`", "run", test.key).help(help));
    }
    let run = &test.value.run.value()?.0;
    let timeout = test.value.within.value().map_or(STEP, |within| within.0);
    Some(StepSpec { timeout, ..step::plain("test".to_owned(), run) })
}

/// Build, test, deploy: as far as the app has them.
fn by_default(around: Around<'_>) -> PipelineSpec {
    let build = around.builds.then_some(("build", StageWork::Build, STAGE));
    let test = around.test.map(|test| ("test", StageWork::Steps(vec![test]), STAGE));
    let deploy = Some(("deploy", StageWork::Deploy, ROLLOUT));
    let mut stages: Vec<StageSpec> = Vec::new();
    for (name, work, timeout) in [build, test, deploy].into_iter().flatten() {
        let needs = stages.last().map(|stage| stage.name.clone()).into_iter().collect();
        let (name, when) = (well_known(name), RunFilter::default());
        stages.push(StageSpec { name, work, needs, when, parallel: false, timeout });
    }
    PipelineSpec { stages }
}

fn written(
    pipeline: &Spanned<RawPipeline>,
    around: &Around<'_>,
    findings: &mut Findings<'_>,
) -> PipelineSpec {
    let Some(stages) = pipeline.value.stages.value() else {
        if pipeline.value.stages.is_absent() {
            no_stages(pipeline.key, findings);
        }
        return PipelineSpec::default();
    };
    match stages.0.len() {
        0 => no_stages(pipeline.key, findings),
        many if many > MOST_STAGES => {
            let message = format!("the pipeline has {many} stages, and at most {MOST_STAGES} are allowed");
            findings.push(Diagnostic::error(codes::TOO_MANY, message).at(pipeline.key, ""));
        }
        _ => {}
    }
    let drafts: Vec<_> = stages.0.iter().filter_map(|entry| stage::draft(entry, around, findings)).collect();
    // What could not be read is missing from the others' view: only the whole is looked at as a whole.
    if drafts.len() < stages.0.len() {
        return PipelineSpec::default();
    }
    PipelineSpec { stages: order::arrange(drafts, around.builds, findings) }
}

fn no_stages(at: Span, findings: &mut Findings<'_>) {
    let help = "write the stages in their order, `stages: { build: build, test: test, deploy: deploy }`, or remove `pipeline`";
    findings.push(super::missing("`pipeline`", "stages", at).help(help));
}

/// A name that is written here.
fn well_known(name: &str) -> Name {
    name.parse().expect("the words of stages have the shape of a name")
}
