//! Looks for the file of a request, off the worker's thread.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::model::Compression;
use tidegate_os::beneath::open_beneath;

use super::target::{Target, sibling};
use super::{Site, cache};

/// Codings that files may be there in, the smallest first.
pub(super) const CODINGS: [Compression; 3] = [Compression::Brotli, Compression::Zstd, Compression::Gzip];
/// Files up to this size are read while they are looked for: one way to another thread instead of two.
const SMALL: u64 = 64 * 1024;

/// What is looked for.
#[derive(Debug)]
pub(super) struct Wish {
    /// `None`: the path can be no file.
    pub(super) target: Option<Target>,
    /// The client's own path ends in a slash already.
    pub(super) asked_as_folder: bool,
    /// Whether the page of a single-page application will do.
    pub(super) takes_page: bool,
    /// Codings that the client takes, the best first.
    pub(super) codings: Vec<Compression>,
    /// Whether the content is wanted for sure.
    pub(super) read_ahead: bool,
}

/// What there is.
#[derive(Debug)]
pub(super) enum Found {
    File(Box<Opened>),
    /// A folder with a page, asked for without the slash.
    Folder,
    Nothing,
}

/// A file, opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: Arc<File>,
    pub(super) metadata: Metadata,
    /// Its name, without the suffix of its coding.
    pub(super) path: PathBuf,
    pub(super) coding: Option<Compression>,
    /// All of it, if it was small.
    pub(super) content: Option<Bytes>,
    /// It stands for a file that is not there.
    pub(super) is_missing: bool,
}

impl Site {
    /// Never waits for a disk itself.
    pub(super) async fn find(self: &Arc<Self>, wish: Wish) -> io::Result<Found> {
        let site = self.clone();
        tokio::task::spawn_blocking(move || site.look(&wish)).await.map_err(io::Error::other)?
    }

    fn look(&self, wish: &Wish) -> io::Result<Found> {
        let Some(target) = &wish.target else { return self.missing(wish) };
        let path = target.path();
        if target.is_folder() {
            return self.look_in_folder(path, wish);
        }
        match open(&self.root, path)? {
            Some((_, metadata)) if metadata.is_dir() => self.look_in_folder(path, wish),
            Some((plain, metadata)) if metadata.is_file() => {
                file(best(&self.root, path, (plain, metadata), wish)?)
            }
            _ => self.elsewhere(path, wish)?.map_or_else(|| self.instead(wish), file),
        }
    }

    fn look_in_folder(&self, folder: &Path, wish: &Wish) -> io::Result<Found> {
        match self.open(&folder.join("index.html"), wish)? {
            Some(page) if wish.asked_as_folder => file(page),
            Some(_) => Ok(Found::Folder),
            None => self.instead(wish),
        }
    }

    /// The file of another build: its name is made from its content, so it is what is meant.
    fn elsewhere(&self, path: &Path, wish: &Wish) -> io::Result<Option<Opened>> {
        if !cache::may_be_hashed(path) {
            return Ok(None);
        }
        for root in &self.others {
            match open(root, path) {
                Ok(Some((plain, metadata))) if metadata.is_file() => {
                    return best(root, path, (plain, metadata), wish).map(Some);
                }
                // A build that was removed to make room.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// What stands for a file that is not there.
    fn instead(&self, wish: &Wish) -> io::Result<Found> {
        if self.spa && wish.takes_page {
            let page = self.open(Path::new("index.html"), wish)?;
            return page.map_or(Ok(Found::Nothing), file);
        }
        self.missing(wish)
    }

    /// The page for 404.
    fn missing(&self, wish: &Wish) -> io::Result<Found> {
        let Some(missing) = &self.not_found else { return Ok(Found::Nothing) };
        let page = self.open(missing.path(), wish)?;
        page.map_or(Ok(Found::Nothing), |opened| file(Opened { is_missing: true, ..opened }))
    }

    fn open(&self, path: &Path, wish: &Wish) -> io::Result<Option<Opened>> {
        match open(&self.root, path)? {
            Some(found) if found.1.is_file() => best(&self.root, path, found, wish).map(Some),
            _ => Ok(None),
        }
    }
}

/// The file in the best coding it is there in.
fn best(root: &Path, path: &Path, (plain, metadata): (File, Metadata), wish: &Wish) -> io::Result<Opened> {
    for coding in &wish.codings {
        if let Some((file, metadata)) = open(root, &sibling(path, suffix(*coding)))?
            && metadata.is_file()
        {
            return opened(path, file, metadata, Some(*coding), wish);
        }
    }
    opened(path, plain, metadata, None, wish)
}

fn file(opened: Opened) -> io::Result<Found> {
    Ok(Found::File(Box::new(opened)))
}

fn opened(
    path: &Path,
    file: File,
    metadata: Metadata,
    coding: Option<Compression>,
    wish: &Wish,
) -> io::Result<Opened> {
    let small = wish.read_ahead && metadata.len() <= SMALL;
    let content = if small { Some(read(&file, metadata.len())?) } else { None };
    let path = path.to_owned();
    Ok(Opened { file: Arc::new(file), metadata, path, coding, content, is_missing: false })
}

/// Exactly `size` bytes: a file that shrinks in between cannot be answered with.
fn read(mut file: &File, size: u64) -> io::Result<Bytes> {
    let mut content = vec![0; size as usize];
    file.read_exact(&mut content)?;
    Ok(Bytes::from(content))
}

const fn suffix(coding: Compression) -> &'static str {
    match coding {
        Compression::Brotli => ".br",
        Compression::Zstd => ".zst",
        Compression::Gzip => ".gz",
    }
}

/// `None`: there is no such file, or none that may be served.
fn open(root: &Path, path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let Some(file) = open_beneath(root, path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    Ok(Some((file, metadata)))
}
