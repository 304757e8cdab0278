//! The strategy of a service: what it takes of the service, and the steps it has where none are written.

use tidegate_core::model::{PortSpec, Step, Strategy, StrategyKind};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::RawService;
use crate::span::Span;

/// The strategy; one that the service cannot have is reported.
pub(super) fn compile(raw: &RawService, port: PortSpec, findings: &mut Findings<'_>) -> Strategy {
    let Some(written) = raw.strategy.get() else { return Strategy::new(StrategyKind::BlueGreen) };
    let mut strategy = written.value.0.clone();
    let takes_requests = port != PortSpec::None;
    if strategy.kind == StrategyKind::Canary && strategy.steps.is_empty() {
        strategy.steps = Strategy::default_steps(takes_requests);
    }
    if strategy.kind.has_steps() {
        check(&strategy, port, raw, written.span, findings);
    }
    strategy
}

fn check(strategy: &Strategy, port: PortSpec, raw: &RawService, at: Span, findings: &mut Findings<'_>) {
    let kind = strategy.kind;
    if let (PortSpec::Fixed(number), Some(port)) = (port, raw.port.get()) {
        let message =
            format!("`{kind}` runs two revisions side by side, and both would listen on port {number}");
        findings.push(
            impossible(message, at)
                .at(port.span, "fixed port")
                .help("write `port: auto` and listen on $PORT, or choose a strategy without steps"),
        );
    }
    let need = (port == PortSpec::None).then(|| needs_requests(strategy)).flatten();
    if let Some(need) = need {
        findings.push(
            impossible(format!("the service takes no requests, and {need} is about them"), at).help(
                "without a port a canary takes a share of the instances: `canary: { steps: [25% for 10m, approve] }`",
            ),
        );
    }
}

/// What of a strategy means nothing to a service without requests.
fn needs_requests(strategy: &Strategy) -> Option<String> {
    let besides =
        |step: &&Step| matches!(step, Step::Audience { .. } | Step::Mirror { .. } | Step::Analyse { .. });
    let kind = strategy.kind;
    if matches!(kind, StrategyKind::AB | StrategyKind::ParallelRun | StrategyKind::ParallelAdoption) {
        return Some(format!("`{kind}`"));
    }
    strategy.steps.iter().find(besides).map(|step| format!("the step `{step}`"))
}

fn impossible(message: String, at: Span) -> Diagnostic {
    Diagnostic::error(codes::STRATEGY_IMPOSSIBLE, message).at(at, "this strategy")
}
