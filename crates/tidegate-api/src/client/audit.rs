//! The client's calls about the audit log.

use tidegate_core::audit::Link;
use tidegate_core::view::{AuditPage, AuditStanding};

use super::request::Ask;
use super::{Client, ClientError, Lines};
use crate::wire::{AuditLinkParams, AuditParams};

impl Client {
    /// Entries, the newest first.
    pub async fn audit_list(&self, asked: &AuditParams) -> Result<AuditPage, ClientError> {
        self.json(Ask::get("/v1/audit").query(asked)?).await
    }

    /// Entries after a number as they are kept; at most 1,000.
    pub async fn audit_links(&self, after: u64) -> Result<Lines<Link>, ClientError> {
        self.lines(Ask::get("/v1/audit/links").query(&AuditLinkParams { after, most: 0 })?).await
    }

    /// How far the log has come.
    pub async fn audit_head(&self) -> Result<AuditStanding, ClientError> {
        self.json(Ask::get("/v1/audit/head")).await
    }
}
