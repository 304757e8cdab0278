//! What a request says it is about, and writing into it what was found out.

use std::collections::BTreeSet;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_control::access::Subject;
use tidegate_control::{PlanRequest, Scope};
use tidegate_core::access::{Holder, Place};
use tidegate_core::model::{InstanceId, Name, RevisionNo, RolloutId, RunNo};
use tidegate_core::release::{Asked as Ordered, Order};

use super::need::{At, Glass, Need};
use crate::server::Shared;
use crate::server::problem::Refused;
use crate::wire::{AdmitBody, PromoteBody, RoleBody};

/// What a request says: the parts that matter here.
pub(super) struct Said {
    query: Vec<(String, String)>,
    path: Vec<(String, String)>,
    body: Option<Value>,
}

/// What of its place a request gets written into its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// Nothing: its place is in its path, its body or its number.
    Nothing,
    /// The app.
    App,
    /// The app and the environment.
    Both,
}

impl Said {
    /// Of a request's head and, where it counts, its body.
    pub(super) async fn by(parts: &mut Parts, shared: &Shared, body: Option<&[u8]>) -> Result<Self, Refused> {
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut names = BTreeSet::new();
        if let Some((twice, _)) = query.iter().find(|(name, _)| !names.insert(name)) {
            return Err(Refused::bad_request(format!("`{}` is there twice", printable(twice))));
        }
        let path = RawPathParams::from_request_parts(parts, shared).await;
        let path = path.map_err(|error| Refused::bad_request(error.body_text()))?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = match body {
            None => None,
            Some(b"") => Some(Value::Object(serde_json::Map::new())),
            Some(text) => Some(parsed(text)?),
        };
        Ok(Said { query, path, body })
    }

    /// What it is about. `None`: oneself, about whom everybody may ask.
    pub(super) fn subject(&self, at: At, own: Option<&Holder>) -> Result<Option<Subject>, Refused> {
        Ok(Some(match at {
            At::Installation | At::Listed | At::Upload => Subject::Place(Place::Everywhere),
            At::Scope | At::Release => Subject::Scope(self.scope()?),
            At::AppOfQuery => Subject::Place(Place::App(self.needed("app", self.asked("app"))?)),
            At::AppOfPath => Subject::Place(Place::App(self.needed("app", self.part("app"))?)),
            At::Removal => {
                let environment = self.needed("environment", self.part("environment"))?;
                Subject::Removal(Scope { app: self.name("app")?, environment: Some(environment) })
            }
            At::Promotion => Subject::Promotion(self.scope()?, self.of_body::<PromoteBody>()?.to),
            At::Plan => Subject::Plan(Box::new(self.of_body::<PlanRequest>()?)),
            At::Run => Subject::Run(RunNo(self.number("run")?)),
            At::Deploy => Subject::Deploy(self.number("id")?),
            At::Command => Subject::Unit(InstanceId(self.part("id").unwrap_or_default().to_owned())),
            At::Logs => match self.asked("unit") {
                Some(unit) => Subject::Unit(InstanceId(unit.to_owned())),
                None => Subject::Scope(self.scope()?),
            },
            At::Explained => match self.asked("rollout") {
                Some(id) => Subject::Rollout(RolloutId(read("rollout", id)?)),
                None => Subject::Scope(self.scope()?),
            },
            At::Build => Subject::Build(self.asked("what").unwrap_or_default().to_owned(), self.scope()?),
            At::Admitted => Subject::Scope(self.of_body::<AdmitBody>()?.build.scope()),
            At::Filtered => {
                let (app, environment) = (self.name("app")?, self.name("environment")?);
                // An environment of no app is of all of them.
                let place = Place::of(app.as_ref(), environment.as_ref());
                Subject::Place(place.unwrap_or(Place::Everywhere))
            }
            At::Role => Subject::Place(self.of_body::<RoleBody>()?.place),
            At::AskedAbout => {
                let who: Option<Holder> = self.asked("who").map(|who| read("who", who)).transpose()?;
                if who.as_ref() == own {
                    return Ok(None);
                }
                let place = self.asked("place").map(|place| read("place", place)).transpose()?;
                Subject::Place(place.unwrap_or(Place::Everywhere))
            }
        }))
    }

    /// Whether it passes over the rules of a protected environment.
    pub(super) fn breaks_glass(&self, glass: Glass) -> bool {
        match glass {
            Glass::No | Glass::Upload => false,
            Glass::Query => self.asked("break_glass").is_some(),
            Glass::Body => self
                .body
                .as_ref()
                .and_then(|body| body.get("break_glass"))
                .is_some_and(|glass| !glass.is_null()),
        }
    }

    /// Whether it asks for a flag to serve more than its safe variant.
    pub(super) fn turns_on(&self, at: At) -> Result<bool, Refused> {
        if at != At::Release {
            return Ok(false);
        }
        Ok(match self.of_body::<Ordered>()?.order {
            Order::Off | Order::Kill | Order::Archive => false,
            // What is gone back to may be more than what is served now.
            Order::On
            | Order::Variant(_)
            | Order::Share { .. }
            | Order::Schedule(_)
            | Order::Reset
            | Order::Rollback
            | Order::Undo => true,
        })
    }

    /// Whether both parts of its scope are named.
    pub(super) fn names_an_environment(&self) -> bool {
        self.asked("app").is_some() && self.asked("environment").is_some()
    }

    fn names_a_revision(&self) -> bool {
        self.asked("what").is_some_and(|what| what.parse::<RevisionNo>().is_ok())
    }

    /// What has to be written into its query, so that what was decided about is what is done.
    pub(super) fn pin(&self, need: Need) -> Pin {
        match need.at {
            At::Scope | At::Release => Pin::Both,
            At::Logs if self.asked("unit").is_none() => Pin::Both,
            At::Explained if self.asked("rollout").is_none() => Pin::Both,
            At::Build if self.names_a_revision() => Pin::Both,
            At::Removal | At::Promotion => Pin::App,
            At::Logs
            | At::Explained
            | At::Installation
            | At::AppOfQuery
            | At::AppOfPath
            | At::Plan
            | At::Run
            | At::Deploy
            | At::Command
            | At::Role
            | At::AskedAbout
            | At::Build
            | At::Admitted
            | At::Filtered
            | At::Upload
            | At::Listed => Pin::Nothing,
        }
    }

    /// Its address with the place in its query.
    pub(super) fn pinned(&self, uri: &Uri, pin: Pin, place: &Place) -> Result<Uri, Refused> {
        let replaced: &[&str] = match pin {
            Pin::Nothing => return Ok(uri.clone()),
            Pin::App => &["app"],
            Pin::Both => &["app", "environment"],
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.query.iter().filter(|(name, _)| !replaced.contains(&name.as_str())));
        let parts = [("app", place.app()), ("environment", place.environment())];
        for (name, value) in parts.into_iter().filter(|(name, _)| replaced.contains(name)) {
            if let Some(value) = value {
                query.append_pair(name, value.as_str());
            }
        }
        let text = format!("{}?{}", uri.path(), query.finish());
        text.parse().map_err(|_| Refused::bug("the address with its place is none"))
    }

    /// A parameter of the query.
    fn asked(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    fn part(&self, name: &str) -> Option<&str> {
        find(&self.path, name)
    }

    fn scope(&self) -> Result<Scope, Refused> {
        Ok(Scope { app: self.name("app")?, environment: self.name("environment")? })
    }

    fn name(&self, name: &str) -> Result<Option<Name>, Refused> {
        self.asked(name).map(|value| read(name, value)).transpose()
    }

    fn needed(&self, name: &str, value: Option<&str>) -> Result<Name, Refused> {
        value
            .ok_or_else(|| Refused::bad_request(format!("`{name}` is missing")))
            .and_then(|value| read(name, value))
    }

    fn number(&self, name: &str) -> Result<u64, Refused> {
        read(name, self.part(name).unwrap_or_default())
    }

    fn of_body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let body = self.body.as_ref().unwrap_or(&Value::Null);
        T::deserialize(body).map_err(|error| Refused::bad_request(format!("the body: {error}")))
    }
}

/// What somebody sent, short and on one line.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn find<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
    all.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

fn read<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, value: &str) -> Result<T, Refused> {
    value.parse().map_err(|error| Refused::bad_request(format!("`{name}`: {error}")))
}

fn parsed(text: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(text).map_err(|error| Refused::bad_request(format!("the body: {error}")))
}
