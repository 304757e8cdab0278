//! The manifest as typed: every key with its type and place, nothing filled in.
//!
//! `record!` makes a struct, its JSON Schema and its reader from one list of keys, so the three cannot disagree. A
//! reader reports every mistake it meets and goes on; a value it could not read is [`Field::Broken`], which later
//! stages pass over in silence.

mod branch;
mod calendar;
mod called;
mod choice;
mod client_key;
mod command;
mod day;
mod decimal;
mod entries;
mod env;
mod environment;
mod experiment;
mod field;
mod fields;
mod flag;
mod flags;
mod header;
mod job;
mod json;
mod later;
mod limits;
mod list;
mod manifest;
mod name;
mod network;
mod notify;
mod or_not;
mod percent;
mod pipeline;
mod policy;
mod port;
mod preview;
mod probe;
mod read;
mod record;
mod route;
mod scale;
mod schedule;
mod service;
mod site;
mod size;
mod some;
mod stop;
mod strategy;
mod text;
mod time;
mod traffic;
mod whole;

pub(crate) use calendar::{RawFreeze, RawWindow};
pub(crate) use command::Command;
pub(crate) use env::{NameFault, RawEnv, check_env_name, check_env_value};
pub(crate) use environment::{RawEnvironment, RawEnvironmentKeys};
pub(crate) use field::Field;
pub(crate) use flags::{CodeSource, FlagType, Line, RawFlag, RawFlagEntry, RawVariants};
pub(crate) use job::{JobOverlay, RawJob};
pub(crate) use later::not_used_yet;
pub(crate) use limits::RawLimits;
pub(crate) use list::{ListOf, Named, NamedEntry};
pub(crate) use manifest::{RawBuild, RawContract, RawManifest, RawMigrate};
pub(crate) use name::{NameText, name_advice, nearest_name};
pub(crate) use notify::RawNotify;
pub(crate) use or_not::OrNot;
pub(crate) use pipeline::{
    RawBeside, RawPipeline, RawStage, RawStageMap, RawStep, RawStepMap, RawTest, RawWhen, StageWord,
    StepNetwork,
};
pub(crate) use policy::RawHeaderEdit;
pub(crate) use preview::RawPreview;
pub(crate) use probe::{RawProbe, RawProbes};
pub(crate) use read::{Place, Read};
pub(crate) use route::{Host, RawRoute};
pub(crate) use scale::{RawQueue, RawScale, RawScaleRange, RawScheduled};
pub(crate) use schedule::DaySet;
pub(crate) use service::{RawService, ServiceOverlay};
pub(crate) use some::OneOrMore;
pub(crate) use stop::RawStop;
pub(crate) use text::Text;
pub(crate) use traffic::{RawMirror, RawMirrorTo, RawTimeouts, RawTraffic};

use crate::findings::Findings;
use crate::span::Span;
use crate::tree::Node;

/// Reads the root of a `tidegate.yaml`.
pub(crate) fn read_manifest(root: &Node, findings: &mut Findings<'_>) -> Option<RawManifest> {
    let place = Place {
        node: root,
        key: Span::new(root.span.start, root.span.start),
        subject: "the manifest".to_owned(),
    };
    RawManifest::read(&place, findings)
}
