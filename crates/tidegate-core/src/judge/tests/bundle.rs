//! A proof bundle proves what it says, and nothing else.

use super::*;
use crate::judge::bundle::BundleError;

fn bundle() -> Bundle {
    let windows = (0..20).map(|second| window(second, (10, 1), (90, 0))).collect();
    Bundle::of("shop/production/web r2".to_owned(), Policy::default(), windows, vec!["req-1".to_owned()])
}

#[test]
fn it_gives_its_verdict_again_after_being_written_down() {
    let bundle = bundle();
    let read: Bundle = serde_json::from_str(&serde_json::to_string(&bundle).unwrap()).unwrap();
    assert_eq!(read, bundle);
    assert_eq!(read.check(), Ok(bundle.decision));
    assert_eq!((read.path.len(), read.decision.verdict), (20, crate::model::Verdict::Abort));
}

#[test]
fn whoever_changes_it_is_found_out() {
    let changed = |change: fn(&mut Bundle)| {
        let mut bundle = bundle();
        change(&mut bundle);
        bundle.check().unwrap_err()
    };
    let counts = changed(|bundle| bundle.windows.iter_mut().for_each(|window| window.candidate.bad = 0));
    let text = counts.to_string();
    assert!(
        text.starts_with("the bundle says abort at second ")
            && text.ends_with("its counts say continue at no second")
    );
    assert!(matches!(changed(|bundle| bundle.decision.at_second = Some(19)), BundleError::Differs { .. }));
    assert!(matches!(changed(|bundle| bundle.policy.rho0 = 0.5), BundleError::Policy(_)));
    assert_eq!(changed(|bundle| bundle.windows[7].candidate.bad = 11), BundleError::Window(7));
    assert_eq!(changed(|bundle| bundle.windows[7].second = 3), BundleError::Window(7));
    assert_eq!(changed(|bundle| bundle.bundle_version = 9), BundleError::Version(9));
}
