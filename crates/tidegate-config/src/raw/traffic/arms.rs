//! `arms`: requests that go to stable or candidate by what they are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{ArmRole, ArmRule, ClientKey, Match};

use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::choice::{Choice, Word};
use crate::raw::entries::Entries;
use crate::raw::fields::required;
use crate::raw::header::{FieldName, Token};
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::route::RoutePath;
use crate::raw::some::OneOrMore;
use crate::raw::text::{Rule, Text, parse_text};
use crate::tree::Value;

record! { replaced
    /// Requests that match go to the arm, whatever the weights are, while the arm is there.
    #[schemars(rename = "ArmRule", extend("required" = ["to", "when"]))]
    RawRule is "a rule for an arm" {
        /// `candidate` or `stable`.
        to: Word<ArmRole>,
        /// What the requests are: all of these.
        when: RawWhen,
    }
}

record! { replaced
    /// What a request is: all of these.
    #[schemars(rename = "ArmWhen", extend("minProperties" = 1))]
    RawWhen is "`when`" {
        /// A header field that is there, or a map from fields to the values they have.
        header: Named<FieldName>,
        /// A cookie that is there, or a map from cookies to the values they have.
        cookie: Named<Token>,
        /// A query parameter that is there, or a map from parameters to the values they have.
        query: Named<Token>,
        /// The path begins so.
        path: RoutePath,
        /// The client is in one of these countries, like `DE` (ISO 3166-1).
        country: OneOrMore<Text<Country>>,
        /// The client is in one of these regions, like `BY` (ISO 3166-2) or a continent like `EU`.
        region: OneOrMore<Text<Region>>,
        /// The client is one of these.
        cohort: RawCohort,
    }
}

record! { replaced
    /// Clients by name.
    #[schemars(rename = "Cohort", extend("required" = ["by", "members"]))]
    RawCohort is "`cohort`" {
        /// Where the name is: `header:NAME`, `cookie:NAME` or `address`.
        by: Text<ClientKey>,
        /// The names.
        members: OneOrMore<Text<Wanted>>,
    }
}

/// A checked rule.
#[derive(Clone, Debug)]
pub(crate) struct RawArmRule(pub(crate) ArmRule);

/// Names with the values that are wanted; `None`: any.
#[derive(Clone, Debug)]
pub(crate) struct Named<K>(pub(crate) Vec<(K, Option<String>)>);

/// A value that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wanted(String);

/// A country's code, in capitals.
#[derive(Clone, Debug)]
pub(crate) struct Country(String);

/// A region's code, in capitals.
#[derive(Clone, Debug)]
pub(crate) struct Region(String);

impl Choice for ArmRole {
    const WHAT: &'static str = "an arm";
    const ALL: &'static [(&'static str, Self)] =
        &[("candidate", ArmRole::Candidate), ("stable", ArmRole::Stable)];
}

impl Rule for Wanted {
    const WHAT: &'static str = "a value to look for";
    const CODE: Code = codes::BAD_TEXT;
    const PATTERN: &'static str = "^.{1,1024}$";

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 1024 || text.contains(char::is_control) {
            return Err("1 to 1024 bytes on one line".to_owned());
        }
        Ok(Wanted(text.to_owned()))
    }
}

/// A code of so many letters and digits, in capitals.
fn place_code(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let fits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| text.to_ascii_uppercase())
}

impl Rule for Country {
    const WHAT: &'static str = "a country";
    const CODE: Code = codes::BAD_PLACE;
    const PATTERN: &'static str = "^[A-Za-z]{2}$";

    fn parse(text: &str) -> Result<Self, String> {
        let letters = text.bytes().all(|b| b.is_ascii_alphabetic());
        let code = place_code(text, 2..=2).filter(|_| letters);
        code.map(Country).ok_or_else(|| "two letters of ISO 3166-1, like `DE`".to_owned())
    }
}

impl Rule for Region {
    const WHAT: &'static str = "a region";
    const CODE: Code = codes::BAD_PLACE;
    const PATTERN: &'static str = "^[A-Za-z0-9]{1,3}$";

    fn parse(text: &str) -> Result<Self, String> {
        let advice = || "one to three letters or digits: `BY`, or a continent like `EU`".to_owned();
        place_code(text, 1..=3).map(Region).ok_or_else(advice)
    }
}

impl<K: Rule + Ord> Read for Named<K> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        match &place.node.value {
            Value::Text(text) => {
                let name = parse_text(text, place.node.span, findings)?;
                Some(Named(vec![(name, None)]))
            }
            Value::Map(_) => {
                let entries = Entries::<K, Text<Wanted>>::read(place, findings)?;
                let named = entries.0.into_iter().map(|(name, Text(value))| (name, Some(value.0)));
                Some(Named(named.collect()))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Reported => {
                place.report_type("a name, or a map from names to values", findings);
                None
            }
        }
    }
}

impl Read for RawArmRule {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let rule = RawRule::read(place, findings)?;
        let to = required(&rule.to, "to", place, findings);
        let when = required(&rule.when, "when", place, findings);
        let (Word(arm), when) = (to?, when?);
        let when = matches_of(&when, findings)?;
        if when.is_empty() && !findings.failed() {
            findings.push(
                Diagnostic::error(codes::TRAFFIC_OPTION, "`when` says nothing, so every request would match")
                    .at(place.key, "")
                    .help("say which requests: `when: { header: x-beta }`; shares are the strategy's"),
            );
        }
        Some(RawArmRule(ArmRule { arm, when }))
    }
}

fn matches_of(when: &RawWhen, findings: &mut Findings<'_>) -> Option<Vec<Match>> {
    let mut all = Vec::new();
    for (FieldName(name), value) in when.header.value().map_or(&[][..], |named| &named.0).iter().cloned() {
        all.push(Match::Header { name, value });
    }
    for (Token(name), value) in when.cookie.value().map_or(&[][..], |named| &named.0).iter().cloned() {
        all.push(Match::Cookie { name, value });
    }
    for (Token(name), value) in when.query.value().map_or(&[][..], |named| &named.0).iter().cloned() {
        all.push(Match::Query { name, value });
    }
    all.extend(when.path.value().map(|path| Match::Path(path.0.clone())));
    let countries = when.country.value().map(|some| some.values().map(|Text(place)| place.0).collect());
    all.extend(countries.map(Match::Country));
    let regions = when.region.value().map(|some| some.values().map(|Text(place)| place.0).collect());
    all.extend(regions.map(Match::Region));
    if let Some(cohort) = when.cohort.get() {
        all.push(cohort_of(&cohort.value, cohort.key, findings)?);
    }
    Some(all)
}

/// The members of a cohort; what is missing is reported.
pub(crate) fn cohort_of(
    raw: &RawCohort,
    at: crate::span::Span,
    findings: &mut Findings<'_>,
) -> Option<Match> {
    for (key, absent) in [("by", raw.by.is_absent()), ("members", raw.members.is_absent())] {
        if absent {
            let message = format!("`cohort` has no `{key}`");
            findings.push(
                Diagnostic::error(codes::MISSING_KEY, message)
                    .at(at, format!("`{key}` is missing"))
                    .help("a cohort says who: `{ by: header:x-user, members: [ann, bob] }`"),
            );
        }
    }
    let members: BTreeSet<String> = raw.members.value()?.values().map(|Text(name)| name.0).collect();
    Some(Match::Cohort { by: raw.by.value()?.0.clone(), members })
}

impl<K: Rule> JsonSchema for Named<K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NamedValues".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = generator.subschema_for::<Text<K>>();
        let map = generator.subschema_for::<Entries<K, Text<Wanted>>>();
        json_schema!({ "anyOf": [name, map] })
    }
}

impl JsonSchema for RawArmRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ArmRules".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<RawRule>()
    }
}
