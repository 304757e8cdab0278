//! Scripts of `scenarios/`, a test for each scenario. Which tests cover which: `docs/scenarios.md`.

use std::fs;
use std::path::{Path, PathBuf};

/// Plays the scripts of a scenario: each `scenarios/NN-….txt` gives the session kept beside it. `UPDATE_SCENARIOS=1` writes them
/// anew.
fn plays(number: &str, most: usize) {
    let scripts = scripts(|name| name.starts_with(&format!("{number}-")));
    assert_eq!(scripts.len(), most, "the scripts of scenario {number} are there");
    let wrong: Vec<String> = scripts.iter().filter_map(|script| play(script).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn scripts(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let mut scripts: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    scripts.retain(|path| wanted(path.file_name().unwrap().to_str().unwrap()));
    scripts.sort();
    scripts
}

fn play(script: &Path) -> Result<(), String> {
    let session = tidegate_sim::scenario::play(&fs::read_to_string(script).unwrap())
        .map_err(|error| format!("{}:\n{error}", script.display()))?;
    let kept = script.with_extension("session");
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        fs::write(&kept, &session).unwrap();
    }
    if fs::read_to_string(&kept).ok().as_deref() == Some(session.as_str()) {
        return Ok(());
    }
    Err(format!("{} gives another session:\n{session}", script.display()))
}

macro_rules! scenarios {
    ($($name:ident: $number:literal, $scripts:literal;)*) => {
        $(
            #[test]
            fn $name() {
                plays($number, $scripts);
            }
        )*

        /// No script is left out.
        #[test]
        fn every_script_has_its_test() {
            let numbers = [$($number),*];
            let left = scripts(|name| !numbers.iter().any(|number| name.starts_with(&format!("{number}-"))));
            assert!(left.is_empty(), "{left:?}");
        }
    };
}

scenarios! {
    s01_healthy_rollout_by_every_strategy: "01", 1;
    s02_candidate_crashes_in_its_bake_time: "02", 1;
    s03_candidate_passes_its_probes_and_errs: "03", 1;
    s04_slow_start_and_readiness_that_is_lost_or_flaps: "04", 2;
    s05_sigterm_is_ignored: "05", 1;
    s08_control_plane_killed_all_along: "08", 1;
    s09_gateway_killed: "09", 1;
    s11_clock_jumps_by_an_hour: "11", 1;
    s12_migration_fails_or_its_rollout_is_aborted: "12", 1;
    s13_a_newer_deploy_takes_over: "13", 1;
    s14_rollback_of_a_rollback_and_to_a_build_that_is_gone: "14", 2;
    s15_abort_while_stable_is_short: "15", 2;
    s16_five_times_the_traffic_in_the_middle: "16", 1;
    s17_shared_outage_is_nobodys_fault: "17", 1;
    s18_a_guard_without_an_answer_holds: "18", 1;
    s19_next_to_no_traffic_decides_nothing: "19", 1;
    workers_without_a_port: "34", 1;
    a_fixed_port_has_no_zero_downtime: "31", 1;
    pause_and_promote: "32", 1;
    a_folder_of_files: "23", 1;
    a_canary_by_steps: "24", 1;
    a_canary_judged_bad: "25", 1;
    a_guard_says_no: "29", 1;
    a_canary_that_is_inconclusive_holds: "26", 1;
    a_canary_of_a_worker: "27", 1;
    s13_a_canary_taken_over: "28", 1;
    one_bad_instance_is_replaced: "33", 1;
    a_train_as_one: "35", 1;
    a_bad_member_takes_its_train_back: "36", 1;
}
