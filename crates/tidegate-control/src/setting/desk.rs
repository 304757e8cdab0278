//! Who answers about configuration, parameters and secrets.

use tidegate_core::model::RevisionNo;
use tidegate_core::setting::ParameterPath;
use tidegate_core::view::{ConfigDiff, ConfigView, KeyRotated, ParameterList, SecretList, SettingChanged};

use super::asked::{ConfigChange, LabelParameter, RemoveSecret, RotateKey, SetParameter, SetSecret};
use super::{app_meant, config, parameter, secret};
use crate::audit::deeds;
use crate::handle::Handle;
use crate::plane::{Refusal, Scope};

/// What the API may ask about configuration, parameters and secrets. Nothing here gives the value of a secret.
pub trait Settings: Send + Sync + 'static {
    /// The variables of an environment, and where each is from.
    fn config(&self, scope: &Scope) -> Result<ConfigView, Refusal>;
    /// What differs between a revision's settings (without one: those of what serves) and what counts now.
    fn config_diff(&self, scope: &Scope, revision: Option<RevisionNo>) -> Result<ConfigDiff, Refusal>;
    /// Changes what is set at run time, and rolls it out.
    fn config_change(&self, scope: &Scope, asked: ConfigChange) -> Result<SettingChanged, Refusal>;
    /// The secrets of an app: names, versions, fingerprints.
    fn secrets(&self, scope: &Scope) -> Result<SecretList, Refusal>;
    /// Keeps a new version of a secret, and rolls it out where it is used. Without an environment: of all that have none of their own.
    fn secret_set(&self, scope: &Scope, asked: SetSecret) -> Result<SettingChanged, Refusal>;
    /// Removes a secret that nothing uses.
    fn secret_remove(&self, scope: &Scope, asked: RemoveSecret) -> Result<SettingChanged, Refusal>;
    /// Makes a new key and encrypts every secret with it.
    fn secret_rotate_key(&self, asked: RotateKey) -> Result<KeyRotated, Refusal>;
    /// The parameters below a path; empty: all.
    fn parameters(&self, under: &str) -> Result<ParameterList, Refusal>;
    /// The versions of a parameter.
    fn parameter_history(&self, path: &ParameterPath) -> Result<ParameterList, Refusal>;
    /// Keeps a new version of a parameter.
    fn parameter_set(&self, asked: SetParameter) -> Result<SettingChanged, Refusal>;
    /// Gives a label to a version of a parameter.
    fn parameter_label(&self, asked: LabelParameter) -> Result<SettingChanged, Refusal>;
}

impl Handle {
    /// With the app that is meant, where that is clear.
    fn with_app(&self, scope: &Scope) -> Scope {
        let app = self.read(|answers| app_meant(answers.store, scope.app.as_ref())).ok();
        Scope { app, environment: scope.environment.clone() }
    }
}

impl Settings for Handle {
    fn config(&self, scope: &Scope) -> Result<ConfigView, Refusal> {
        self.read(|answers| config::view(answers.store, scope))
    }

    fn config_diff(&self, scope: &Scope, revision: Option<RevisionNo>) -> Result<ConfigDiff, Refusal> {
        self.read(|answers| config::diff(answers.store, scope, revision))
    }

    fn config_change(&self, scope: &Scope, asked: ConfigChange) -> Result<SettingChanged, Refusal> {
        let scope = scope.clone();
        let deed = deeds::config(&scope, &asked);
        self.change(deed, move |world, time| config::change(world, time, &scope, &asked))
    }

    fn secrets(&self, scope: &Scope) -> Result<SecretList, Refusal> {
        self.read(|answers| secret::list(answers.store, scope))
    }

    fn secret_set(&self, scope: &Scope, asked: SetSecret) -> Result<SettingChanged, Refusal> {
        let scope = self.with_app(scope);
        let deed = deeds::secret_set(&scope, &asked);
        self.change(deed, move |world, time| secret::set(world, time, &scope, &asked))
    }

    fn secret_remove(&self, scope: &Scope, asked: RemoveSecret) -> Result<SettingChanged, Refusal> {
        let scope = self.with_app(scope);
        let deed = deeds::secret_remove(&scope, &asked);
        self.change(deed, move |world, time| secret::remove(world, time, &scope, &asked))
    }

    fn secret_rotate_key(&self, asked: RotateKey) -> Result<KeyRotated, Refusal> {
        self.change(deeds::secret_rotate_key(&asked), move |world, time| secret::rotate(world, time, &asked))
    }

    fn parameters(&self, under: &str) -> Result<ParameterList, Refusal> {
        self.read(|answers| parameter::list(answers.store, under))
    }

    fn parameter_history(&self, path: &ParameterPath) -> Result<ParameterList, Refusal> {
        self.read(|answers| parameter::history(answers.store, path))
    }

    fn parameter_set(&self, asked: SetParameter) -> Result<SettingChanged, Refusal> {
        self.change(deeds::param_set(&asked), move |world, time| parameter::set(world, time, &asked))
    }

    fn parameter_label(&self, asked: LabelParameter) -> Result<SettingChanged, Refusal> {
        self.change(deeds::param_label(&asked), move |world, time| parameter::label(world, time, &asked))
    }
}
