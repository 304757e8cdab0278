use tidegate_sim::jobs;

#[test]
fn no_slot_runs_twice_whatever_is_killed_and_however_the_clock_jumps() {
    let mut total = jobs::JobTally::default();
    for seed in 1..=10 {
        let tally = jobs::play(seed).unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
        total.runs += tally.runs;
        total.crashes += tally.crashes;
        total.caught_up += tally.caught_up;
        total.told += tally.told;
    }
    assert!(total.runs > 300 && total.crashes > 40, "the stories are not empty: {total:?}");
    assert!(total.caught_up > 2 && total.told > 20, "something was missed: {total:?}");
}
