//! Who asks, for handlers: what is written down as having asked is who was let in, whatever a request says of itself. Whoever runs this
//! Tidegate speaks for people: of the owner's requests the claim stays what it says.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tidegate_control::BreakGlass;
use tidegate_core::access::Admission;

use super::Shared;
use super::problem::Refused;

/// Who was let in.
pub(super) struct Asker(pub(super) Admission);

impl Asker {
    /// Who is written down as having asked, from who the request says did.
    pub(super) fn signs(&self, claimed: &str) -> String {
        self.0.signs(claimed)
    }

    /// The same of somebody who passes over the rules of an environment.
    pub(super) fn glass(&self, claimed: Option<BreakGlass>) -> Option<BreakGlass> {
        claimed.map(|glass| BreakGlass { by: self.signs(&glass.by), ..glass })
    }
}

impl FromRequestParts<Shared> for Asker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Refused> {
        let found = parts.extensions.get::<Admission>().cloned();
        found.map(Asker).ok_or_else(|| Refused::bug("a request came past the guard"))
    }
}
