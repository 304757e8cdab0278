//! `tidegate pipeline` as text.

use tidegate_core::model::{RunOrigin, StageState, TestCounts};
use tidegate_core::view::{PipelineList, PipelineRunView, StageView, StepView};

use super::table::{or_dash, table};
use super::text::{harmless, quoted};

/// A line for each run.
pub fn pipeline_runs(list: &PipelineList) -> String {
    if list.runs.is_empty() {
        return "there are no runs yet; `tidegate git url` says where to push to\n".to_owned();
    }
    let rows: Vec<_> = list.runs.iter().map(row).collect();
    table(
        ["RUN", "APP", "ENVIRONMENT", "COMMIT", "BRANCH", "FROM", "AUTHOR", "STATE", "SECONDS", "SUBJECT"],
        &rows,
    )
}

fn row(view: &PipelineRunView) -> [String; 10] {
    [
        view.run.to_string(),
        view.app.clone(),
        view.environment.clone(),
        or_dash(view.commit.as_deref().map(short)),
        or_dash(view.branch.as_deref().map(harmless)),
        came_by(view.origin).to_owned(),
        harmless(&view.author),
        view.state.as_str().to_owned(),
        format!("{:.1}", view.seconds),
        harmless(&view.subject),
    ]
}

fn came_by(origin: RunOrigin) -> &'static str {
    match origin {
        RunOrigin::Push => "push",
        RunOrigin::Webhook => "webhook",
        RunOrigin::Poll => "poll",
        RunOrigin::Promotion => "promotion",
        RunOrigin::Retry => "retry",
        RunOrigin::Upload => "upload",
    }
}

/// So much of a commit as people read out.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

/// A run with its stages and steps, why it stands where it does, and what to type next.
pub fn pipeline_run(view: &PipelineRunView) -> String {
    let rows: Vec<_> = view.stages.iter().flat_map(rows_of).collect();
    let failures = view.stages.iter().flat_map(|stage| &stage.steps).map(failed_tests).collect();
    let parts = [head(view), table(["STAGE", "STATE", "SECONDS", "WHY"], &rows), failures, foot(view)];
    parts.into_iter().filter(|part: &String| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(view: &PipelineRunView) -> String {
    let PipelineRunView { run, app, environment, build, .. } = view;
    let mut lines = vec![format!("run {run} of {app} to {environment}: {}", view.state.as_str())];
    let branch = view.branch.as_ref().map_or(String::new(), |branch| format!(" on {}", harmless(branch)));
    let commit = view.commit.as_deref().map_or("a folder".to_owned(), short);
    let (author, subject) = (harmless(&view.author), harmless(&view.subject));
    lines.push(format!("  commit     {commit}{branch} by {author}: {subject}"));
    lines.push(format!("  began      {} by {}, {}", view.at, harmless(&view.by), origin(view)));
    lines.push(format!("  build      {build}"));
    if view.approvals_needed > 0 {
        let agreed: Vec<_> = view.approvals.iter().map(|approval| harmless(&approval.by)).collect();
        let by = if agreed.is_empty() { String::new() } else { format!(": {}", agreed.join(", ")) };
        lines.push(format!("  approvals  {} of {}{by}", agreed.len(), view.approvals_needed));
    }
    lines.extend(view.urls.iter().map(|url| format!("  url        {url}")));
    lines.extend(view.notes.iter().map(|note| format!("  note       {}", harmless(note))));
    lines.extend(view.next.map(|next| format!("  next run   {next}")));
    lines.join("\n") + "\n"
}

fn origin(view: &PipelineRunView) -> String {
    let how = match view.origin {
        RunOrigin::Push => "by a push",
        RunOrigin::Webhook => "by a webhook",
        RunOrigin::Poll => "found by polling",
        RunOrigin::Promotion => "by promotion",
        RunOrigin::Retry => "once more",
        RunOrigin::Upload => "by an upload",
    };
    view.from.map_or(how.to_owned(), |from| format!("{how} of run {from}"))
}

fn rows_of(stage: &StageView) -> Vec<[String; 4]> {
    let deploy = stage.deploy.map(|deploy| format!("deploy {deploy}"));
    let why = stage.why.as_deref().map(harmless).or(deploy);
    let own = [stage.name.clone(), stage.state.as_str().to_owned(), seconds(stage.seconds), or_dash(why)];
    std::iter::once(own).chain(stage.steps.iter().map(step_row)).collect()
}

fn step_row(step: &StepView) -> [String; 4] {
    let attempts = (step.attempts > 1).then(|| format!("attempt {}", step.attempts));
    let parts: Vec<_> =
        [exit(step), step.tests.as_ref().map(tests), attempts].into_iter().flatten().collect();
    let said = (!parts.is_empty()).then(|| parts.join("; "));
    [format!("  {}", step.name), step.state.as_str().to_owned(), seconds(step.seconds), or_dash(said)]
}

/// How a step ended that should have ended otherwise.
pub(super) fn exit(step: &StepView) -> Option<String> {
    step.exit.clone().filter(|_| step.state != StageState::Succeeded)
}

/// `41 tests, 1 failed, 2 skipped`
pub(super) fn tests(counts: &TestCounts) -> String {
    let some = |count: u64, what: &str| if count > 0 { format!(", {count} {what}") } else { String::new() };
    format!("{} tests{}{}", counts.tests, some(counts.failed, "failed"), some(counts.skipped, "skipped"))
}

fn failed_tests(step: &StepView) -> String {
    let counts = || step.tests.iter();
    let told = |(what, why): &(String, String)| format!("{what}: {why}");
    let lines: Vec<String> = counts().flat_map(|counts| &counts.failures).map(told).collect();
    let unread: Vec<String> = counts().flat_map(|counts| &counts.unread).map(told).collect();
    quoted(&format!("tests of {} that failed:", step.name), &lines)
        + &quoted(&format!("reports of {} that cannot be read:", step.name), &unread)
}

fn foot(view: &PipelineRunView) -> String {
    let line = |word: &str, text: &Option<String>| {
        text.as_deref().map_or(String::new(), |text| format!("{word}: {}\n", harmless(text)))
    };
    line("why", &view.why) + &line("next", &view.help)
}

fn seconds(seconds: Option<f64>) -> String {
    or_dash(seconds.map(|seconds| format!("{seconds:.1}")))
}
