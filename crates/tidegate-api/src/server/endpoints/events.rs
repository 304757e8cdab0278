//! The timeline: what happened, and what happens next while the answer is read.

use axum::extract::State;
use axum::response::Response;
use tidegate_control::EventQuery;
use tidegate_core::access::Action;
use tidegate_core::view::TimelineEvent;

use crate::server::Shared;
use crate::server::access::need::At;
use crate::server::access::{Asker, place_of};
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
        .needs(Action::Read, At::Listed)
        .query::<EventParams>()
        .gives_lines::<TimelineEvent>(),
    ]
}

async fn events(
    State(shared): State<Shared>,
    asker: Asker,
    Params(params): Params<EventParams>,
) -> Result<Response, Refused> {
    let follow = params.follow;
    let mut query = params.into_query();
    query.most = query.most.min(MOST);
    // Before the first page, so that no event falls in between.
    let newest = if follow { ask(&shared, |plane| Ok(plane.wait_for_event(0, 0))).await? } else { 0 };
    let mut page = read(&shared, query.clone()).await?;
    let last = page.last().map(|event| event.seq);
    sift(&shared, &asker, &mut page).await?;
    if !follow {
        return lines(&page);
    }
    let (follower, response) = Follower::new(&shared)?;
    query.after = last.unwrap_or(newest.max(query.after));
    tokio::spawn(go_on(follower, (shared, asker), query, page));
    Ok(response)
}

async fn go_on(
    mut follower: Follower,
    (shared, asker): (Shared, Asker),
    mut query: EventQuery,
    first: Vec<TimelineEvent>,
) {
    query.most = MOST;
    let mut page = first;
    while follower.write(&page).await {
        page.clear();
        let newest = follower.wait_for_event(query.after).await;
        if newest <= query.after {
            continue;
        }
        let Ok(mut found) = read(&shared, query.clone()).await else { break };
        // Those that are someone else's are not looked at again.
        let seen = found.last().map_or(newest, |event| event.seq);
        query.after = if found.len() < MOST { newest.max(seen) } else { seen };
        // Asked again for each page: who is not to see a place any more does not go on seeing it.
        if sift(&shared, &asker, &mut found).await.is_err() {
            break;
        }
        page = found;
    }
}

/// Leaves what may be read: what is of no app is the installation's.
async fn sift(shared: &Shared, asker: &Asker, page: &mut Vec<TimelineEvent>) -> Result<(), Refused> {
    asker.sift(shared, page, |event| place_of(event.app.as_deref(), event.environment.as_deref())).await
}

async fn read(shared: &Shared, query: EventQuery) -> Result<Vec<TimelineEvent>, Refused> {
    ask(shared, move |plane| plane.events(&query)).await
}
