//! Which build is meant: by its own name, by a run that has it, or by a revision.

use tidegate_core::model::{Build, BuildId, RunNo};
use tidegate_store::Reader;

use crate::answer::{place_of, run_of, store_trouble};
use crate::plane::{Refusal, RefusalKind, Scope};

/// The shortest beginning of a build's name.
const SHORTEST: usize = 6;
/// The longest number of a run, in digits.
const LONGEST_RUN: usize = 9;

/// The build that `what` means: `r3`, the number of a run, or the beginning of a build's name.
pub(crate) fn build_meant(store: &Reader, what: &str, scope: &Scope) -> Result<Build, Refusal> {
    if let Ok(number) = what.parse() {
        let (app, environment) = place_of(store, scope)?;
        let revision = store.revision(&app, &environment, number).map_err(store_trouble)?;
        let revision = revision.ok_or_else(|| {
            let message = format!("{app} in {environment} has no revision {number}");
            Refusal::new(RefusalKind::NotFound, "revision::unknown", message)
                .help("`tidegate events` lists them")
        })?;
        return by_id(store, &revision.spec.build);
    }
    if what.len() <= LONGEST_RUN
        && let Ok(number) = what.parse()
    {
        return by_id(store, &run_of(store, RunNo(number))?.input.build);
    }
    by_beginning(store, what, scope)
}

fn by_id(store: &Reader, id: &BuildId) -> Result<Build, Refusal> {
    let found = store.build(id).map_err(store_trouble)?;
    found.ok_or_else(|| unknown(format!("the build {id} is forgotten")))
}

fn by_beginning(store: &Reader, what: &str, scope: &Scope) -> Result<Build, Refusal> {
    let what = what.to_ascii_lowercase();
    if what.len() < SHORTEST || !what.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let what: String = what.chars().filter(|c| !c.is_control()).take(64).collect();
        return Err(unknown(format!("`{what}` is neither a revision, nor a run, nor the name of a build")));
    }
    let mut fits = store.builds().map_err(store_trouble)?;
    fits.retain(|build| build.id.0.starts_with(&what));
    if fits.len() > 1
        && let Some(app) = &scope.app
    {
        fits.retain(|build| build.app == *app);
    }
    match fits.len() {
        1 => Ok(fits.remove(0)),
        0 => Err(unknown(format!("there is no build {what}"))),
        several => Err(unknown(format!("{several} builds begin with {what}: write more of it"))),
    }
}

fn unknown(message: String) -> Refusal {
    Refusal::new(RefusalKind::NotFound, "build::unknown", message)
        .help("`tidegate status` and `tidegate plan` name builds; a revision (`r3`) or the number of a run does as well")
}
