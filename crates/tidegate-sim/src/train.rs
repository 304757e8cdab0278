//! Stories in which services of an app are rolled out as one.

use tidegate_core::model::{PortSpec, ServiceSpec, StrategyKind};

use crate::story::Act;

/// Puts the services of a deploy that can be in one into a train, those with the later names first. Strategies that cannot wait
/// become ones that can.
pub fn couple(act: &mut Act) {
    let Act::Deploy(plan) = act else { return };
    let fits = |spec: &ServiceSpec| spec.port == PortSpec::Auto;
    let order: Vec<String> =
        plan.services.iter().rev().filter(|(_, spec)| fits(spec)).map(|(name, _)| name.clone()).collect();
    if order.len() < 2 {
        return;
    }
    for spec in plan.services.values_mut().filter(|spec| fits(spec)) {
        if !spec.strategy.kind.has_steps() {
            spec.strategy.kind = StrategyKind::BlueGreen;
        }
    }
    plan.trains.insert("all".to_owned(), order);
}
