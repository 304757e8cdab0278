//! docs/reference: what the programs say of themselves, written down so that it can be read without them.

mod access;
mod cli;
mod codes;
mod openapi;

use std::fs;
use std::path::Path;

use crate::{Trouble, program};

const FOLDER: &str = "docs/reference";
/// Said at the top of each page.
const MADE: &str = "Made by `cargo run -p xtask -- docs`.";

/// A page and its text.
type Page = (&'static str, String);

/// Writes all pages.
pub fn write(root: &Path) -> Result<(), Trouble> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for (name, text) in pages(root)? {
        fs::write(folder.join(name), text)?;
        println!("wrote {FOLDER}/{name}");
    }
    Ok(())
}

/// The pages that are not as they should be.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let stale = |(name, text): &Page| {
        fs::read_to_string(root.join(FOLDER).join(name)).map_or(true, |there| there != *text)
    };
    let pages = pages(root)?;
    let names = pages.iter().filter(|page| stale(page)).map(|(name, _)| name);
    Ok(names.map(|name| format!("{FOLDER}/{name} is out of date: cargo run -p xtask -- docs")).collect())
}

fn pages(root: &Path) -> Result<Vec<Page>, Trouble> {
    let tidegate = program::build(root)?;
    Ok(vec![
        ("access.md", access::page()?),
        ("cli.md", cli::page(&tidegate)?),
        ("codes.md", codes::page()),
        ("openapi.json", openapi::document(&tidegate)?),
        ("tidegate.schema.json", program::text(&tidegate, &["schema"])?),
    ])
}
