//! The strategy of a service, and the steps it has where none are written.

use tidegate_core::model::{Strategy, StrategyKind};

use super::fit::Fit;
use crate::findings::Findings;
use crate::raw::RawService;

/// The strategy; one that the service cannot have is reported.
pub(super) fn compile(raw: &RawService, fit: &Fit, findings: &mut Findings<'_>) -> Strategy {
    let Some(written) = raw.strategy.get() else { return Strategy::new(StrategyKind::BlueGreen) };
    let mut strategy = written.value.0.clone();
    if strategy.kind == StrategyKind::Canary && strategy.steps.is_empty() {
        strategy.steps = Strategy::default_steps(fit.takes_requests());
    }
    fit.check(&strategy, written.span, raw.port.get().map(|port| port.span), findings);
    strategy
}
