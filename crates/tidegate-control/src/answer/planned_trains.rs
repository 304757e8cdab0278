//! The trains of a planned deploy, in words: for `tidegate plan`.

use std::collections::BTreeMap;

use tidegate_core::model::Name;
use tidegate_core::view::{PlannedService, PlannedTrain};

/// The trains that the deploy would begin. A member that has nothing to do is left out, as it is then.
pub(super) fn planned_trains(
    trains: &BTreeMap<Name, Vec<Name>>,
    services: &[PlannedService],
) -> Vec<PlannedTrain> {
    let moves = |name: &&Name| {
        let of = services.iter().find(|service| service.name == name.as_str());
        of.is_some_and(|service| service.action != "unchanged")
    };
    let planned = trains.iter().map(|(train, order)| {
        let services: Vec<String> = order.iter().filter(moves).map(Name::to_string).collect();
        PlannedTrain { name: train.to_string(), steps: steps(&services), services }
    });
    planned.filter(|train| train.services.len() > 1).collect()
}

fn steps(services: &[String]) -> Vec<String> {
    vec![
        "have the candidates of all ready, each reached by the lane of the train alone".to_owned(),
        format!("go by their own steps, one after another: {}", services.join(", then ")),
        "give all of them all requests together, and watch".to_owned(),
        "promote all once all have passed; take all back where one is bad, callers first".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, action: &str) -> PlannedService {
        PlannedService {
            name: name.to_owned(),
            action: action.to_owned(),
            stable: None,
            instances: (1, 1),
            strategy: "blue-green".to_owned(),
            strategy_why: None,
            zero_downtime: true,
            steps: Vec::new(),
            traffic: None,
            changes: Vec::new(),
        }
    }

    #[test]
    fn who_has_nothing_to_do_stays_behind() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let trains = BTreeMap::from([(name("all"), vec![name("web"), name("api"), name("prices")])]);
        let planned = |api: &str| {
            let all = [service("api", api), service("prices", "unchanged"), service("web", "roll out")];
            planned_trains(&trains, &all)
        };
        assert_eq!(planned("roll out")[0].services, ["web", "api"]);
        assert!(planned("unchanged").is_empty());
    }
}
