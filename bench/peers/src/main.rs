//! The gateway beside other proxies under the same load, each with one worker on a processor of its own.
//!
//! `bench/gateway` builds and runs it. Read [`contest`] first: it starts the proxies of [`peer`], has [`drive`] put the load
//! of a [`case`] on each in turn, and leaves figures that [`wanted`] and [`report`] make something of.

mod case;
mod check;
mod contest;
mod drive;
mod figures;
mod files;
mod floor;
mod h2load;
mod peer;
mod process;
mod processors;
mod report;
mod ring;
mod running;
mod tls;
mod wanted;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use case::Case;
use contest::{Contest, Effort};
use peer::Peer;
use processors::Processors;

#[derive(Debug, Parser)]
#[command(name = "tidegate-peers", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure: exits 0 when everything wanted of the gateway holds
    Run(Run),
    /// Forward bytes without reading them
    Floor(Floor),
}

#[derive(Debug, Args)]
struct Run {
    /// Short rounds and, unless they are named, a few cases and proxies: for trying
    #[arg(long)]
    quick: bool,
    /// Only this case; may be repeated
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<Case>,
    /// Only this proxy; may be repeated
    #[arg(long = "proxy", value_name = "NAME")]
    proxies: Vec<Peer>,
    /// Rounds of each case [default: 5, with --quick 3]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Client connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=5000))]
    connections: u32,
    /// Write the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The gateway's program
    #[arg(long, value_name = "PATH")]
    tidegate: PathBuf,
    /// Another build of it, measured beside it in turn as `before`
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,
    /// Where proxies are looked for before PATH
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Floor {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, required = true)]
    to: Vec<SocketAddr>,
    #[arg(long, conflicts_with = "ring")]
    splice: bool,
    #[arg(long)]
    ring: bool,
}

impl Run {
    fn effort(&self) -> Effort {
        let (rounds, last, warm_up) = if self.quick { (3, 1_000, 200) } else { (5, 2_000, 500) };
        Effort {
            rounds: self.rounds.unwrap_or(rounds) as usize,
            last: Duration::from_millis(last),
            warm_up: Duration::from_millis(warm_up),
            connections: self.connections as usize,
        }
    }

    fn chosen<T: ValueEnum + Clone>(&self, named: &[T], quick: &[T]) -> Vec<T> {
        match named {
            [] if self.quick => quick.to_vec(),
            [] => T::value_variants().to_vec(),
            named => named.to_vec(),
        }
    }
}

fn main() -> ExitCode {
    let ran = match Options::parse().command {
        Command::Run(options) => run(&options),
        Command::Floor(floor) => {
            let ran = match floor.ring {
                true => ring::run(floor.listen, &floor.to),
                false => floor::run(floor.listen, &floor.to, floor.splice),
            };
            ran.map(|()| ExitCode::SUCCESS)
        }
    };
    ran.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(2)
    })
}

fn run(options: &Run) -> io::Result<ExitCode> {
    let processors = Processors::choose()?;
    match processors {
        Some(processors) => processors.settle()?,
        None => eprintln!(
            "only one processor: the load takes from the proxies what it needs, and rates say nothing"
        ),
    }
    files::allow_many()?;
    let mut peers =
        options.chosen(&options.proxies, &[Peer::Haproxy, Peer::Nginx, Peer::Tidegate, Peer::Floor]);
    peers.retain(|peer| *peer != Peer::Before);
    if options.before.is_some() {
        peers.push(Peer::Before);
    }
    let cases = options.chosen(&options.cases, &[Case::Small, Case::Middle, Case::Post, Case::Connection]);
    let (effort, programs) = (options.effort(), options.programs.as_deref());
    let gateways = (&*options.tidegate, options.before.as_deref());
    let mut contest = Contest::begin(&peers, gateways, programs, processors, effort)?;
    let (mut all, mut verdicts) = (BTreeMap::new(), Vec::new());
    for case in cases {
        let measured = contest.measure(case)?;
        report::print_case(case, &measured);
        verdicts.extend(wanted::verdicts(case, &measured));
        all.insert(case, measured);
    }
    report::print_verdicts(&verdicts);
    if let Some(path) = &options.json {
        std::fs::write(path, report::to_json(&all, &verdicts).to_string() + "\n")?;
    }
    Ok(if verdicts.iter().all(wanted::Verdict::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
