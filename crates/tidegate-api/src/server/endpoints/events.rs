//! The timeline: what happened, and what happens next while the answer is read.

use axum::extract::State;
use axum::response::Response;
use tidegate_control::EventQuery;
use tidegate_core::view::TimelineEvent;

use crate::server::Shared;
use crate::server::ask::ask;
use crate::server::endpoint::Endpoint;
use crate::server::extract::Params;
use crate::server::follow::{Follower, lines};
use crate::server::problem::Refused;
use crate::wire::EventParams;

/// The most events asked of the control plane at once.
const MOST: usize = 10_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/events",
            "events",
            "Events, one a line, oldest first; `follow=true` goes on",
            events,
        )
        .query::<EventParams>()
        .gives_lines::<TimelineEvent>(),
    ]
}

async fn events(
    State(shared): State<Shared>,
    Params(params): Params<EventParams>,
) -> Result<Response, Refused> {
    let follow = params.follow;
    let mut query = params.into_query();
    query.most = query.most.min(MOST);
    // Before the first page, so that no event falls in between.
    let newest = if follow { ask(&shared, |plane| Ok(plane.wait_for_event(0, 0))).await? } else { 0 };
    let page = read(&shared, query.clone()).await?;
    if !follow {
        return lines(&page);
    }
    let (follower, response) = Follower::new(&shared)?;
    query.after = page.last().map_or(newest.max(query.after), |event| event.seq);
    tokio::spawn(go_on(follower, shared, query, page));
    Ok(response)
}

async fn go_on(mut follower: Follower, shared: Shared, mut query: EventQuery, first: Vec<TimelineEvent>) {
    query.most = MOST;
    let mut page = first;
    while follower.write(&page).await {
        page.clear();
        let newest = follower.wait_for_event(query.after).await;
        if newest <= query.after {
            continue;
        }
        let Ok(found) = read(&shared, query.clone()).await else { break };
        page = found;
        // Those that are someone else's are not looked at again.
        let seen = page.last().map_or(newest, |event| event.seq);
        query.after = if page.len() < MOST { newest.max(seen) } else { seen };
    }
}

async fn read(shared: &Shared, query: EventQuery) -> Result<Vec<TimelineEvent>, Refused> {
    ask(shared, move |plane| plane.events(&query)).await
}
