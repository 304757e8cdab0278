//! Output of services, instances and jobs, page by page.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use tidegate_control::{LogPage, LogQuery};
use tidegate_core::access::Action;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::ask::ask;
use crate::server::endpoint::Endpoint;
use crate::server::extract::Params;
use crate::server::follow::{Follower, lines};
use crate::server::problem::Refused;
use crate::wire::LogParams;

/// The most lines of a page: lines are up to 64 KiB.
const MOST: usize = 2_000;
/// Between two looks for new output.
const LOOK_EVERY: Duration = Duration::from_millis(150);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/logs",
            "logs",
            "Output, one page a line; `follow=true` goes on with more pages",
            logs,
        )
        .needs(Action::ReadLogs, At::Logs)
        .query::<LogParams>()
        .gives_lines::<LogPage>(),
    ]
}

async fn logs(State(shared): State<Shared>, Params(params): Params<LogParams>) -> Result<Response, Refused> {
    let follow = params.follow;
    let mut query = params.into_query();
    query.most = query.most.min(MOST);
    let page = read(&shared, query.clone()).await?;
    if !follow {
        return lines(&[page]);
    }
    let (follower, response) = Follower::new(&shared)?;
    query.most = MOST;
    tokio::spawn(go_on(follower, shared, query, page));
    Ok(response)
}

/// The first page is always written, later ones where they have lines.
async fn go_on(mut follower: Follower, shared: Shared, mut query: LogQuery, first: LogPage) {
    let mut pages = vec![first];
    while follower.write(&pages).await {
        if let Some(page) = pages.pop() {
            query.cursor = Some(page.cursor);
        }
        let Ok(page) = read(&shared, query.clone()).await else { break };
        if page.lines.is_empty() {
            query.cursor = Some(page.cursor);
            follower.pause(LOOK_EVERY).await;
        } else {
            pages.push(page);
        }
    }
}

async fn read(shared: &Shared, query: LogQuery) -> Result<LogPage, Refused> {
    ask(shared, move |plane| plane.logs(&query)).await
}
