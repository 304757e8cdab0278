//! A webhook that is its host's: it is known again from now on, and has the repository looked at. One transaction, so that a kill
//! neither loses it nor has it count twice.

use tidegate_core::event::Event;
use tidegate_core::model::{GitSource, Hint, HookSeen, Name};
use tidegate_core::source::follows;
use tidegate_core::view::HookAnswer;
use tidegate_store::{Store, Tx};

use super::follows_nothing;
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::hook::{Delivery, HookEvent};
use crate::plane::{Refusal, RefusalKind};

/// Takes it. A push that came before is refused.
pub(super) fn take(
    store: &mut Store,
    time: Time,
    app: &Name,
    delivery: Delivery,
) -> Result<HookAnswer, Refusal> {
    let source = store.git_source(app).map_err(store_trouble)?.ok_or_else(|| follows_nothing(app))?;
    let Delivery { host, ids, event } = delivery;
    if matches!(event, HookEvent::Push { .. }) {
        for id in &ids {
            if store.knows_delivery(app, id).map_err(store_trouble)? {
                return Err(replayed());
            }
        }
    }
    let (answer, hint) = answer_to(&source, event);
    let seen =
        HookSeen { at_unix_ms: time.unix_ms, host: host.as_str().to_owned(), said: answer.message.clone() };
    let event = hint.as_ref().map(|(branch, hint)| {
        let by = if hint.by.is_empty() { String::new() } else { format!(", pushed by {}", hint.by) };
        let commit: String = hint.commit.chars().take(12).collect();
        let message = format!("{} says that {branch} is at {commit}{by}; it is looked at", host.as_str());
        Event::of_app(app.as_str(), "git.hook", message)
    });
    let mut source = source;
    source.state.hook = Some(seen);
    let ids = if hint.is_some() { ids } else { Vec::new() };
    if let Some((branch, hint)) = hint {
        source.state.due = Some(time.now);
        // No more than can be followed: what is left out is seen at the look all the same.
        if source.state.hints.len() < GitSource::MOST_BRANCHES {
            source.state.hints.insert(branch, hint);
        }
    }
    let written = store.transaction(|tx: &Tx<'_>| {
        ids.iter().try_for_each(|id| tx.add_delivery(app, id))?;
        tx.put_git_source(&source)?;
        event.iter().try_for_each(|event| tx.event(event, time.unix_ms).map(drop))
    });
    written.map_err(store_trouble)?;
    Ok(answer)
}

/// What it is answered, and what is to be kept of it until the look.
fn answer_to(source: &GitSource, event: HookEvent) -> (HookAnswer, Option<(String, Hint)>) {
    let idle = |message: String| (HookAnswer { taken: false, message }, None);
    match event {
        HookEvent::Ping => idle(format!("{} follows {}: webhooks arrive", source.app, source.address)),
        HookEvent::Idle(why) => idle(why),
        HookEvent::Push { branch, .. } if !follows(source, &branch) => {
            idle(format!("the branch {branch} is not followed"))
        }
        HookEvent::Push { branch, commit, by } => {
            let message = format!("{branch} is fetched: what it is at there begins a run where that is new");
            (HookAnswer { taken: true, message }, Some((branch, Hint { commit, by })))
        }
    }
}

/// Puts into the timeline that one was refused.
pub(super) fn refused(store: &mut Store, time: Time, app: &Name, why: &str) -> Result<(), Refusal> {
    let message = format!("a webhook was refused: {why}");
    let event = Event::of_app(app.as_str(), "git.hook-refused", message);
    store.transaction(|tx| tx.event(&event, time.unix_ms).map(drop)).map_err(store_trouble)
}

fn replayed() -> Refusal {
    let message = "this webhook came before: nothing is done twice";
    Refusal::new(RefusalKind::Conflict, "hook::replayed", message)
        .help("to have the repository looked at again: `tidegate git fetch`")
}
