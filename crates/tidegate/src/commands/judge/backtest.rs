//! `tidegate judge backtest`: how often a policy would have aborted a candidate that is as good as stable, by what a service really
//! answered in the last days.

use clap::Args;
use serde::Serialize;
use tidegate_core::judge::{Judge, Policy, Splitter, Window};
use tidegate_core::model::{Name, Verdict};

use super::options::{PolicyArgs, share};
use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;
use crate::session::Session;

/// Fewer requests than this say nothing.
const FEWEST: u64 = 1_000;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate judge backtest web\n  \
                        tidegate judge backtest web --share 5% --alpha 5% --runs 1000 --json\n\n\
                        The counts of the stable revision are dealt out to two arms that are the same, again and again: every abort is false.")]
pub struct BacktestArgs {
    /// Whose counts
    service: Name,
    /// The candidate's part of the requests
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "10%")]
    share: f64,
    /// How often they are dealt out
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// As printed.
#[derive(Debug, PartialEq, Serialize)]
struct Backtest {
    runs: u32,
    false_aborts: u32,
    promotions: u32,
    seconds: usize,
    requests: u64,
    bad: u64,
    share: f64,
    policy: Policy,
}

/// Asks for the counts, judges and prints.
pub fn run(args: BacktestArgs, session: &Session) -> Result<Exit, Failure> {
    let policy = args.policy.policy()?;
    let client = session.client()?;
    let service = session.service(args.scope, args.service);
    let windows = session.wait(async { Ok(client.traffic(&service).await?.windows) })?;
    let result = backtest(policy, args.share, args.runs, &windows);
    if result.requests < FEWEST {
        let found = result.requests;
        return Err(Failure::mistake(
            format!("only {found} requests of {} were counted in the last two days", service.service),
            format!("wait until there are {FEWEST}: they are counted while `tidegate up` runs"),
        ));
    }
    let mut out = Out::new();
    if args.json.json { out.json_pretty(&result) } else { out.line(sentence(&result)) }
}

fn backtest(policy: Policy, share: f64, runs: u32, windows: &[Window]) -> Backtest {
    let verdicts = (0..runs).map(|seed| {
        let (mut judge, mut deal) = (Judge::new(policy.clone()), Splitter::new(share, u64::from(seed)));
        windows.iter().for_each(|window| judge.take(&deal.split(window.second, &window.stable)));
        judge.decided().verdict
    });
    let verdicts: Vec<Verdict> = verdicts.collect();
    let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count() as u32;
    Backtest {
        runs,
        false_aborts: count(Verdict::Abort),
        promotions: count(Verdict::Promote),
        seconds: windows.len(),
        requests: windows.iter().map(|window| window.stable.n).sum(),
        bad: windows.iter().map(|window| window.stable.bad).sum(),
        share,
        policy,
    }
}

fn sentence(result: &Backtest) -> String {
    let Backtest { runs, false_aborts, promotions, seconds, requests, bad, .. } = result;
    format!(
        "{false_aborts} of {runs} candidates as good as stable would have been aborted, {promotions} promoted \
         ({seconds} seconds with {requests} requests, {bad} of them bad)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::judge::Tally;

    #[test]
    fn what_is_the_same_is_hardly_ever_aborted_and_mostly_promoted() {
        let window = |second: u64| {
            // An outage of everything in the middle.
            let bad = if (1_000..1_060).contains(&second) { 60 } else { u64::from(second.is_multiple_of(3)) };
            Window { second, stable: Tally::of(100, bad), candidate: Tally::default() }
        };
        let windows: Vec<Window> = (0..3_600).map(window).collect();
        let result = backtest(Policy::default(), 0.1, 100, &windows);
        assert!(result.false_aborts <= 2, "{result:?}");
        assert!(result.promotions >= 90, "{result:?}");
        assert_eq!((result.seconds, result.requests), (3_600, 360_000));
    }
}
