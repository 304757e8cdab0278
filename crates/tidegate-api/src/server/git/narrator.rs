//! A run in words, for whoever waits for it at a push: what is new since the last look.

use std::collections::BTreeMap;

use tidegate_core::model::{RunState, StageState};
use tidegate_core::view::{LogLine, PipelineRunView, StageView, StepView};

/// The most lines of output that are passed on; the rest is in the logs.
const MOST_LINES: usize = 5_000;
/// The most addresses that are told.
const MOST_URLS: usize = 5;

/// What has been told of a run.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    /// Where several runs are told of, before each line.
    prefix: String,
    told: BTreeMap<String, StageState>,
    lines: usize,
}

impl Narrator {
    /// `among`: whether other runs are told of as well.
    pub(super) fn new(run: &PipelineRunView, among: bool) -> Self {
        let prefix = if among { format!("{}: ", run.environment) } else { String::new() };
        Narrator { prefix, ..Narrator::default() }
    }

    /// The first lines.
    pub(super) fn begins(&self, run: &PipelineRunView) -> Vec<String> {
        let commit: String = run.commit.iter().flat_map(|commit| commit.chars().take(10)).collect();
        let subject = visible(&run.subject);
        let first = format!(
            "run {}: {} to {}, commit {commit} by {}: {subject}",
            run.run, run.app, run.environment, run.author
        );
        let notes = run.notes.iter().map(|note| format!("  {}", visible(note)));
        std::iter::once(first).chain(notes).map(|text| self.line(&text)).collect()
    }

    /// What is new: stages that begin, output, stages that end. Output is taken to be of the stages before the first that ends.
    pub(super) fn news(&mut self, run: &PipelineRunView, output: &[LogLine]) -> Vec<String> {
        let first_end = run.stages.iter().position(|stage| stage.state.is_over() && self.is_new(stage));
        let (before, after) = run.stages.split_at(first_end.unwrap_or(run.stages.len()));
        let mut lines = self.changes(before);
        lines.extend(self.output(run, output));
        lines.extend(self.changes(after));
        lines
    }

    /// The last lines.
    pub(super) fn ends(&self, run: &PipelineRunView) -> Vec<String> {
        let why = run.why.as_deref().map_or(String::new(), |why| format!(": {}", visible(why)));
        let took = format!("{:.1} s", run.seconds);
        let end = match run.state {
            RunState::Succeeded => format!("run {} succeeded in {took}", run.run),
            RunState::Failed => format!("run {} FAILED after {took}{why}", run.run),
            RunState::Queued | RunState::Running => format!("run {} goes on without you", run.run),
            RunState::Waiting => format!("run {} waits{why}", run.run),
            RunState::Cancelled | RunState::Superseded => {
                format!("run {} is {}{why}", run.run, run.state.as_str())
            }
        };
        let help = run.help.clone().or_else(|| match run.state {
            RunState::Queued | RunState::Running => Some(format!("tidegate pipeline show {}", run.run)),
            RunState::Failed => Some(format!("tidegate pipeline logs {}", run.run)),
            RunState::Succeeded | RunState::Waiting | RunState::Cancelled | RunState::Superseded => None,
        });
        let help = help.map(|help| format!("  help: {}", visible(&help)));
        let urls = run.urls.iter().filter(|_| run.state == RunState::Succeeded).take(MOST_URLS);
        let urls = urls.map(|url| format!("  {url}"));
        std::iter::once(end).chain(urls).chain(help).map(|text| self.line(&text)).collect()
    }

    fn is_new(&self, stage: &StageView) -> bool {
        stage.state != self.told.get(&stage.name).copied().unwrap_or(StageState::Pending)
    }

    /// Stages whose state is another one than was told.
    fn changes(&mut self, stages: &[StageView]) -> Vec<String> {
        let mut lines = Vec::new();
        for stage in stages.iter().filter(|stage| self.is_new(stage)).collect::<Vec<_>>() {
            self.told.insert(stage.name.clone(), stage.state);
            lines.extend(told(stage).into_iter().chain(summed_up(stage)).map(|text| self.line(&text)));
        }
        lines
    }

    fn output(&mut self, run: &PipelineRunView, output: &[LogLine]) -> Vec<String> {
        let left = MOST_LINES.saturating_sub(self.lines);
        self.lines += output.len();
        let shown = output.iter().take(left).map(|line| self.line(&format!("  | {}", visible(&line.line))));
        let mut lines: Vec<String> = shown.collect();
        if output.len() > left && left > 0 {
            lines.push(self.line(&format!("  … the rest is in `tidegate pipeline logs {}`", run.run)));
        }
        lines
    }

    fn line(&self, text: &str) -> String {
        format!("{}{text}", self.prefix)
    }
}

/// A stage's state in words; `None`: nothing to tell.
fn told(stage: &StageView) -> Option<String> {
    let name = &stage.name;
    let why = stage.why.as_deref().map_or(String::new(), |why| format!(": {}", visible(why)));
    let took = stage.seconds.map_or(String::new(), |seconds| format!(" {seconds:.1} s"));
    match stage.state {
        StageState::Pending | StageState::Cancelled => None,
        StageState::Running => Some(format!("{name} …")),
        StageState::Waiting => Some(format!("{name} waits{why}")),
        StageState::Succeeded => Some(format!("{name} succeeded in{took}")),
        StageState::Failed => Some(format!("{name} FAILED after{took}{why}")),
        StageState::Skipped => Some(format!("{name} left out{why}")),
    }
}

/// What tests said, and which steps failed.
fn summed_up(stage: &StageView) -> Vec<String> {
    if !stage.state.is_over() {
        return Vec::new();
    }
    stage.steps.iter().flat_map(step_said).collect()
}

fn step_said(step: &StepView) -> Vec<String> {
    let mut lines = Vec::new();
    if step.state == StageState::Failed {
        let exit = step.exit.as_deref().unwrap_or("failed");
        lines.push(format!("  {}: {}", visible(&step.name), visible(exit)));
    }
    if let Some(tests) = &step.tests {
        let counts = format!("{} tests, {} failed, {} left out", tests.tests, tests.failed, tests.skipped);
        lines.push(format!("  {}: {counts}", visible(&step.name)));
        lines.extend(
            tests.failures.iter().map(|(name, why)| format!("    {}: {}", visible(name), first_line(why))),
        );
        let unread = tests.unread.iter();
        lines.extend(unread.map(|(path, why)| {
            format!("    the report {} cannot be read: {}", visible(path), first_line(why))
        }));
    }
    lines
}

fn first_line(text: &str) -> String {
    visible(text.lines().next().unwrap_or_default())
}

/// Nothing that a terminal would take for an order.
fn visible(text: &str) -> String {
    text.chars().filter(|c| *c == '\t' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{RunNo, RunOrigin};

    fn run(state: RunState, stages: &[(&str, StageState)]) -> PipelineRunView {
        let stage = |(name, state): &(&str, StageState)| StageView {
            name: (*name).to_owned(),
            state: *state,
            seconds: Some(1.25),
            why: (*state == StageState::Failed).then(|| "it \u{1b}[31mbroke".to_owned()),
            steps: Vec::new(),
            deploy: None,
        };
        PipelineRunView {
            run: RunNo(7),
            app: "shop".to_owned(),
            environment: "staging".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            branch: Some("main".to_owned()),
            author: "Ann".to_owned(),
            subject: "Add a cart".to_owned(),
            by: "ann".to_owned(),
            origin: RunOrigin::Push,
            state,
            why: None,
            help: None,
            stages: stages.iter().map(stage).collect(),
            approvals_needed: 0,
            approvals: Vec::new(),
            from: None,
            next: None,
            build: String::new(),
            at: String::new(),
            seconds: 2.5,
            over: state.is_over(),
            urls: vec!["http://staging.localhost:8080/".to_owned()],
            notes: Vec::new(),
        }
    }

    fn line(text: &str) -> LogLine {
        LogLine { at_unix_ms: 0, instance: String::new(), stream: "out".to_owned(), line: text.to_owned() }
    }

    #[test]
    fn a_run_is_told_once_and_in_order() {
        use StageState::{Failed, Pending, Running, Succeeded};
        let first = run(RunState::Running, &[("build", Running), ("test", Pending)]);
        let mut narrator = Narrator::new(&first, false);
        assert_eq!(narrator.begins(&first), ["run 7: shop to staging, commit 0123456789 by Ann: Add a cart"]);
        assert_eq!(narrator.news(&first, &[line("compiling")]), ["build …", "  | compiling"]);
        assert!(narrator.news(&first, &[]).is_empty());
        let later = run(RunState::Running, &[("build", Succeeded), ("test", Running)]);
        assert_eq!(
            narrator.news(&later, &[line("done")]),
            ["  | done", "build succeeded in 1.2 s", "test …"]
        );
        let last = run(RunState::Failed, &[("build", Succeeded), ("test", Failed)]);
        assert_eq!(
            narrator.news(&last, &[line("1 failed")]),
            ["  | 1 failed", "test FAILED after 1.2 s: it [31mbroke"]
        );
        assert_eq!(narrator.ends(&last), ["run 7 FAILED after 2.5 s", "  help: tidegate pipeline logs 7"]);
    }

    #[test]
    fn where_it_serves_is_told_once_it_does() {
        let run =
            PipelineRunView { notes: vec!["an old one goes".to_owned()], ..run(RunState::Succeeded, &[]) };
        let narrator = Narrator::new(&run, false);
        assert_eq!(narrator.begins(&run)[1], "  an old one goes");
        assert_eq!(narrator.ends(&run), ["run 7 succeeded in 2.5 s", "  http://staging.localhost:8080/"]);
    }

    #[test]
    fn output_without_end_is_cut_once() {
        let run = run(RunState::Running, &[]);
        let mut narrator = Narrator::new(&run, true);
        let many = vec![line("x"); MOST_LINES + 1];
        let told = narrator.news(&run, &many);
        assert_eq!(told.len(), MOST_LINES + 1);
        assert_eq!(told.last().unwrap(), "staging:   … the rest is in `tidegate pipeline logs 7`");
        assert!(narrator.news(&run, &many).is_empty());
    }
}
