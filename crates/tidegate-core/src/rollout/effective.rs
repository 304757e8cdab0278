//! Which strategy a service can really have. `plan` prints it before, the rollout uses it after: one function for both.

use crate::model::{Effective, RolloutKind, ServiceSpec, Strategy, StrategyKind};

/// The strategy that a rollout of `spec` to `desired` instances will use.
pub fn effective(spec: &ServiceSpec, desired: u32, kind: RolloutKind, has_stable: bool) -> Effective {
    let mut effective = of_service(spec, desired, kind, has_stable);
    // Nothing is to keep a service from a revision that served before, or from its first one.
    if kind == RolloutKind::Rollback || !has_stable {
        effective.strategy.checks.clear();
    }
    effective
}

fn of_service(spec: &ServiceSpec, desired: u32, kind: RolloutKind, has_stable: bool) -> Effective {
    let asked = &spec.strategy;
    if spec.exclusive() && has_stable {
        return Effective {
            strategy: Strategy { batch: desired.max(1), ..of_kind(asked, StrategyKind::Rolling) },
            why: Some(
                "the service has a fixed port, so stable must stop before the candidate can start: requests fail in between; \
                 use `port: auto` and `$PORT` to avoid that"
                    .to_owned(),
            ),
            zero_downtime: false,
        };
    }
    if kind == RolloutKind::Rollback {
        return plain(
            of_kind(asked, StrategyKind::BlueGreen),
            Some("a rollback is always one swap".to_owned()),
        )
        .unless_asked(asked.kind);
    }
    if let Some(why) = without_steps(asked, desired, has_stable) {
        return plain(of_kind(asked, StrategyKind::AllAtOnce), Some(why.to_owned()));
    }
    match asked.kind {
        StrategyKind::Rolling if desired <= 1 => plain(
            of_kind(asked, StrategyKind::RollingWithExtraBatch),
            Some(
                "with one instance, rolling would leave none in rotation: an extra one is started first"
                    .to_owned(),
            ),
        ),
        StrategyKind::Rolling if asked.batch >= desired => plain(
            Strategy { batch: desired - 1, ..asked.clone() },
            Some(format!("a batch of {} would leave none of {desired} instances in rotation", asked.batch)),
        ),
        StrategyKind::RollingWithExtraBatch if asked.batch > desired.max(1) => plain(
            Strategy { batch: desired.max(1), ..asked.clone() },
            Some(format!("a batch of {} is more than the {desired} instances there are", asked.batch)),
        ),
        StrategyKind::Rolling
        | StrategyKind::RollingWithExtraBatch
        | StrategyKind::AllAtOnce
        | StrategyKind::Immutable
        | StrategyKind::BlueGreen
        | StrategyKind::Canary
        | StrategyKind::Phased
        | StrategyKind::AB
        | StrategyKind::ParallelRun
        | StrategyKind::ParallelAdoption => plain(asked.clone(), None),
    }
}

/// Why there is nothing to go by steps with.
fn without_steps(asked: &Strategy, desired: u32, has_stable: bool) -> Option<&'static str> {
    if !asked.kind.has_steps() {
        None
    } else if !has_stable {
        Some("there is no stable revision yet to compare with: all instances start at once")
    } else if desired == 0 {
        Some("the service is scaled to 0 instances: there is nothing to give a share to")
    } else {
        None
    }
}

/// The same options; steps only where the kind goes by them.
fn of_kind(asked: &Strategy, kind: StrategyKind) -> Strategy {
    let steps = if kind.has_steps() { asked.steps.clone() } else { Vec::new() };
    Strategy { kind, steps, ..asked.clone() }
}

fn plain(strategy: Strategy, why: Option<String>) -> Effective {
    Effective { strategy, why, zero_downtime: true }
}

impl Effective {
    fn unless_asked(mut self, asked: StrategyKind) -> Self {
        if self.strategy.kind == asked {
            self.why = None;
        }
        self
    }
}
