//! Which app, environment and service a command means where it does not say.

use tidegate_core::model::{Name, ServiceKey, ServiceState};
use tidegate_store::Reader;

use super::store_trouble;
use crate::plane::{Refusal, RefusalKind, Scope, ServiceRef};

/// The environment meant: the only one that fits; of several environments of one app, `production`.
pub fn place_of(store: &Reader, scope: &Scope) -> Result<(Name, Name), Refusal> {
    place_among(store, store.apps().map_err(store_trouble)?, scope)
}

/// The same of some environments: those that somebody may know of.
pub(crate) fn place_among(
    store: &Reader,
    mut places: Vec<(Name, Name)>,
    scope: &Scope,
) -> Result<(Name, Name), Refusal> {
    let fits = |given: &Option<Name>, name: &Name| given.as_ref().is_none_or(|given| given == name);
    let anything = !places.is_empty();
    places.retain(|(app, environment)| fits(&scope.app, app) && fits(&scope.environment, environment));
    if scope.environment.is_none() && places.len() > 1 {
        leave_previews_out(store, &mut places)?;
    }
    match places.as_slice() {
        [] => Err(nothing_there(scope, anything)),
        [only] => Ok(only.clone()),
        several => {
            let one_app = several.iter().all(|(app, _)| *app == several[0].0);
            let production = several.iter().find(|(_, environment)| environment.as_str() == "production");
            match production.filter(|_| one_app) {
                Some(place) => Ok(place.clone()),
                None => Err(which(several)),
            }
        }
    }
}

/// Whoever names no environment means none that was made for a branch, where there is another.
fn leave_previews_out(store: &Reader, places: &mut Vec<(Name, Name)>) -> Result<(), Refusal> {
    let previews = store.previews().map_err(store_trouble)?;
    let is_preview = |(app, environment): &(Name, Name)| {
        previews.iter().any(|state| state.app == *app && state.environment == *environment)
    };
    if !places.iter().all(is_preview) {
        places.retain(|place| !is_preview(place));
    }
    Ok(())
}

/// The service meant, and its state.
pub fn service_of(store: &Reader, service: &ServiceRef) -> Result<ServiceState, Refusal> {
    let (app, environment) = place_of(store, &service.scope)?;
    let key = ServiceKey { app, environment, service: service.service.clone() };
    if let Some(state) = store.service(&key).map_err(store_trouble)? {
        return Ok(state);
    }
    let known = store.services_of(&key.app, &key.environment).map_err(store_trouble)?;
    let names: Vec<&str> = known.iter().map(|state| state.key.service.as_str()).collect();
    let message = format!("{} in {} has no service `{}`", key.app, key.environment, key.service);
    let help =
        if names.is_empty() { "deploy it first".to_owned() } else { format!("it has {}", names.join(", ")) };
    Err(Refusal::new(RefusalKind::NotFound, "scope::no-service", message).help(help))
}

fn nothing_there(scope: &Scope, anything: bool) -> Refusal {
    let message = match (&scope.app, &scope.environment) {
        (None, None) => "nothing has been deployed yet".to_owned(),
        (Some(app), None) => format!("no app `{app}` has been deployed"),
        (None, Some(environment)) => format!("nothing has been deployed to `{environment}`"),
        (Some(app), Some(environment)) => format!("`{app}` has not been deployed to `{environment}`"),
    };
    let help = if anything {
        "`tidegate status --app NAME -e NAME` names another"
    } else {
        "deploy something: `tidegate deploy`"
    };
    Refusal::new(RefusalKind::NotFound, "scope::nothing", message).help(help)
}

fn which(places: &[(Name, Name)]) -> Refusal {
    let list: Vec<String> = places.iter().map(|(app, env)| format!("--app {app} -e {env}")).collect();
    let message = "there is more than one app or environment; say which";
    Refusal::new(RefusalKind::Invalid, "scope::ambiguous", message)
        .help(format!("one of: {}", list.join(" | ")))
}
