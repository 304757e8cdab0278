//! The user's timeline: what happened to apps, apart from logs about Tidegate's own workings. No secret is ever in it.

use serde::{Deserialize, Serialize};

use crate::model::{InstanceId, RevisionNo, ServiceKey};

/// An event about to be recorded. The shell adds its number and the wall-clock time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened, as a stable code: `rollout.started`, `instance.ended`, `build.failed`, …
    pub kind: String,
    /// The app, where it is about one.
    pub app: Option<String>,
    /// The environment, where it is about one.
    pub environment: Option<String>,
    /// The service, where it is about one.
    pub service: Option<String>,
    /// The revision, where it is about one.
    pub revision: Option<RevisionNo>,
    /// The instance, where it is about one.
    pub instance: Option<InstanceId>,
    /// One sentence for people.
    pub message: String,
}

impl Event {
    /// An event about a service.
    pub fn of(
        key: &ServiceKey,
        kind: &str,
        revision: Option<RevisionNo>,
        message: impl Into<String>,
    ) -> Self {
        Event {
            kind: kind.to_owned(),
            app: Some(key.app.to_string()),
            environment: Some(key.environment.to_string()),
            service: Some(key.service.to_string()),
            revision,
            instance: None,
            message: message.into(),
        }
    }

    /// The same event, about an instance.
    pub fn on(mut self, instance: &InstanceId) -> Self {
        self.instance = Some(instance.clone());
        self
    }

    /// An event about an app in an environment as a whole.
    pub fn about(app: &str, environment: &str, kind: &str, message: impl Into<String>) -> Self {
        Event {
            kind: kind.to_owned(),
            app: Some(app.to_owned()),
            environment: Some(environment.to_owned()),
            service: None,
            revision: None,
            instance: None,
            message: message.into(),
        }
    }

    /// An event about an app, whatever its environments.
    pub fn of_app(app: &str, kind: &str, message: impl Into<String>) -> Self {
        Event { app: Some(app.to_owned()), ..Event::platform(kind, message) }
    }

    /// An event about Tidegate itself.
    pub fn platform(kind: &str, message: impl Into<String>) -> Self {
        Event {
            kind: kind.to_owned(),
            app: None,
            environment: None,
            service: None,
            revision: None,
            instance: None,
            message: message.into(),
        }
    }
}
