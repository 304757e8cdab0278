//! `tidegate explain` as text: the answer first, then the evidence, then what can be done.

use tidegate_core::model::Evidence;
use tidegate_core::view::Explanation;

use super::text::quoted;
use super::timeline::event_line;

/// The answer, the evidence, the events, what to do next.
pub fn explanation(explanation: &Explanation) -> String {
    let head = explanation.rollout.as_ref().map_or(String::new(), |rollout| {
        format!(
            "rollout {} of {}/{}/{} to {}: {}\n",
            rollout.id, rollout.app, rollout.environment, rollout.service, rollout.to, rollout.phase
        )
    });
    let parts = [
        format!("{head}{}\n", explanation.summary),
        explanation.evidence.as_ref().map_or(String::new(), evidence),
        explanation.rollout.as_ref().map_or(String::new(), |rollout| {
            let bad = rollout.bad_requests.iter().map(ToString::to_string);
            listed("some of its bad answers (x-request-id, path, status, instance):", bad)
        }),
        listed("what happened:", explanation.events.iter().map(event_line)),
        listed("what to do next:", explanation.next.iter().map(|next| format!("`{next}`"))),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn evidence(evidence: &Evidence) -> String {
    let mut facts = Vec::new();
    if let Some(exit) = &evidence.exit {
        facts.push(format!("it ended: {exit}, after {:.1} s", exit.ran_ms as f64 / 1_000.0));
    }
    if let Some(probe) = &evidence.last_probe {
        facts.push(format!("the last {} probe: {}", probe.probe, probe.answer));
    }
    if let Some(port) = evidence.port {
        facts.push(format!("it was given port {port}"));
    }
    match evidence.listening.as_deref() {
        Some([]) => facts.push("it listened on no port".to_owned()),
        Some(ports) => {
            let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
            facts.push(format!("it listened on {}", ports.join(", ")));
        }
        None => {}
    }
    let who = evidence.instance.as_ref().map_or("the evidence".to_owned(), |id| format!("seen on {id}"));
    let facts = listed(&format!("{who}:"), facts.into_iter());
    let words = quoted("its last words:", &evidence.last_output);
    [facts, words].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn listed(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("  {line}\n")).collect();
    if lines.is_empty() { lines } else { format!("{title}\n{lines}") }
}
