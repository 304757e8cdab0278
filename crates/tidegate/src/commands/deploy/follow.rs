//! Following a deploy: a live line on a terminal, its events as plain lines elsewhere. Goes on over restarts of the
//! server.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tidegate_api::{Client, ClientError};
use tidegate_control::{EventQuery, LogQuery, Scope};
use tidegate_core::model::InstanceId;
use tidegate_core::view::{DeployView, TimelineEvent};

use crate::failure::Failure;
use crate::patience::patiently;
use crate::print;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Lines of output told at a time.
const PAGE: usize = 1_000;

/// Waits until nothing more follows; tells what happens on standard error.
pub async fn until_over(client: &Client, begun: DeployView, seen: u64) -> Result<DeployView, Failure> {
    let live = std::io::stderr().is_terminal();
    let mut progress = Progress { view: begun, seen, live, output: None };
    let id = progress.view.id;
    let watched = tokio::select! {
        watched = progress.watch(client) => watched,
        _ = tokio::signal::ctrl_c() => Err(left_alone(id)),
    };
    progress.clear();
    watched.map(|()| progress.view)
}

fn left_alone(id: u64) -> Failure {
    let message = format!("no longer following; deploy {id} goes on");
    Failure::mistake(
        message,
        "look with `tidegate status`, or take it back with `tidegate rollout abort SERVICE`",
    )
}

struct Progress {
    view: DeployView,
    seen: u64,
    live: bool,
    /// The build or migration whose output is being told, and where it goes on.
    output: Option<(String, Option<String>)>,
}

impl Progress {
    async fn watch(&mut self, client: &Client) -> Result<(), Failure> {
        loop {
            let id = self.view.id;
            self.view = patiently(|| client.deploy_view(id)).await?;
            // After the view: what led to its last state is told before the outcome.
            self.tell_output(client).await?;
            self.tell_events(client).await?;
            if self.view.over {
                return Ok(());
            }
            self.draw();
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn tell_events(&mut self, client: &Client) -> Result<(), Failure> {
        let events = patiently(|| self.read_events(client)).await?;
        for event in &events {
            self.seen = self.seen.max(event.seq);
            self.clear();
            print::to_stderr(&format!("{}\n", print::event_line(event)));
        }
        Ok(())
    }

    /// What the build or the migration writes, as it comes; what is left of it once it is over.
    async fn tell_output(&mut self, client: &Client) -> Result<(), Failure> {
        if let Some(job) = &self.view.job
            && self.output.as_ref().is_none_or(|(told, _)| told != job)
        {
            self.output = Some((job.clone(), None));
        }
        let Some((job, cursor)) = self.output.take() else { return Ok(()) };
        let query =
            LogQuery { unit: Some(InstanceId(job.clone())), cursor, most: PAGE, ..LogQuery::default() };
        let page = patiently(|| async { client.logs(query.clone(), false).await?.next().await }).await?;
        let Some(page) = page else { return Ok(()) };
        let lines: Vec<String> = page.lines.into_iter().map(|line| line.line).collect();
        if !lines.is_empty() {
            self.clear();
            print::to_stderr(&print::attributed(&job, &lines));
        }
        let over = self.view.job.as_ref() != Some(&job);
        self.output = (!over || lines.len() == PAGE).then_some((job, Some(page.cursor)));
        Ok(())
    }

    async fn read_events(&self, client: &Client) -> Result<Vec<TimelineEvent>, ClientError> {
        let name = |text: &str| text.parse().ok();
        let scope = Scope { app: name(&self.view.app), environment: name(&self.view.environment) };
        let query = EventQuery { after: self.seen, scope, ..EventQuery::default() };
        client.events(query, false).await?.all().await
    }

    /// One line that is drawn over again.
    fn draw(&self) {
        if self.live {
            let services =
                self.view.services.iter().map(|service| format!("{} {}", service.name, service.phase));
            let state = [self.view.phase.clone()].into_iter().chain(services).collect::<Vec<_>>().join(", ");
            let line: String = format!("{:.0} s: {state}", self.view.seconds).chars().take(78).collect();
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        }
    }

    fn clear(&self) {
        if self.live {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
