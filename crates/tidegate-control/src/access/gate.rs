//! A question that is asked once it is known where an upload goes: its manifest says so, and that is read by the call that takes it.

use tidegate_core::model::Name;

use crate::plane::Refusal;

type Ask = dyn Fn(&Name, &Name, bool) -> Result<(), Refusal> + Send + Sync;

/// Lets a deploy pass, or does not, by its app, its environment and whether its own manifest protects that.
pub struct Gate(Option<Box<Ask>>);

impl Gate {
    /// Lets everything pass: for whoever may do everything.
    pub fn open() -> Self {
        Gate(None)
    }

    /// Asks.
    pub fn asking(ask: impl Fn(&Name, &Name, bool) -> Result<(), Refusal> + Send + Sync + 'static) -> Self {
        Gate(Some(Box::new(ask)))
    }

    /// Whether something for this environment of this app may pass.
    ///
    /// # Errors
    /// The refusal where it may not.
    pub fn pass(&self, app: &Name, environment: &Name, protects: bool) -> Result<(), Refusal> {
        self.0.as_ref().map_or(Ok(()), |ask| ask(app, environment, protects))
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gate").field(&self.0.is_some()).finish()
    }
}
