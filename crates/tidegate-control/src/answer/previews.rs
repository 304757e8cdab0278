//! `tidegate preview list`, and what `status` says of a preview.

use tidegate_core::model::{EnvironmentState, RouteSpec};
use tidegate_core::view::{PreviewList, PreviewView};

use super::{Answers, rfc3339, store_trouble};
use crate::plane::{Refusal, Scope};

/// The environments that were made for branches.
pub fn previews(answers: &Answers<'_>, scope: &Scope) -> Result<PreviewList, Refusal> {
    let Scope { app, environment } = scope;
    let meant = |state: &EnvironmentState| {
        app.as_ref().is_none_or(|app| *app == state.app)
            && environment.as_ref().is_none_or(|environment| *environment == state.environment)
    };
    let kept = answers.store.previews().map_err(store_trouble)?;
    let views = kept.iter().filter(|state| meant(state)).map(|state| preview_view(answers, state));
    Ok(PreviewList { previews: views.filter_map(Result::transpose).collect::<Result<_, Refusal>>()? })
}

/// A preview as people see it; `None`: it is none.
pub(super) fn preview_view(
    answers: &Answers<'_>,
    state: &EnvironmentState,
) -> Result<Option<PreviewView>, Refusal> {
    let Some(preview) = &state.preview else { return Ok(None) };
    let (routes, commit) = serving(answers, state)?;
    Ok(Some(PreviewView {
        app: state.app.to_string(),
        environment: state.environment.to_string(),
        base: preview.base.to_string(),
        branch: preview.branch.clone(),
        urls: urls(answers, &routes),
        commit,
        pushed: rfc3339(preview.pushed_unix_ms),
        goes: rfc3339(preview.pushed_unix_ms + preview.stays.0),
        leaving: state.leaving.as_ref().map(|leaving| leaving.why.clone()),
    }))
}

/// Where routes that lead to a service lead in from.
pub(super) fn urls(answers: &Answers<'_>, routes: &[RouteSpec]) -> Vec<String> {
    let Some(listen) = &answers.state.gateway.listen else { return Vec::new() };
    let port = listen.rsplit(':').next().unwrap_or("80");
    let led = routes.iter().filter(|route| route.to.is_some());
    led.map(|route| format!("http://{}:{port}{}", route.host, route.path)).collect()
}

/// The routes in force and the commit they are of.
fn serving(
    answers: &Answers<'_>,
    state: &EnvironmentState,
) -> Result<(Vec<RouteSpec>, Option<String>), Refusal> {
    let (app, environment) = (&state.app, &state.environment);
    let services = answers.store.services_of(app, environment).map_err(store_trouble)?;
    let newest = services.iter().filter_map(|service| service.routing.routes_of).max();
    let Some(newest) = newest else { return Ok((Vec::new(), None)) };
    let revision = answers.store.revision(app, environment, newest).map_err(store_trouble)?;
    Ok(revision.map(|revision| (revision.spec.routes, revision.commit)).unwrap_or_default())
}
