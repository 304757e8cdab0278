//! The whole thing: the real binary with its real processes, a real app, and load that accounts for every request.
//!
//! Each file tests one promise. Set `TIDEGATE_E2E_FULL=1` for the long versions that `bench/` runs.
#![allow(clippy::unwrap_used)] // a test may end at an impossible case
#![allow(clippy::print_stdout)] // figures belong into the test's output

mod a_b;
mod api_fuzz;
mod attested;
mod audit;
mod bad_versions;
mod canary;
mod checks;
mod cli_loop;
mod clients;
mod compromised;
mod data_dir;
mod experiments;
mod exposures;
mod first_use;
mod flag_code;
mod flags;
mod git_hosts;
mod git_peers;
mod git_push;
mod guarded;
mod identity;
mod jobs;
mod judged;
mod kill;
mod kill_others;
mod kill_runs;
mod many_flags;
mod migrations;
mod oidc;
mod parallel_run;
mod previews;
mod promotion;
mod push_speed;
mod releases;
mod reload;
mod restored;
mod rules;
mod scaling;
mod scenarios;
mod secrets;
mod seen;
mod site;
mod sleeping;
mod smoke;
mod speed;
mod steps;
mod support;
mod trains;
mod upgrade;
mod waves;
mod zero_loss;
