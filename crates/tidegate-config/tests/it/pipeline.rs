//! What pipelines become: the default one, and one that says everything.

use std::fs;
use std::path::Path;

use tidegate_config::{Manifest, Source, load, load_procfile, render_plain};
use tidegate_core::model::{PipelineSpec, StageWork, StepSpec};

fn manifest(text: &str) -> Manifest {
    let source = Source::new("tidegate.yaml", text);
    let (manifest, diagnostics) = load(&source);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| render_plain(diagnostic, &source)).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    manifest.unwrap()
}

fn pipeline_of(text: &str) -> PipelineSpec {
    manifest(text).pipeline(&"production".parse().unwrap())
}

/// The stages with what each waits for.
fn shape(pipeline: &PipelineSpec) -> Vec<String> {
    let needs = |names: &[tidegate_core::model::Name]| {
        names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
    };
    pipeline.stages.iter().map(|stage| format!("{} <- {}", stage.name, needs(&stage.needs))).collect()
}

fn steps_of<'p>(pipeline: &'p PipelineSpec, stage: &str) -> &'p [StepSpec] {
    match &pipeline.stages.iter().find(|spec| spec.name.as_str() == stage).unwrap().work {
        StageWork::Steps(steps) | StageWork::Smoke(steps) => steps,
        other => panic!("{other:?}"),
    }
}

const APP: &str = "app: shop\nbuild: { run: make }\nservices: { web: { run: x } }\n";

#[test]
fn the_default_is_build_test_and_deploy_as_far_as_the_app_has_them() {
    let all = pipeline_of(&format!("{APP}test: {{ run: npm test, within: 10m }}\n"));
    assert_eq!(shape(&all), ["build <- ", "test <- build", "deploy <- test"]);
    let test = &steps_of(&all, "test")[0];
    assert_eq!((test.name.as_str(), test.run.as_str(), test.timeout.0), ("test", "npm test", 600_000));
    assert_eq!(shape(&pipeline_of(APP)), ["build <- ", "deploy <- build"]);
    assert_eq!(shape(&pipeline_of("app: a\nservices: { web: { run: x } }\n")), ["deploy <- "]);
    let (procfile, _) = load_procfile(&Source::new("Procfile", "web: x\n"), "shop");
    assert_eq!(shape(&procfile.unwrap().pipeline(&"production".parse().unwrap())), ["deploy <- "]);
}

#[test]
fn everything_that_can_be_said_is_taken_over() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/good/pipeline.yaml");
    let manifest = manifest(&fs::read_to_string(file).unwrap());
    let pipeline = manifest.pipeline(&"staging".parse().unwrap());
    insta::assert_snapshot!("pipeline", serde_json::to_string_pretty(&pipeline).unwrap());
}

#[test]
fn smoke_tests_are_followed_by_verify_whatever_waits_for_them() {
    let smoke = "{ smoke: true, steps: [x] }";
    let stages = |rest: &str| {
        pipeline_of(&format!("{APP}pipeline: {{ stages: {{ build: build, deploy: deploy, {rest} }} }}\n"))
    };
    assert_eq!(
        shape(&stages(&format!("smoke: {smoke}, after: {{ steps: [y] }}"))),
        ["build <- ", "deploy <- build", "smoke <- deploy", "verify <- smoke", "after <- verify"]
    );
    let two = stages(&format!(
        "one: {smoke}, two: {{ smoke: true, steps: [x], needs: [deploy] }}, verify: {{ steps: [y], needs: [one] }}"
    ));
    assert_eq!(
        shape(&two)[2..],
        ["one <- deploy", "two <- deploy", "verify-rollout <- one,two", "verify <- one,verify-rollout"]
    );
    let own = stages(&format!("smoke: {smoke}, check: verify"));
    assert_eq!(shape(&own)[2..], ["smoke <- deploy", "check <- smoke"]);
}

#[test]
fn a_matrix_is_written_out_in_every_combination() {
    let text = format!(
        "{APP}pipeline: {{ stages: {{ t: {{ steps: [{{ name: unit, run: x, matrix: {{ B: [1, 2], A: [x, x, y] }} }}, make, make] }} }} }}\n"
    );
    let pipeline = pipeline_of(&text);
    let steps = steps_of(&pipeline, "t");
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        ["unit (A x, B 1)", "unit (A x, B 2)", "unit (A y, B 1)", "unit (A y, B 2)", "make", "make (2)"]
    );
    assert_eq!((steps[3].env["A"].as_str(), steps[3].env["B"].as_str()), ("y", "2"));
    assert!(steps[4].env.is_empty());
}

#[test]
fn limits_hold() {
    let codes = |text: String| {
        let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
        assert!(manifest.is_none());
        diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>()
    };
    let many: String = (0..51).map(|n| format!("s{n}: {{ steps: [x] }}, ")).collect();
    assert_eq!(codes(format!("{APP}pipeline: {{ stages: {{ {many} }} }}\n")), ["manifest::too-many"]);
    let steps = "x, ".repeat(101);
    assert_eq!(
        codes(format!("{APP}pipeline: {{ stages: {{ s: {{ steps: [{steps}] }} }} }}\n")),
        ["manifest::pipeline-step"]
    );
}
