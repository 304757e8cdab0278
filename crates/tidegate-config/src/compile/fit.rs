//! Which strategies a service can have, by what it is. What cannot be had is an error here, before anything is deployed, rather
//! than something milder later.

use tidegate_core::model::{PortSpec, Protocol, Step, Strategy, StrategyKind as Kind};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::span::Span;

/// What of a service says which strategies it can have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// How it listens.
    pub(super) port: PortSpec,
    /// Whether it is a folder of files, without instances.
    pub(super) is_files: bool,
    /// Whether it never has more than one instance.
    pub(super) is_one: bool,
    /// Whether anything says when an instance is ready.
    pub(super) is_probed: bool,
    /// What its instances speak.
    pub(super) protocol: Protocol,
}

/// Why a strategy cannot be had, and what to do.
struct Problem {
    message: String,
    help: &'static str,
}

const SIDE_BY_SIDE: &str = "write `port: auto` and listen on $PORT, or choose a strategy that stops stable before the candidate starts, \
                            `rolling` or `all-at-once`: requests fail in between";
const SHARES_OF_INSTANCES: &str =
    "without a port a canary takes a share of the instances: `canary: { steps: [25% for 10m, approve] }`";
const MORE_THAN_ONE: &str = "write `scale: 2`, or choose `rolling-with-extra-batch` or `blue-green`";
const SAYS_READY: &str =
    "add `probes: { ready: { command: … } }`, or choose `all-at-once`, `blue-green` or `canary`";
const OF_FILES: &str = "a folder changes all at once (`blue-green`), or by shares and groups of users (`canary`, `phased`, `a-b`, …)";

impl Fit {
    /// Of a folder of files.
    pub(super) fn of_files() -> Fit {
        let (port, protocol) = (PortSpec::Auto, Protocol::Http1);
        Fit { port, is_files: true, is_one: false, is_probed: true, protocol }
    }

    /// Whether it is requests that it works on.
    pub(super) fn takes_requests(&self) -> bool {
        self.port != PortSpec::None
    }

    /// Reports a strategy that the service cannot have, and one that will decide nothing.
    pub(super) fn check(
        &self,
        strategy: &Strategy,
        at: Span,
        port: Option<Span>,
        findings: &mut Findings<'_>,
    ) {
        if let Some(problem) = self.problem(strategy) {
            let error = Diagnostic::error(codes::STRATEGY_IMPOSSIBLE, problem.message);
            let error = error.at(at, "this strategy").help(problem.help);
            let fixed = port.filter(|_| matches!(self.port, PortSpec::Fixed(_)));
            findings.push(fixed.into_iter().fold(error, |error, port| error.at(port, "fixed port")));
        } else if self.is_grpc() && strategy.kind == Kind::ParallelRun {
            findings.push(of_grpc(at));
        }
    }

    fn problem(&self, strategy: &Strategy) -> Option<Problem> {
        self.of_port(strategy)
            .or_else(|| self.of_worker(strategy))
            .or_else(|| self.of_number(strategy.kind))
            .or_else(|| self.of_folder(strategy))
    }

    /// Two instances cannot listen on one port.
    fn of_port(&self, strategy: &Strategy) -> Option<Problem> {
        let PortSpec::Fixed(number) = self.port else { return None };
        let kind = strategy.kind;
        let stops_first = matches!(kind, Kind::AllAtOnce | Kind::Rolling);
        let message =
            format!("`{kind}` runs two revisions side by side, and both would listen on port {number}");
        (!stops_first).then_some(Problem { message, help: SIDE_BY_SIDE })
    }

    /// What is about requests, or about being ready, means nothing to a service without them.
    fn of_worker(&self, strategy: &Strategy) -> Option<Problem> {
        if self.takes_requests() {
            return None;
        }
        let kind = strategy.kind;
        if let Some(need) = needs_requests(strategy) {
            let message = format!("the service takes no requests, and {need} is about them");
            return Some(Problem { message, help: SHARES_OF_INSTANCES });
        }
        let waits = matches!(kind, Kind::Rolling | Kind::RollingWithExtraBatch | Kind::Immutable);
        let message = format!(
            "`{kind}` goes on whenever an instance is ready, and without a port or a `ready` probe nothing says when that is"
        );
        (waits && !self.is_probed).then_some(Problem { message, help: SAYS_READY })
    }

    fn of_number(&self, kind: Kind) -> Option<Problem> {
        let alone = kind == Kind::Rolling && self.is_one && !matches!(self.port, PortSpec::Fixed(_));
        let message = "`rolling` stops an instance before it starts the next, and the service has one: none would be left".to_owned();
        alone.then_some(Problem { message, help: MORE_THAN_ONE })
    }

    fn of_folder(&self, strategy: &Strategy) -> Option<Problem> {
        if !self.is_files {
            return None;
        }
        let kind = strategy.kind;
        if matches!(kind, Kind::Rolling | Kind::RollingWithExtraBatch | Kind::Immutable) {
            let message = format!("`{kind}` goes instance by instance, and a folder of files has none");
            return Some(Problem { message, help: OF_FILES });
        }
        let step = strategy.steps.iter().find(|step| matches!(step, Step::Mirror { .. } | Step::Scale(_)))?;
        let message = format!("`{step}` is about instances, and a folder of files has none");
        Some(Problem { message, help: OF_FILES })
    }

    fn is_grpc(&self) -> bool {
        matches!(self.protocol, Protocol::H2c | Protocol::H2)
    }
}

/// What of a strategy means nothing to a service without requests.
fn needs_requests(strategy: &Strategy) -> Option<String> {
    let besides =
        |step: &&Step| matches!(step, Step::Audience { .. } | Step::Mirror { .. } | Step::Analyse { .. });
    let kind = strategy.kind;
    if matches!(kind, Kind::AB | Kind::ParallelRun | Kind::ParallelAdoption) {
        return Some(format!("`{kind}`"));
    }
    strategy.steps.iter().find(besides).map(|step| format!("the step `{step}`"))
}

fn of_grpc(at: Span) -> Diagnostic {
    Diagnostic::warning(codes::STRATEGY_BLIND, "calls of gRPC are POSTs, and answers to those are not judged")
        .at(at, "judges GET, HEAD and OPTIONS")
        .help("a service that has gRPC alone ends inconclusive here: choose `canary` with `header` or `cohort` steps")
}
