//! How a service's requests are shared out among its arms and instances.

use tidegate_core::model::{
    ArmRule, Balance, Breaker, Concurrency, Match, Mirror, MirrorTo, Outliers, Protocol, Retries, Sticky,
    Timeouts, TrafficPolicy,
};

use super::Setting;
use super::route::client_key;

/// What is said, in the order of the manifest's keys.
pub(crate) fn of_traffic(policy: &TrafficPolicy) -> Vec<Setting> {
    let assign = &policy.assign;
    let settings = [
        (policy.protocol != Protocol::Http1).then(|| Setting::new("protocol", protocol(policy.protocol))),
        (policy.balance != Balance::LeastRequest).then(|| Setting::new("balance", balance(&policy.balance))),
        policy.zone_aware.then(|| Setting::new("zone_aware", true)),
        policy.slow_start.map(|time| Setting::new("slow_start", time)),
        policy.outliers.map(|policy| Setting::new("outliers", outliers(policy))),
        policy.concurrency.map(|policy| Setting::new("concurrency", concurrency(policy))),
        policy.retries.map(|policy| Setting::new("retries", retries(policy))),
        (!policy.timeouts.is_none()).then(|| Setting::new("timeouts", timeouts(policy.timeouts))),
        policy.breaker.map(|policy| Setting::new("breaker", breaker(policy))),
        assign.sticky.as_ref().map(|policy| Setting::new("sticky", sticky(policy))),
        (!assign.rules.is_empty()).then(|| {
            let rules: Vec<String> = assign.rules.iter().map(rule).collect();
            Setting::new("arms", rules.join("; ")).hiding(&assign.rules)
        }),
        assign.echo.then(|| Setting::new("echo_arm", true)),
        policy.mirror.as_ref().map(|policy| Setting::new("mirror", mirror(policy))),
    ];
    settings.into_iter().flatten().collect()
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "http1",
        Protocol::H2c => "h2c",
        Protocol::Https1 => "https1",
        Protocol::H2 => "h2",
    }
}

fn balance(balance: &Balance) -> String {
    match balance {
        Balance::RoundRobin => "round-robin".to_owned(),
        Balance::LeastRequest => "least-request".to_owned(),
        Balance::PeakEwma => "peak-ewma".to_owned(),
        Balance::Geographic => "geographic".to_owned(),
        Balance::Hash(key) => format!("by hash of {}", client_key(key)),
    }
}

fn outliers(Outliers { consecutive, eject, max_share }: Outliers) -> String {
    format!("out for {eject} after {consecutive} failures, at most {max_share}%")
}

fn concurrency(Concurrency { per_instance, queue, queue_timeout }: Concurrency) -> String {
    format!("{per_instance} per instance, {queue} wait up to {queue_timeout}")
}

fn retries(Retries { attempts, budget, on_5xx }: Retries) -> String {
    let also = if on_5xx { ", answers 502 to 504 too" } else { "" };
    format!("{attempts}, at most {budget}% of requests{also}")
}

fn timeouts(timeouts: Timeouts) -> String {
    let parts = [
        ("connect", timeouts.connect),
        ("first_byte", timeouts.first_byte),
        ("idle", timeouts.idle),
        ("total", timeouts.total),
    ];
    let words: Vec<String> =
        parts.into_iter().filter_map(|(name, time)| Some(format!("{name} {}", time?))).collect();
    words.join(", ")
}

fn breaker(Breaker { failures, min_requests, window, open }: Breaker) -> String {
    format!("open for {open} when {failures}% of at least {min_requests} requests in {window} failed")
}

fn sticky(sticky: &Sticky) -> String {
    match sticky {
        Sticky::Cookie { max_age } => format!("by cookie for {max_age}"),
        Sticky::Key(key) => format!("by {}", client_key(key)),
    }
}

fn rule(rule: &ArmRule) -> String {
    let when: Vec<String> = rule.when.iter().map(condition).collect();
    format!("{} when {}", rule.arm.as_str(), when.join(" and "))
}

/// Without the values: they may be keys or people.
fn condition(condition: &Match) -> String {
    match condition {
        Match::Header { name, .. } => format!("header {name}"),
        Match::Cookie { name, .. } => format!("cookie {name}"),
        Match::Query { name, .. } => format!("query {name}"),
        Match::Path(path) => format!("path {path}"),
        Match::Cohort { by, members } => format!("{} is one of {}", client_key(by), members.len()),
        Match::Country(codes) | Match::Region(codes) => {
            format!("in {}", codes.iter().map(String::as_str).collect::<Vec<_>>().join(" "))
        }
    }
}

fn mirror(mirror: &Mirror) -> String {
    let to = match &mirror.to {
        MirrorTo::Candidate => "candidate",
        MirrorTo::Upstream(name) => name,
    };
    let methods = if mirror.unsafe_methods { ", all methods" } else { "" };
    format!("{}% to {to}{methods}", mirror.percent)
}
