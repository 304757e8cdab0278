//! What the API may ask of the log.

use tidegate_core::audit::{Deed, Filter, Link};
use tidegate_core::view::{AuditPage, AuditRow, AuditStanding};

use crate::answer::{rfc3339, store_trouble};
use crate::handle::Handle;
use crate::plane::Refusal;

/// The most links, or rows, of a page.
pub const LARGEST_PAGE: usize = 1_000;
/// The rows of a page where nothing is said.
const SOME: usize = 50;
/// Entries looked through for one page: what is not found in them is the next page's.
const LOOKED_THROUGH: usize = 20_000;

/// The audit log as the API sees it.
pub trait AuditLog: Send + Sync {
    /// Entries that fit, the newest first.
    fn audit_list(&self, query: &AuditQuery) -> Result<AuditPage, Refusal>;
    /// Entries after a number as they are kept, in their order; at most 1,000.
    fn audit_links(&self, after: u64, most: usize) -> Result<Vec<Link>, Refusal>;
    /// How far the log has come, and what is known of it.
    fn audit_standing(&self) -> Result<AuditStanding, Refusal>;
    /// Enters what never got to the loop.
    fn audit_note(&self, deeds: Vec<Deed>) -> Result<(), Refusal>;
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Those that fit.
    pub filter: Filter,
    /// Only those before this number; `None`: from the newest on.
    pub before: Option<u64>,
    /// At most this many; 0: 50.
    pub most: usize,
}

impl AuditLog for Handle {
    fn audit_list(&self, query: &AuditQuery) -> Result<AuditPage, Refusal> {
        self.read(|answers| {
            let most = if query.most == 0 { SOME } else { query.most.min(LARGEST_PAGE) };
            let (mut rows, mut next, mut looked) = (Vec::new(), query.before.unwrap_or(u64::MAX), 0);
            while rows.len() < most && looked < LOOKED_THROUGH {
                let links = answers.store.audit_links_before(next, LARGEST_PAGE).map_err(store_trouble)?;
                let Some(last) = links.last().map(|link| link.seq) else { return Ok(page(rows, None)) };
                looked += links.len();
                for link in links {
                    next = link.seq;
                    rows.extend(row_of(&link, &query.filter));
                    if rows.len() == most {
                        return Ok(page(rows, Some(next).filter(|next| *next > 1)));
                    }
                }
                next = last;
            }
            Ok(page(rows, Some(next).filter(|next| *next > 1)))
        })
    }

    fn audit_links(&self, after: u64, most: usize) -> Result<Vec<Link>, Refusal> {
        let most = if most == 0 { LARGEST_PAGE } else { most.min(LARGEST_PAGE) };
        self.read(|answers| answers.store.audit_links(after, most).map_err(store_trouble))
    }

    fn audit_standing(&self) -> Result<AuditStanding, Refusal> {
        let known = self.published().audit.known();
        self.read(|answers| {
            let (seq, _) = answers.store.audit_head().map_err(store_trouble)?;
            let last = answers.store.audit_link(seq).map_err(store_trouble)?;
            let at_ms = last.and_then(|link| link.entry().ok()).map_or(0, |entry| entry.at_ms);
            let head = answers.store.audit_anchor(at_ms).map_err(store_trouble)?;
            Ok(AuditStanding {
                head,
                sealed: known.sealed,
                trouble: known.trouble,
                verified: known.verified,
                broken: known.broken,
            })
        })
    }

    fn audit_note(&self, deeds: Vec<Deed>) -> Result<(), Refusal> {
        self.note(deeds)
    }
}

fn page(rows: Vec<AuditRow>, next: Option<u64>) -> AuditPage {
    AuditPage { entries: rows, next }
}

/// The row of a link that fits. One that cannot be read is not passed over in silence, whatever somebody looks for.
fn row_of(link: &Link, filter: &Filter) -> Option<AuditRow> {
    let Link { seq, hash, .. } = *link;
    match link.entry() {
        Ok(entry) if filter.takes(&entry) => {
            Some(AuditRow { seq, hash, at: rfc3339(entry.at_ms), entry: Some(entry) })
        }
        Ok(_) => None,
        Err(_) => Some(AuditRow { seq, hash, at: String::new(), entry: None }),
    }
}
