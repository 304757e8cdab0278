//! The client's calls about repositories at Git hosts.

use tidegate_control::source::ConnectSource;
use tidegate_core::model::Name;
use tidegate_core::view::{GitConnected, GitSourceList, GitSourceView};

use super::request::Ask;
use super::{Client, ClientError};
use crate::wire::SourceParams;

const SOURCES: &str = "/v1/git/sources";

impl Client {
    /// The repositories that apps follow.
    pub async fn git_sources(&self) -> Result<GitSourceList, ClientError> {
        self.json(Ask::get(SOURCES)).await
    }

    /// Has an app follow a repository.
    pub async fn git_connect(&self, request: &ConnectSource) -> Result<GitConnected, ClientError> {
        self.json(Ask::post(SOURCES).body(request)?).await
    }

    /// Has an app follow nothing any more.
    pub async fn git_disconnect(&self, app: &Name, by: &str) -> Result<GitSourceView, ClientError> {
        self.json(asked_of(app, "disconnect", by)?).await
    }

    /// Has the repository of an app looked at now.
    pub async fn git_look(&self, app: &Name, by: &str) -> Result<GitSourceView, ClientError> {
        self.json(asked_of(app, "look", by)?).await
    }
}

fn asked_of(app: &Name, what: &str, by: &str) -> Result<Ask, ClientError> {
    Ask::post(&format!("{SOURCES}/{app}/{what}")).query(&SourceParams { by: by.to_owned() })
}
