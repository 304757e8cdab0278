use tidegate_sim::previews::{self, PreviewTally};
use tidegate_sim::story::Faults;

#[test]
fn nothing_is_left_of_a_preview_wherever_the_control_plane_is_killed() {
    let mut total = PreviewTally::default();
    for seed in 1..=8 {
        let tally = previews::play(seed, Faults::Crash)
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
        assert_eq!(tally.made, tally.removed, "seed {seed}");
        total.made += tally.made;
        total.crashes += tally.crashes;
    }
    assert!(total.made > 16 && total.crashes > 20, "the stories are not quiet: {total:?}");
}
