//! What Git says of an environment's flags once a deploy is there. Read only; asked by the intake, the plan and the deploy
//! reconciler.

use serde_json::{Value, json};
use tidegate_config::flags::MOST_FLAG_BYTES;
use tidegate_core::flag::{carried, lost_variants};
use tidegate_core::model::{BuildFlags, BuildId, Deploy, FlagDefinitions, Name, Revision, RevisionNo};
use tidegate_store::{Reader, StoreError};

use crate::flag_code::{FlagCode, serving};
use crate::trial::trial;

/// The most bytes that definitions of all environments together have: with what is released put in they fit into the file that
/// the gateway reads, which has at most 64 MiB.
const MOST_OF_ALL: usize = 48 << 20;

/// The flags that a revision's build mentions; `None` where nobody has looked: the app defined no flags then.
pub(crate) fn mentions(
    store: &Reader,
    app: &Name,
    environment: &Name,
    number: RevisionNo,
) -> Result<Option<BuildFlags>, StoreError> {
    let revision = store.revision(app, environment, number)?;
    Ok(revision.map(|revision| store.build_flags(&revision.spec.build)).transpose()?.flatten())
}

/// What a deploy defines of flags; `None`: its manifest says nothing of them.
pub(crate) fn of_deploy(store: &Reader, deploy: &Deploy) -> Result<Option<Value>, StoreError> {
    Ok(store.flag_document(&deploy.build)?.or_else(|| deploy.flags.clone()))
}

/// What a revision defines of flags; `None`: that is not known any more.
pub(crate) fn of_revision(store: &Reader, revision: &Revision) -> Result<Option<Value>, StoreError> {
    let build = &revision.spec.build;
    if let Some(document) = store.flag_document(build)? {
        return Ok(Some(document));
    }
    // Nobody looks through the source of an app that says nothing of flags.
    let says_nothing = store.build_flags(build)?.is_none_or(|flags| flags == BuildFlags::default());
    Ok(says_nothing.then(|| json!({"flags": {}})))
}

/// What a deploy brings into force; `None`: nothing was ever defined. `flags`: what its manifest defines.
pub(crate) fn in_force(
    store: &Reader,
    (app, environment): (&Name, &Name),
    deploy: Option<u64>,
    flags: Option<&Value>,
) -> Result<Option<FlagDefinitions>, StoreError> {
    let before = store.flag_definitions(app, environment)?;
    let nothing = json!({"flags": {}});
    let new = match (flags, &before) {
        (None, None) => return Ok(None),
        (None, Some(_)) => &nothing,
        (Some(flags), _) => flags,
    };
    let mentioned = FlagCode::of(store, app, environment)?.mentioned();
    let document = carried(new, before.as_ref().map_or(&nothing, |before| &before.document), &mentioned);
    let (app, environment) = (app.clone(), environment.clone());
    Ok(Some(FlagDefinitions { app, environment, deploy, revision: None, document }))
}

/// Why definitions cannot come into force.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InTheWay {
    /// Variants that are served are gone.
    #[error("{0}")]
    VariantInUse(String),
    /// They do not fit where they are kept and read.
    #[error("{0}")]
    TooLarge(String),
    /// With what is released they cannot be served.
    #[error("{0}")]
    NotServable(String),
}

impl InTheWay {
    /// A stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            InTheWay::VariantInUse(_) => "deploy::variant-in-use",
            InTheWay::TooLarge(_) => "deploy::flags-too-large",
            InTheWay::NotServable(_) => "deploy::flags-not-servable",
        }
    }

    /// What can be done.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            InTheWay::VariantInUse(_) => {
                "release another variant first, `tidegate release off FLAG`, or leave it defined"
            }
            InTheWay::TooLarge(_) => "remove flags that are left over: `tidegate flag debt` lists them",
            InTheWay::NotServable(_) => "mend the rule it names, or release that flag otherwise first",
        }
    }
}

/// What is in the way of definitions, if anything is.
pub(crate) fn in_the_way(
    store: &Reader,
    definitions: &FlagDefinitions,
) -> Result<Option<InTheWay>, StoreError> {
    let states = store.flag_states_of(&definitions.app, &definitions.environment)?;
    let lost = lost_variants(&definitions.document, &states);
    if !lost.is_empty() {
        let told: Vec<String> = lost.iter().map(ToString::to_string).collect();
        return Ok(Some(InTheWay::VariantInUse(told.join("; "))));
    }
    if let Some(why) = too_large(store, definitions)? {
        return Ok(Some(InTheWay::TooLarge(why)));
    }
    Ok(trial(&definitions.document, &states).map(InTheWay::NotServable))
}

/// Whether definitions fit into a row of the store, and those of all environments into the file of the gateway.
pub(crate) fn too_large(store: &Reader, definitions: &FlagDefinitions) -> Result<Option<String>, StoreError> {
    let own = definitions.document.to_string().len();
    if own > MOST_FLAG_BYTES {
        return Ok(Some(format!(
            "the flags that would be in force have {own} bytes, those kept for code that serves among them; at most \
             {MOST_FLAG_BYTES} are allowed"
        )));
    }
    let others = store
        .all_flag_definitions()?
        .into_iter()
        .filter(|other| (&other.app, &other.environment) != (&definitions.app, &definitions.environment));
    let all = others.map(|other| other.document.to_string().len()).sum::<usize>() + own;
    Ok((all > MOST_OF_ALL).then(|| {
        format!(
            "the flags of all environments together would have {all} bytes, at most {MOST_OF_ALL} are allowed"
        )
    }))
}

/// The builds of serving revisions in whose source nobody has looked for flags: the app defined none then, so that they mention
/// none of those that come now.
pub(crate) fn unread(store: &Reader, app: &Name, environment: &Name) -> Result<Vec<BuildId>, StoreError> {
    let mut unread = Vec::new();
    for number in serving(store, app, environment)? {
        let Some(revision) = store.revision(app, environment, number)? else { continue };
        let build = revision.spec.build;
        if store.build_flags(&build)?.is_none() && store.build(&build)?.is_some() {
            unread.push(build);
        }
    }
    Ok(unread)
}
