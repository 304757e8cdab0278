//! The client's calls about environments that come and go.

use tidegate_control::Scope;
use tidegate_core::model::Name;
use tidegate_core::view::{LeavingView, PreviewList};

use super::request::Ask;
use super::{Client, ClientError};
use crate::wire::{RemoveBody, ScopeParams};

impl Client {
    /// The environments that were made for branches.
    pub async fn previews(&self, scope: &Scope) -> Result<PreviewList, ClientError> {
        self.json(Ask::get("/v1/previews").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// Takes an environment down.
    pub async fn environment_remove(
        &self,
        app: Option<Name>,
        environment: &Name,
        body: &RemoveBody,
    ) -> Result<LeavingView, ClientError> {
        let scope = ScopeParams { app, environment: None };
        let ask = Ask::post(&format!("/v1/environments/{environment}/remove")).query(&scope)?;
        self.json(ask.body(body)?).await
    }
}
