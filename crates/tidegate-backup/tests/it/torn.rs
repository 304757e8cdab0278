//! A backup that is not whole is never taken for one, and nothing is left of the attempt.

use std::fs;

use tidegate_backup::{BackupError, restore, verify};

use crate::installation::Installation;

#[test]
fn cut_off_or_changed_anywhere_it_is_refused_and_nothing_is_left() {
    let installation = Installation::new();
    installation.make();
    let whole = fs::read(installation.file()).unwrap();
    let file = installation.dir.path().join("torn.backup");
    let to = installation.dir.path().join("restored");
    for at in [0, 10, 100, whole.len() / 3, whole.len() / 2, whole.len() - 20, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        for torn in [&whole[..at], &changed] {
            fs::write(&file, torn).unwrap();
            let refused = restore(&file, &to, &installation.unlock, 1).unwrap_err();
            assert!(!matches!(refused, BackupError::Io { .. } | BackupError::Store(_)), "{at}: {refused}");
            assert!(verify(&file, &installation.unlock).is_err(), "{at}");
            assert!(!to.exists() && !installation.dir.path().join(".restored.restoring").exists(), "{at}");
        }
    }
    fs::write(&file, &whole).unwrap();
    restore(&file, &to, &installation.unlock, 1).unwrap();
}

#[test]
fn the_file_before_stays_where_the_next_one_fails() {
    let installation = Installation::new();
    installation.make();
    let before = fs::read(installation.file()).unwrap();
    fs::remove_file(installation.data().join("tidegate.db")).unwrap();
    let recipients = tidegate_backup::recipients_of(&installation.data()).unwrap().unwrap();
    assert!(installation.try_to(&installation.file(), &recipients, false, None).is_err());
    assert_eq!(fs::read(installation.file()).unwrap(), before);
    let parts = fs::read_dir(installation.dir.path()).unwrap().flatten();
    let parts = parts.filter(|item| item.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0);
}
