//! Following a run until it is over: drawn anew on a terminal, a line for each change elsewhere. Goes on over restarts of the
//! server.

use std::io::IsTerminal;
use std::time::Duration;

use tidegate_api::Client;
use tidegate_core::model::RunState;
use tidegate_core::view::PipelineRunView;

use super::show;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience::patiently;
use crate::print::{self, Out};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How a command ends that waited for a run.
pub fn exit_of(view: &PipelineRunView) -> Exit {
    if view.state == RunState::Succeeded { Exit::DONE } else { Exit::MISTAKE }
}

/// Waits for a run; tells what changes on standard error.
pub async fn until_over(client: &Client, begun: PipelineRunView) -> Result<PipelineRunView, Failure> {
    let number = begun.run;
    let mut view = begun;
    let following = async {
        while !view.over {
            let now = next_change(client, &view).await?;
            print::to_stderr(&print::pipeline_news(&view, &now));
            view = now;
        }
        Ok(view)
    };
    tokio::select! {
        over = following => over,
        _ = tokio::signal::ctrl_c() => Err(Failure::mistake(
            format!("no longer following; run {number} goes on"),
            format!("look with `tidegate pipeline show {number}`, or end it with `tidegate pipeline cancel {number}`"),
        )),
    }
}

/// Shows a run, and again whenever it changes, until it is over.
pub async fn watch(client: &Client, first: PipelineRunView, json: bool) -> Result<Exit, Failure> {
    let live = !json && std::io::stdout().is_terminal();
    let mut view = first;
    shown(&view, live, json)?;
    while !view.over {
        let now = next_change(client, &view).await?;
        if live || json {
            shown(&now, live, json)?;
        } else {
            Out::new().text(&print::pipeline_news(&view, &now))?;
        }
        view = now;
    }
    Ok(exit_of(&view))
}

fn shown(view: &PipelineRunView, live: bool, json: bool) -> Result<Exit, Failure> {
    if live {
        Out::new().text("\x1b[2J\x1b[H")?;
    }
    show(view, json)
}

/// The run once something of it but its seconds is different.
async fn next_change(client: &Client, shown: &PipelineRunView) -> Result<PipelineRunView, Failure> {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = patiently(|| client.pipeline_run(shown.run)).await?;
        if timeless(&now) != timeless(shown) {
            return Ok(now);
        }
    }
}

fn timeless(view: &PipelineRunView) -> PipelineRunView {
    let mut view = PipelineRunView { seconds: 0.0, ..view.clone() };
    for stage in &mut view.stages {
        stage.seconds = None;
        stage.steps.iter_mut().for_each(|step| step.seconds = None);
    }
    view
}
