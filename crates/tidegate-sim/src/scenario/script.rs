//! A script's lines as commands.

use std::collections::BTreeMap;

use tidegate_core::model::{Inconclusive, Phase, PortSpec, Request, ServiceSpec, SiteSpec, StrategyKind};
use tidegate_core::time::Millis;

use super::steps;
use crate::story::{Fault, check, service, strategy};

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Deploys a revision of the service.
    Deploy {
        /// What people call it; part of the command that instances run.
        revision: String,
        /// The service.
        service: String,
        /// What it is.
        spec: Box<ServiceSpec>,
        /// The build command.
        build: Option<String>,
        /// The migration.
        migrate: Option<String>,
    },
    /// Another service of the next deploy: written as one.
    Beside(String, Box<ServiceSpec>),
    /// From now on these services are rolled out as one, in this order.
    Train(String, Vec<String>),
    /// Asks something of the rollout.
    Ask(Request),
    /// Rolls back.
    Rollback,
    /// Retries.
    Retry,
    /// Scales.
    Scale(u32),
    /// Waits this long.
    Wait(Millis),
    /// Waits until nothing moves.
    WaitRest,
    /// Waits until the rollout is in this phase.
    WaitPhase(Phase),
    /// The control plane crashes and begins again; at each of the next passes, this many times.
    Crash(u32),
    /// Ends an instance from outside.
    Kill,
    /// The gateway says what it counts: candidates are judged by that.
    Judge,
    /// So many times the requests from here on.
    Traffic(u64),
    /// A share of everybody's answers is bad for so long.
    Outage(Millis),
    /// The build of the revision before stable is removed, as if to make room.
    Prune,
    /// A person asks for something, and it is refused.
    Cannot(Box<Command>),
    /// Something goes wrong.
    Suffer(Fault),
    /// What must hold now: service and values by name.
    Expect(String, BTreeMap<String, String>),
}

/// Reads a script; each command with its line.
///
/// # Errors
/// The first line that is not understood, with its number.
pub fn parse(text: &str) -> Result<Vec<(String, Command)>, String> {
    let mut commands = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let command = command(line).map_err(|error| format!("line {}: `{line}`: {error}", number + 1))?;
            commands.push((line.to_owned(), command));
        }
    }
    Ok(commands)
}

fn command(line: &str) -> Result<Command, String> {
    let mut words = line.split_whitespace();
    let verb = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let first = rest.first().copied().unwrap_or_default();
    let span = || first.parse::<Millis>().map_err(|error| error.to_string());
    let number = || first.parse::<u32>().map_err(|_| format!("`{first}` is not a number"));
    Ok(match verb {
        "deploy" => deploy(&rest)?,
        "beside" => beside(&rest)?,
        "train" => train(first)?,
        "rollback" => Command::Rollback,
        "retry" => Command::Retry,
        "abort" => Command::Ask(Request::Abort),
        "pause" => Command::Ask(Request::Pause),
        "resume" => Command::Ask(Request::Resume),
        "promote" => Command::Ask(Request::Promote),
        "scale" => Command::Scale(number()?),
        "wait" if first == "rest" => Command::WaitRest,
        "wait" => phase(first).map_or_else(|| span().map(Command::Wait), |p| Ok(Command::WaitPhase(p)))?,
        "crash" => Command::Crash(if first.is_empty() { 1 } else { number()? }),
        "kill" => Command::Kill,
        "cannot" => Command::Cannot(Box::new(command(&rest.join(" "))?)),
        "judge" => Command::Judge,
        "traffic" => Command::Traffic(first.trim_start_matches('x').parse().map_err(|_| "how many times?")?),
        "outage" => Command::Outage(span()?),
        "prune" => Command::Prune,
        "gateway-down" => Command::Suffer(Fault::KillGateway(span()?)),
        "gateway-slow" => Command::Suffer(Fault::SlowGateway(span()?)),
        "freeze" => Command::Suffer(Fault::FreezeView(span()?)),
        "stall" => Command::Suffer(Fault::Stall(span()?)),
        "clock" => Command::Suffer(Fault::JumpClock(if first == "-1h" { -3_600_000 } else { 3_600_000 })),
        "expect" => Command::Expect(first.to_owned(), values(rest.get(1..).unwrap_or_default())?),
        _ => return Err("there is no such command".to_owned()),
    })
}

fn values(words: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let pair = |word: &&str| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("`{word}` has no `=`"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.iter().map(pair).collect()
}

fn deploy(words: &[&str]) -> Result<Command, String> {
    let (names, options): (Vec<&str>, Vec<&str>) = words.iter().partition(|word| !word.contains('='));
    let revision = (*names.first().ok_or("which revision?")?).to_owned();
    let options = values(&options)?;
    let number = |name: &str, default: u32| {
        options.get(name).map_or(Ok(default), |text| text.parse().map_err(|_| format!("{name}={text}")))
    };
    let asked = options.get("strategy").map_or("blue-green", String::as_str);
    let kind = StrategyKind::ALL.into_iter().find(|kind| kind.as_str() == asked);
    let mut strategy = strategy(kind.ok_or_else(|| format!("no strategy `{asked}`"))?, number("batch", 1)?);
    if let Some(written) = options.get("steps") {
        strategy.steps = steps::parse(written)?;
    }
    if options.get("inconclusive").is_some_and(|word| word == "abort") {
        strategy.inconclusive = Inconclusive::Abort;
    }
    if let Some(bake) = options.get("bake") {
        strategy.bake = bake.parse().map_err(|_| format!("bake={bake}"))?;
    }
    let port = match options.get("port").map(String::as_str) {
        None | Some("auto") => PortSpec::Auto,
        Some("none") => PortSpec::None,
        Some(port) => PortSpec::Fixed(port.parse().map_err(|_| format!("port={port}"))?),
    };
    let words = |name: &str| options.get(name).map(|text| format!("{name} {}", text.replace(',', " ")));
    let behaviour = words("behaviour").unwrap_or_default();
    let command = format!("{revision} {behaviour}");
    for (name, guards) in [("guard", true), ("check", false)] {
        strategy.checks.extend(words(name).map(|command| (name.to_owned(), check(&command, guards))));
    }
    let mut spec = Box::new(service(port, number("instances", 2)?, strategy, &command));
    if let Some(root) = options.get("static") {
        spec.port = PortSpec::None;
        spec.site = Some(SiteSpec { root: root.clone(), spa: false, not_found: None });
    }
    let service = names.get(1).copied().unwrap_or("web").to_owned();
    Ok(Command::Deploy { revision, service, spec, build: words("build"), migrate: words("migrate") })
}

fn beside(words: &[&str]) -> Result<Command, String> {
    match deploy(words)? {
        Command::Deploy { service, spec, .. } => Ok(Command::Beside(service, spec)),
        _ => Err("it is no service".to_owned()),
    }
}

fn train(word: &str) -> Result<Command, String> {
    let (name, order) = word.split_once('=').ok_or("a train is `name=web,api`")?;
    Ok(Command::Train(name.to_owned(), order.split(',').map(str::to_owned).collect()))
}

fn phase(word: &str) -> Option<Phase> {
    [Phase::Pending, Phase::Progressing, Phase::Paused, Phase::Promoting, Phase::Aborting]
        .into_iter()
        .find(|phase| phase.as_str() == word)
}
