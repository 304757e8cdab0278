//! Configuration set at run time, parameters and secrets: what the API may ask of them, and how they come to what runs.
//!
//! Every change is a version. What runs gets it by a revision of its own ([`roll`]), which keeps which versions its references mean
//! ([`pin`]); values take their place when a process is started ([`resolve`]).

mod asked;
mod config;
mod desk;
mod hide;
mod parameter;
pub(crate) mod pin;
mod prune;
pub(crate) mod resolve;
mod roll;
mod secret;
#[cfg(test)]
mod tests;

pub use asked::{ConfigAct, ConfigChange, LabelParameter, RemoveSecret, RotateKey, SetParameter, SetSecret};
pub use desk::Settings;
pub use hide::tellable;
pub(crate) use prune::prune;
pub(crate) use roll::goal as serving;
pub(crate) use secret::finding;

use tidegate_core::model::Name;
use tidegate_store::Reader;

use crate::answer::place_of;
use crate::plane::{BreakGlass, Refusal, RefusalKind, Scope};

/// The longest reason, in characters.
const LONGEST_WHY: usize = 500;
/// The longest name of who asks, in characters.
const LONGEST_NAME: usize = 64;

/// The environment meant. One that is named in full need not be there yet.
fn place_meant(store: &Reader, scope: &Scope) -> Result<(Name, Name), Refusal> {
    match (&scope.app, &scope.environment) {
        (Some(app), Some(environment)) => Ok((app.clone(), environment.clone())),
        _ => place_of(store, scope),
    }
}

/// The app meant. One that is named need not be there yet.
fn app_meant(store: &Reader, app: Option<&Name>) -> Result<Name, Refusal> {
    if let Some(app) = app {
        return Ok(app.clone());
    }
    let mut apps: Vec<Name> =
        store.apps().map_err(crate::answer::store_trouble)?.into_iter().map(|(app, _)| app).collect();
    apps.dedup();
    match apps.as_slice() {
        [only] => Ok(only.clone()),
        _ => Err(Refusal::new(RefusalKind::Invalid, "scope::ambiguous", "which app is meant is not said")
            .help("`--app NAME` names it; in a folder with a manifest it is that one")),
    }
}

/// What somebody wrote, on one short line.
fn line(text: &str, most: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.collect::<String>().trim().chars().take(most).collect()
}

fn who(by: &str) -> String {
    let by = line(by, LONGEST_NAME);
    if by.is_empty() { "somebody".to_owned() } else { by }
}

fn glass(by: &str, why: Option<&String>) -> Option<BreakGlass> {
    why.map(|why| BreakGlass { by: by.to_owned(), why: why.clone() })
}
