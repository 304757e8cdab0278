//! The client's calls about roles and policies.

use http::Method;
use tidegate_core::access::{Action, Holder, Place};
use tidegate_core::view::{AccessExplanation, AccessList, BindingChanged, PolicySetView};

use super::request::Ask;
use super::{Client, ClientError};
use crate::wire::{AccessParams, PoliciesBody, PolicyParams, RoleBody};

const POLICIES: &str = "/v1/policies";

impl Client {
    /// The roles one may manage, and one's own.
    pub async fn access_list(&self) -> Result<AccessList, ClientError> {
        self.json(Ask::get("/v1/access")).await
    }

    /// Gives a role.
    pub async fn access_grant(&self, role: &RoleBody) -> Result<BindingChanged, ClientError> {
        self.json(Ask::post("/v1/access/grant").body(role)?).await
    }

    /// Takes a role.
    pub async fn access_revoke(&self, role: &RoleBody) -> Result<BindingChanged, ClientError> {
        self.json(Ask::post("/v1/access/revoke").body(role)?).await
    }

    /// Why somebody may do something in a place, or may not.
    pub async fn access_explain(
        &self,
        who: &Holder,
        action: Action,
        place: &Place,
    ) -> Result<AccessExplanation, ClientError> {
        let asked = AccessParams { who: who.clone(), action, place: place.clone() };
        self.json(Ask::get("/v1/access/explain").query(&asked)?).await
    }

    /// The policies in force, or those of an earlier version.
    pub async fn policies(&self, version: Option<u64>) -> Result<PolicySetView, ClientError> {
        self.json(Ask::get(POLICIES).query(&PolicyParams { version })?).await
    }

    /// Puts one's own policies in place of those there are.
    pub async fn set_policies(&self, policies: &PoliciesBody) -> Result<PolicySetView, ClientError> {
        self.json(Ask::new(Method::PUT, POLICIES).body(policies)?).await
    }
}
