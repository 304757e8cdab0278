//! Files from one folder to another.

use std::fs;
use std::io;
use std::path::Path;

use tidegate_core::pipeline::Pattern;

/// Copies what is in a folder into another one, over what is there. Links stay links; sockets and the like are left behind.
pub(super) fn copy_tree(from: &Path, into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for item in fs::read_dir(from)? {
        let item = item?;
        let to = into.join(item.file_name());
        let kind = item.file_type()?;
        if kind.is_dir() {
            copy_tree(&item.path(), &to)?;
        } else {
            copy_file(&item.path(), &to)?;
        }
    }
    Ok(())
}

/// Copies a file or a link.
pub(super) fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let kind = from.symlink_metadata()?;
    if to.symlink_metadata().is_ok_and(|there| !there.is_dir()) {
        fs::remove_file(to)?;
    }
    if kind.is_symlink() {
        std::os::unix::fs::symlink(from.read_link()?, to)
    } else if kind.is_file() {
        fs::copy(from, to).map(drop)
    } else {
        Ok(())
    }
}

/// The files below a folder that are meant by one of the patterns, in order: paths relative to it. Links to folders are not
/// followed.
pub(super) fn meant(folder: &Path, patterns: &[String]) -> io::Result<Vec<String>> {
    let patterns: Vec<Pattern> = patterns.iter().filter_map(|text| Pattern::of_path(text).ok()).collect();
    let mut found = Vec::new();
    if !patterns.is_empty() {
        collect(folder, "", &patterns, &mut found)?;
        found.sort();
    }
    Ok(found)
}

fn collect(folder: &Path, above: &str, patterns: &[Pattern], found: &mut Vec<String>) -> io::Result<()> {
    for item in fs::read_dir(folder)? {
        let item = item?;
        // A name that is not UTF-8 fits no pattern.
        let Ok(name) = item.file_name().into_string() else { continue };
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        if item.file_type()?.is_dir() {
            collect(&item.path(), &path, patterns, found)?;
        } else if patterns.iter().any(|pattern| pattern.takes(&path)) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found_and_what_is_copied_is_the_same() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (path, text) in [("a/b/c.xml", "1"), ("a/d.txt", "2"), ("e.xml", "3")] {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("../e.xml", from.path().join("a/link")).unwrap();
        let found = |patterns: &[&str]| {
            meant(from.path(), &patterns.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(found(&["**/*.xml"]), ["a/b/c.xml", "e.xml"]);
        assert_eq!(found(&["a"]), ["a/b/c.xml", "a/d.txt", "a/link"]);
        assert_eq!(found(&["*.xml", "none"]), ["e.xml"]);
        // Twice: what is there is replaced.
        for _ in 0..2 {
            copy_tree(from.path(), to.path()).unwrap();
        }
        assert_eq!(fs::read_to_string(to.path().join("a/b/c.xml")).unwrap(), "1");
        assert_eq!(fs::read_link(to.path().join("a/link")).unwrap(), Path::new("../e.xml"));
    }
}
