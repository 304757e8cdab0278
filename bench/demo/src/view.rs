//! What a person sees meanwhile: lines, and on a terminal one more line below them that changes in place.
#![allow(clippy::print_stdout, clippy::print_stderr)] // the demo's only way to say something

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use crate::load::Now;

/// How often the load is shown where lines cannot be changed.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The view.
pub struct View {
    live: bool,
    begun: Instant,
    told: Option<Instant>,
    below: bool,
}

impl View {
    /// A view on standard output.
    pub fn new() -> Self {
        View { live: stdout().is_terminal(), begun: begin(), told: None, below: false }
    }

    /// A line that stays, with the time since the beginning.
    pub fn say(&mut self, line: &str) {
        self.clear();
        println!("{:>6.1}s  {line}", self.begun.elapsed().as_secs_f64());
        self.flush();
    }

    /// Text that stays, as it is.
    pub fn print(&mut self, text: &str) {
        self.clear();
        print!("{text}");
        self.flush();
    }

    /// What the load looks like now.
    pub fn load(&mut self, now: &Now) {
        let line = line_of(now);
        if self.live {
            self.clear();
            print!("{:>6.1}s  {line}", self.begun.elapsed().as_secs_f64());
            self.below = true;
            self.flush();
        } else if self.told.is_none_or(|at| at.elapsed() >= PLAIN_EVERY) {
            self.told = Some(begin());
            self.say(&line);
        }
    }

    /// Leaves the terminal as it should be.
    pub fn end(&mut self) {
        self.clear();
        self.flush();
    }

    /// An error of the demo itself.
    pub fn complain(line: &str) {
        eprintln!("\n{line}");
    }

    fn clear(&mut self) {
        if self.below {
            print!("\r\x1b[2K");
            self.below = false;
        }
    }

    fn flush(&self) {
        // A closed output is no reason to leave the story half told.
        let _ = stdout().flush();
    }
}

/// Who answered in this second, as a bar of 20 and in numbers.
fn line_of(now: &Now) -> String {
    let all: u64 = now.revisions.iter().map(|(_, number)| number).sum::<u64>().max(1);
    let parts: Vec<String> = now
        .revisions
        .iter()
        .map(|(name, number)| {
            let bar = "#".repeat((number * 20).div_ceil(all) as usize);
            format!("{name} {bar} {number}/s")
        })
        .collect();
    format!("{:>4} req/s  failed {}  p99 {:.0} ms  {}", now.rate, now.failed, now.p99_ms, parts.join("  "))
}

#[allow(clippy::disallowed_methods)] // a demo shows real time
fn begin() -> Instant {
    Instant::now()
}
