//! Whoever asks, as handlers meet them: for what only they find out the place of, and for lists of several places.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tidegate_control::access::{AccessDesk, Asked, Gate, Subject, Verdict, forbidden};
use tidegate_control::{BreakGlass, Refusal, RefusalKind};
use tidegate_core::access::{Action, Admission, Caller, Holder, Place, Who};
use tidegate_core::model::Name;

use super::Decided;
use crate::server::Shared;
use crate::server::problem::Refused;

/// Whoever asks. In the extensions of each request that was let in.
#[derive(Clone, Debug)]
pub(in crate::server) struct Asker {
    admission: Admission,
    action: Action,
    decided: Arc<Mutex<Option<Decided>>>,
}

impl Asker {
    /// Somebody who asks for something.
    pub(in crate::server) fn new(admission: &Admission, action: Action) -> Self {
        Asker { admission: admission.clone(), action, decided: Arc::default() }
    }

    /// By what they were let in.
    pub(in crate::server) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Who is written down as having asked, from who the request says did.
    pub(in crate::server) fn signs(&self, claimed: &str) -> String {
        self.admission.signs(claimed)
    }

    /// The same of somebody who passes over the rules of an environment.
    pub(in crate::server) fn glass(&self, claimed: Option<BreakGlass>) -> Option<BreakGlass> {
        claimed.map(|glass| BreakGlass { by: self.signs(&glass.by), ..glass })
    }

    /// The same, who decides about users or does not: what was just found out.
    pub(super) fn managing(mut self, manages: bool) -> Self {
        self.admission.admin = manages;
        self
    }

    /// A question about something.
    pub(super) fn asking(&self, action: Action, subject: Subject) -> Asked {
        let ceiling = self.admission.ceiling();
        Asked { ceiling, ..Asked::new(self.caller().clone(), action, subject) }
    }

    /// Who it is.
    pub(in crate::server) fn caller(&self) -> &Caller {
        &self.admission.caller
    }

    /// What was decided about last.
    pub(in crate::server) fn decided(&self) -> Option<Decided> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the control plane.
    pub(super) async fn judge(&self, shared: &Shared, asked: Asked) -> Result<Verdict, Refused> {
        let verdict = on_desk(shared, move |desk| desk.judge(&asked)).await?;
        self.note(&verdict);
        Ok(verdict)
    }

    fn note(&self, verdict: &Verdict) {
        let decided = Decided::by(self.caller(), verdict);
        *self.decided.lock().unwrap_or_else(PoisonError::into_inner) = Some(decided);
    }

    /// Refuses whoever has no role at all.
    pub(super) async fn has_a_role(&self, shared: &Shared) -> Result<(), Refused> {
        let (caller, ceiling) = (self.caller().clone(), self.admission.ceiling());
        let own = Holder::of(&caller.who);
        let listed = on_desk(shared, move |desk| desk.roles(&caller, &ceiling)).await?;
        let is_theirs = |who: &Holder| Some(who) == own.as_ref() || matches!(who, Holder::Group(_));
        if listed.bindings.iter().any(|binding| is_theirs(&binding.who)) {
            return Ok(());
        }
        let asked = self.asking(self.action, Subject::Place(Place::Everywhere));
        let verdict = self.judge(shared, asked).await?;
        if verdict.decision.allowed { Ok(()) } else { Err(forbidden(&self.caller().who, &verdict).into()) }
    }

    /// Refuses what may not be done in a place.
    pub(in crate::server) async fn must(
        &self,
        shared: &Shared,
        place: Place,
        glass: bool,
    ) -> Result<(), Refused> {
        if self.caller().who == Who::Owner {
            return Ok(());
        }
        let asked = Asked { glass, ..self.asking(self.action, Subject::Place(place)) };
        let verdict = self.judge(shared, asked).await?;
        if verdict.decision.allowed { Ok(()) } else { Err(forbidden(&self.caller().who, &verdict).into()) }
    }

    /// The question for a call that finds out itself where its upload goes.
    pub(in crate::server) fn gate(&self, shared: &Shared, glass: bool) -> Gate {
        if self.caller().who == Who::Owner {
            return Gate::open();
        }
        let (asker, desk) = (self.clone(), shared.access.clone());
        Gate::asking(move |app, environment, protects| {
            let desk = desk.as_ref().ok_or_else(no_desk)?;
            let place = Place::Environment(app.clone(), environment.clone());
            let asked = asker.asking(asker.action, Subject::Place(place));
            let verdict = desk.0.judge(&Asked { glass, protects, ..asked })?;
            asker.note(&verdict);
            if verdict.decision.allowed { Ok(()) } else { Err(forbidden(&asker.caller().who, &verdict)) }
        })
    }

    /// Leaves in a list what may be read. `place`: where one of it is; `None`: nobody knows, so it is the installation's.
    pub(in crate::server) async fn sift<T>(
        &self,
        shared: &Shared,
        list: &mut Vec<T>,
        place: impl Fn(&T) -> Option<Place>,
    ) -> Result<(), Refused> {
        if self.caller().who == Who::Owner || list.is_empty() {
            return Ok(());
        }
        let of = |one: &T| place(one).unwrap_or(Place::Everywhere);
        let places: BTreeSet<Place> = list.iter().map(of).collect();
        let (caller, ceiling) = (self.caller().clone(), self.admission.ceiling());
        let readable = on_desk(shared, move |desk| desk.readable(&caller, &ceiling, places)).await?;
        list.retain(|one| readable.contains(&of(one)));
        Ok(())
    }

    /// Whether everything is shown to them.
    pub(in crate::server) fn sees_all(&self) -> bool {
        self.caller().who == Who::Owner
    }
}

/// Where no layer was: nobody, who may nothing.
impl FromRequestParts<Shared> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Infallible> {
        let nobody = || Asker::new(&Admission::nobody(), Action::Administer);
        Ok(parts.extensions.get::<Asker>().cloned().unwrap_or_else(nobody))
    }
}

/// The place of what an answer says of itself.
pub(in crate::server) fn place_of(app: Option<&str>, environment: Option<&str>) -> Option<Place> {
    let name = |text: Option<&str>| text.map(str::parse::<Name>).transpose().ok();
    Place::of(name(app)?.as_ref(), name(environment)?.as_ref()).ok()
}

/// Asks who answers about access, on the blocking pool.
pub(in crate::server) async fn on_desk<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn AccessDesk) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let desk = shared.access.clone().ok_or_else(no_desk)?;
    match tokio::task::spawn_blocking(move || call(&*desk.0)).await {
        Ok(answer) => Ok(answer?),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

fn no_desk() -> Refusal {
    Refusal::new(
        RefusalKind::Invalid,
        tidegate_control::access::FORBIDDEN,
        "nobody but the owner is let in here",
    )
    .help("ask whoever runs this Tidegate")
}
