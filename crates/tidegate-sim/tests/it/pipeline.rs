use tidegate_sim::pipeline::{self, PipelineTally};
use tidegate_sim::story::Faults;

#[test]
fn no_step_is_skipped_and_no_deploy_is_made_twice_wherever_the_control_plane_is_killed() {
    let mut total = PipelineTally::default();
    for seed in 1..=6 {
        let tally = pipeline::play(seed, Faults::Crash)
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
        total.succeeded += tally.succeeded;
        total.failed += tally.failed;
        total.crashes += tally.crashes;
        total.retried += tally.retried;
    }
    assert!(total.succeeded > 8 && total.failed > 2 && total.retried > 2, "{total:?}");
    assert!(total.crashes > 15, "the stories are not quiet: {total:?}");
}
