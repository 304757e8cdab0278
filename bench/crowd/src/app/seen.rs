//! Writes down the id of each request before it is answered, for the load to compare: nothing is handled twice.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use http::HeaderMap;

/// A file of this instance in the folder `SEEN_LOG`, if there is one.
#[derive(Debug)]
pub(super) struct SeenLog(Option<File>);

impl SeenLog {
    pub(super) fn open(folder: &str, name: &str) -> io::Result<Self> {
        if folder.is_empty() {
            return Ok(SeenLog(None));
        }
        let path = Path::new(folder).join(format!("seen-{name}"));
        Ok(SeenLog(Some(File::options().create(true).append(true).open(path)?)))
    }

    pub(super) fn note(&self, fields: &HeaderMap) -> io::Result<()> {
        if let (Some(mut file), Some(id)) = (self.0.as_ref(), fields.get("x-load-id")) {
            let line = [id.as_bytes(), b"\n"].concat();
            file.write_all(&line)?;
        }
        Ok(())
    }
}
