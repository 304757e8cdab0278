//! Which strategy a service can really have. `plan` prints it before, the rollout uses it after: one function for both.

use crate::model::{Effective, RolloutKind, ServiceSpec, Strategy, StrategyKind};

/// The strategy that a rollout of `spec` to `desired` instances will use.
pub fn effective(spec: &ServiceSpec, desired: u32, kind: RolloutKind, has_stable: bool) -> Effective {
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
        | StrategyKind::BlueGreen => plain(asked.clone(), None),
    }
}

fn of_kind(asked: &Strategy, kind: StrategyKind) -> Strategy {
    Strategy { kind, ..asked.clone() }
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
