//! The client's calls about configuration, parameters and secrets.

use tidegate_control::Scope;
use tidegate_control::setting::{
    ConfigChange, LabelParameter, RemoveSecret, RotateKey, SetParameter, SetSecret,
};
use tidegate_core::model::RevisionNo;
use tidegate_core::setting::ParameterPath;
use tidegate_core::view::{ConfigDiff, ConfigView, KeyRotated, ParameterList, SecretList, SettingChanged};

use super::request::Ask;
use super::{Client, ClientError};
use crate::wire::{ConfigDiffParams, HistoryParams, ScopeParams, UnderParams};

impl Client {
    /// The variables of an environment.
    pub async fn config(&self, scope: &Scope) -> Result<ConfigView, ClientError> {
        self.json(Ask::get("/v1/config").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// What differs between a revision's settings and those that count now.
    pub async fn config_diff(
        &self,
        scope: &Scope,
        revision: Option<RevisionNo>,
    ) -> Result<ConfigDiff, ClientError> {
        let Scope { app, environment } = scope.clone();
        self.json(Ask::get("/v1/config/diff").query(&ConfigDiffParams { app, environment, revision })?).await
    }

    /// Changes what is set at run time.
    pub async fn config_change(
        &self,
        scope: &Scope,
        asked: &ConfigChange,
    ) -> Result<SettingChanged, ClientError> {
        let ask = Ask::post("/v1/config/change").query(&ScopeParams::from(scope.clone()))?;
        self.json(ask.body(asked)?).await
    }

    /// The secrets of an app, without their values.
    pub async fn secrets(&self, scope: &Scope) -> Result<SecretList, ClientError> {
        self.json(Ask::get("/v1/secrets").query(&ScopeParams::from(scope.clone()))?).await
    }

    /// Sets a secret: without an environment, that of all that have none of their own.
    pub async fn secret_set(&self, scope: &Scope, asked: &SetSecret) -> Result<SettingChanged, ClientError> {
        let ask = Ask::post("/v1/secrets/set").query(&ScopeParams::from(scope.clone()))?;
        self.json(ask.body(asked)?).await
    }

    /// Removes a secret.
    pub async fn secret_remove(
        &self,
        scope: &Scope,
        asked: &RemoveSecret,
    ) -> Result<SettingChanged, ClientError> {
        let ask = Ask::post("/v1/secrets/remove").query(&ScopeParams::from(scope.clone()))?;
        self.json(ask.body(asked)?).await
    }

    /// Has every secret encrypted with a new key.
    pub async fn secret_rotate_key(&self, asked: &RotateKey) -> Result<KeyRotated, ClientError> {
        self.json(Ask::post("/v1/secrets/rotate-key").body(asked)?).await
    }

    /// Parameters below a path; empty: all.
    pub async fn parameters(&self, under: &str) -> Result<ParameterList, ClientError> {
        self.json(Ask::get("/v1/parameters").query(&UnderParams { under: under.to_owned() })?).await
    }

    /// The versions of a parameter.
    pub async fn parameter_history(&self, path: &ParameterPath) -> Result<ParameterList, ClientError> {
        let asked = HistoryParams { path: path.clone() };
        self.json(Ask::get("/v1/parameters/history").query(&asked)?).await
    }

    /// Sets a parameter.
    pub async fn parameter_set(&self, asked: &SetParameter) -> Result<SettingChanged, ClientError> {
        self.json(Ask::post("/v1/parameters/set").body(asked)?).await
    }

    /// Gives a label to a version of a parameter.
    pub async fn parameter_label(&self, asked: &LabelParameter) -> Result<SettingChanged, ClientError> {
        self.json(Ask::post("/v1/parameters/label").body(asked)?).await
    }
}
