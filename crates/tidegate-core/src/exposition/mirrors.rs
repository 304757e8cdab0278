//! What came of copies of requests.

use super::{Text, service_labels};
use crate::model::MirrorReport;

const NAME: &str = "tidegate_mirror_total";

pub(super) fn write(text: &mut Text, copies: &[MirrorReport]) {
    text.family(NAME, "counter", "Requests of a mirrored service by what became of their copies.");
    for report in copies {
        let counts = &report.counts;
        for (outcome, count) in [
            ("same", counts.same),
            ("different", counts.different),
            ("failed", counts.failed),
            ("alone", counts.alone),
            ("too_large", counts.too_large),
            ("incomplete", counts.incomplete),
            ("dropped", counts.dropped),
        ] {
            let mut labels = service_labels(&report.upstream);
            labels.push(("outcome", outcome));
            text.sample(NAME, &labels, count);
        }
    }
}
