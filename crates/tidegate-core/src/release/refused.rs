//! Why an order is refused, in words that say what to do instead.

use super::FlagClass;
use super::words::Instant;
use crate::model::{FlagKey, Release, RevisionNo};

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Somebody was quicker.
    #[error("{key} is at version {found}, not {expected}{}", who_changed(.last.as_deref()))]
    Changed {
        /// The flag.
        key: FlagKey,
        /// The version that whoever asks has seen.
        expected: u64,
        /// The version it has.
        found: u64,
        /// The release that made it.
        last: Option<Box<Release>>,
    },
    /// The flag has no such variant.
    #[error("{key} has no variant `{variant}`: it has {}", known.join(", "))]
    NoVariant {
        /// The flag.
        key: FlagKey,
        /// What was asked for.
        variant: String,
        /// Those it has.
        known: Vec<String>,
    },
    /// No variant is the one meant.
    #[error("which variant of {key} is meant by `{word}` is not clear: it has {}", known.join(", "))]
    WhichVariant {
        /// The flag.
        key: FlagKey,
        /// What was said.
        word: &'static str,
        /// Those it has.
        known: Vec<String>,
    },
    /// Its definition turns it off altogether.
    #[error(
        "{0} is `DISABLED` where it is defined: whoever asks gets their own default, whatever is released"
    )]
    Disabled(FlagKey),
    /// The class asks for a reason.
    #[error("{key} is of class {class}: a release of it says why")]
    NeedsWhy {
        /// The flag.
        key: FlagKey,
        /// Its class.
        class: FlagClass,
    },
    /// Who gets which variant must not change now.
    #[error("an experiment runs on {0}: who gets which variant stays as it is until it ends")]
    Experiment(FlagKey),
    /// A serving revision lacks the flag's code.
    #[error("{key} is not in the code of {}, which serves", list(.revisions))]
    NotThere {
        /// The flag.
        key: FlagKey,
        /// Those that lack it.
        revisions: Vec<RevisionNo>,
    },
    /// There was no release.
    #[error("{0} was never released: there is nothing to take back")]
    NothingToTakeBack(FlagKey),
    /// Another attribute draws others.
    #[error("users of {key} are told apart by {now}: by {asked} others would be drawn")]
    OtherUsers {
        /// The flag.
        key: FlagKey,
        /// How now.
        now: String,
        /// How it was asked for.
        asked: String,
    },
    /// The schedule cannot be.
    #[error("the schedule of {key} {why}")]
    Schedule {
        /// The flag.
        key: FlagKey,
        /// Completes the sentence.
        why: &'static str,
    },
    /// Something that was said cannot be read as what it should be.
    #[error("{0}")]
    Invalid(String),
    /// Only a release that goes up can be watched.
    #[error("only `on` and a share can be watched by a guard")]
    NothingToGuard,
    /// Nobody would be drawn.
    #[error("the rule of {0} gives everybody a variant: nobody is left to be drawn and watched")]
    NobodyToDraw(FlagKey),
    /// There are as many guards as the gateway can watch.
    #[error("{most} flags are watched by the gateway already, and it watches no more of an environment")]
    TooManyGuards {
        /// So many.
        most: usize,
    },
    /// It is still mentioned.
    #[error("{key} is in the code of {}, which serves", list(.revisions))]
    Mentioned {
        /// The flag.
        key: FlagKey,
        /// Those that mention it.
        revisions: Vec<RevisionNo>,
    },
    /// Nobody knows whether it is still mentioned.
    #[error("nobody has looked through all the source of {}: {key} may be in it", list(.revisions))]
    PerhapsMentioned {
        /// The flag.
        key: FlagKey,
        /// Those with too much source.
        revisions: Vec<RevisionNo>,
    },
}

impl Refused {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::Changed { .. } => "flag::changed",
            Refused::NoVariant { .. } => "flag::no-variant",
            Refused::WhichVariant { .. } => "flag::which-variant",
            Refused::Disabled(_) => "flag::disabled",
            Refused::NeedsWhy { .. } => "flag::needs-why",
            Refused::Experiment(_) => "flag::experiment-runs",
            Refused::NotThere { .. } => "flag::not-there",
            Refused::NothingToTakeBack(_) => "flag::nothing-to-take-back",
            Refused::OtherUsers { .. } => "flag::other-users",
            Refused::Schedule { .. } => "flag::schedule",
            Refused::Invalid(_) => "flag::invalid",
            Refused::NothingToGuard => "flag::nothing-to-guard",
            Refused::NobodyToDraw(_) => "flag::nobody-to-draw",
            Refused::TooManyGuards { .. } => "flag::too-many-guards",
            Refused::Mentioned { .. } => "flag::mentioned",
            Refused::PerhapsMentioned { .. } => "flag::perhaps-mentioned",
        }
    }

    /// Whether what was asked for can never be; else it does not fit what is going on now.
    pub fn is_mistake(&self) -> bool {
        matches!(
            self,
            Refused::NoVariant { .. }
                | Refused::WhichVariant { .. }
                | Refused::NeedsWhy { .. }
                | Refused::Schedule { .. }
                | Refused::Invalid(_)
                | Refused::NothingToGuard
        )
    }

    /// What to do instead.
    pub fn help(&self) -> String {
        match self {
            Refused::Changed { key, .. } => format!("`tidegate flag show {key}` shows it as it is now"),
            Refused::NoVariant { key, known, .. } | Refused::WhichVariant { key, known, .. } => {
                let variant = known.first().map_or("VARIANT", String::as_str);
                format!("`tidegate release to {variant} {key}`, or a share with `--variant {variant}`")
            }
            Refused::Disabled(_) => "set its state to ENABLED in Git and deploy".to_owned(),
            Refused::NeedsWhy { .. } => "say it: `--why TEXT`".to_owned(),
            Refused::Experiment(key) => {
                format!(
                    "`tidegate experiment stop {key}` ends it; `tidegate release kill {key}` works at any time"
                )
            }
            Refused::NotThere { .. } => {
                "deploy the code first, or say `--when-ready`: it is released once all that serves has it"
                    .to_owned()
            }
            Refused::NothingToTakeBack(key) => format!("`tidegate flag show {key}` shows what is served"),
            Refused::OtherUsers { key, now, .. } => {
                format!("leave `by` out, say `by {now}`, or begin anew after `tidegate release off {key}`")
            }
            Refused::Schedule { key, .. } => format!(
                "like `tidegate release schedule {key} 2030-12-01T09:00:00Z=25% 2030-12-02T09:00:00Z=on`"
            ),
            Refused::Invalid(_) => "`tidegate release --help` has examples".to_owned(),
            Refused::NothingToGuard => "like `tidegate release to 20% FLAG guard`".to_owned(),
            Refused::NobodyToDraw(_) => {
                "leave out what the rule says of everybody else and deploy; only whom it says nothing of can be drawn".to_owned()
            }
            Refused::TooManyGuards { .. } => {
                "wait until one of them has ended; `tidegate flag list` shows which are guarded".to_owned()
            }
            Refused::Mentioned { .. } => "take it out of the code and deploy, then archive it".to_owned(),
            Refused::PerhapsMentioned { .. } => {
                "name what is no code in .gitignore and deploy: `tidegate check` says what was left out"
                    .to_owned()
            }
        }
    }
}

fn who_changed(last: Option<&Release>) -> String {
    last.map_or_else(String::new, |last| {
        let why = last.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let at = Instant(last.at_unix_ms);
        format!(
            ": {} changed it at {at} from {} to {}{why}",
            last.by,
            quoted(&last.before),
            quoted(&last.after)
        )
    })
}

fn quoted(serving: &crate::model::Serving) -> String {
    format!("\"{serving}\"")
}

fn list(revisions: &[RevisionNo]) -> String {
    let names: Vec<String> = revisions.iter().map(ToString::to_string).collect();
    names.join(", ")
}
