//! Configuration set at run time, secrets and parameters. No answer has the value of a secret.

use axum::extract::State;
use serde_json::Value;
use tidegate_control::setting::{
    ConfigChange, LabelParameter, RemoveSecret, RotateKey, SetParameter, SetSecret,
};
use tidegate_core::access::Action;
use tidegate_core::view::{ConfigDiff, ConfigView, KeyRotated, ParameterList, SecretList, SettingChanged};

use crate::server::Shared;
use crate::server::access::Asker;
use crate::server::access::need::{At, Glass};
use crate::server::ask::Answer;
use crate::server::endpoint::Endpoint;
use crate::server::extract::{JsonBody, Params};
use crate::server::problem::Refused;
use crate::server::setting_desk::ask_settings;
use crate::wire::{ConfigDiffParams, HistoryParams, ScopeParams, UnderParams};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let config = "The variables of an environment, and where each is from";
    let diff = "What differs between a revision's settings and those that count now";
    let change = "Change variables of an environment at run time, and roll it out";
    let set = "Set a secret, and roll it out where it is used; nobody reads it back";
    let label = "Give a label to a version of a parameter";
    let rotate_key = "Encrypt secrets with a new key";
    vec![
        Endpoint::get("/v1/config", "config", config, get)
            .needs(Action::Read, At::Scope)
            .query::<ScopeParams>()
            .gives::<ConfigView>(),
        Endpoint::get("/v1/config/diff", "config_diff", diff, differences)
            .needs(Action::Read, At::Scope)
            .query::<ConfigDiffParams>()
            .gives::<ConfigDiff>(),
        Endpoint::post("/v1/config/change", "config_change", change, config_change)
            .needs(Action::Configure, At::Scope)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<ConfigChange>()
            .gives::<SettingChanged>(),
        Endpoint::get("/v1/secrets", "secrets", "The secrets of an app: names and versions", secrets)
            .needs(Action::Read, At::Filtered)
            .query::<ScopeParams>()
            .gives::<SecretList>(),
        Endpoint::post("/v1/secrets/set", "secret_set", set, secret_set)
            .needs(Action::Secrets, At::Filtered)
            .breaks_glass(Glass::Body)
            .query::<ScopeParams>()
            .takes::<SetSecret>()
            .gives::<SettingChanged>(),
        Endpoint::post("/v1/secrets/remove", "secret_remove", "Remove a secret", secret_remove)
            .needs(Action::Secrets, At::Filtered)
            .query::<ScopeParams>()
            .takes::<RemoveSecret>()
            .gives::<SettingChanged>(),
        Endpoint::post("/v1/secrets/rotate-key", "secret_rotate_key", rotate_key, rotate)
            .needs(Action::Administer, At::Installation)
            .takes::<RotateKey>()
            .gives::<KeyRotated>(),
        // Apps of others may refer to a parameter, and who does is shown with it.
        Endpoint::get("/v1/parameters", "parameters", "Parameters, by their paths", parameters)
            .needs(Action::Read, At::Installation)
            .query::<UnderParams>()
            .gives::<ParameterList>(),
        Endpoint::get("/v1/parameters/history", "parameter_history", "Versions of a parameter", history)
            .needs(Action::Read, At::Installation)
            .query::<HistoryParams>()
            .gives::<ParameterList>(),
        Endpoint::post("/v1/parameters/set", "parameter_set", "Set a parameter", parameter_set)
            .needs(Action::Configure, At::Installation)
            .breaks_glass(Glass::Body)
            .takes::<SetParameter>()
            .gives::<SettingChanged>(),
        Endpoint::post("/v1/parameters/label", "parameter_label", label, parameter_label)
            .needs(Action::Configure, At::Installation)
            .breaks_glass(Glass::Body)
            .takes::<LabelParameter>()
            .gives::<SettingChanged>(),
    ]
}

async fn get(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<ConfigView> {
    ask_settings(&shared, move |desk| desk.config(&scope.into())).await
}

async fn differences(
    State(shared): State<Shared>,
    Params(asked): Params<ConfigDiffParams>,
) -> Answer<ConfigDiff> {
    ask_settings(&shared, move |desk| desk.config_diff(&asked.scope(), asked.revision)).await
}

async fn config_change(
    State(shared): State<Shared>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(asked): JsonBody<ConfigChange>,
) -> Answer<SettingChanged> {
    let asked = ConfigChange { by: asker.signs(&asked.by), ..asked };
    ask_settings(&shared, move |desk| desk.config_change(&scope.into(), asked)).await
}

async fn secrets(State(shared): State<Shared>, Params(scope): Params<ScopeParams>) -> Answer<SecretList> {
    ask_settings(&shared, move |desk| desk.secrets(&scope.into())).await
}

/// Whatever is wrong with the body is not told by quoting it: it has a secret in it.
async fn secret_set(
    State(shared): State<Shared>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(body): JsonBody<Value>,
) -> Answer<SettingChanged> {
    let unread = |_| Refused::bad_request("the body is not `{name, value, later, by, break_glass}`");
    let asked: SetSecret = serde_json::from_value(body).map_err(unread)?;
    let asked = SetSecret { by: asker.signs(&asked.by), ..asked };
    ask_settings(&shared, move |desk| desk.secret_set(&scope.into(), asked)).await
}

async fn secret_remove(
    State(shared): State<Shared>,
    asker: Asker,
    Params(scope): Params<ScopeParams>,
    JsonBody(asked): JsonBody<RemoveSecret>,
) -> Answer<SettingChanged> {
    let asked = RemoveSecret { by: asker.signs(&asked.by), ..asked };
    ask_settings(&shared, move |desk| desk.secret_remove(&scope.into(), asked)).await
}

async fn rotate(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(asked): JsonBody<RotateKey>,
) -> Answer<KeyRotated> {
    let asked = RotateKey { by: asker.signs(&asked.by) };
    ask_settings(&shared, move |desk| desk.secret_rotate_key(asked)).await
}

async fn parameters(
    State(shared): State<Shared>,
    Params(asked): Params<UnderParams>,
) -> Answer<ParameterList> {
    ask_settings(&shared, move |desk| desk.parameters(&asked.under)).await
}

async fn history(
    State(shared): State<Shared>,
    Params(asked): Params<HistoryParams>,
) -> Answer<ParameterList> {
    ask_settings(&shared, move |desk| desk.parameter_history(&asked.path)).await
}

async fn parameter_set(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(asked): JsonBody<SetParameter>,
) -> Answer<SettingChanged> {
    let asked = SetParameter { by: asker.signs(&asked.by), ..asked };
    ask_settings(&shared, move |desk| desk.parameter_set(asked)).await
}

async fn parameter_label(
    State(shared): State<Shared>,
    asker: Asker,
    JsonBody(asked): JsonBody<LabelParameter>,
) -> Answer<SettingChanged> {
    let asked = LabelParameter { by: asker.signs(&asked.by), ..asked };
    ask_settings(&shared, move |desk| desk.parameter_label(asked)).await
}
