//! The files below a folder.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that may hold an export.
#[derive(Debug)]
pub(crate) struct Found {
    /// Path below the folder, parts separated by `/`.
    pub(crate) file: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size, or why it could not be looked at.
    pub(crate) bytes: io::Result<u64>,
}

/// Every `*.json` and `*.toml` below the folder, by name. Links are followed, and each real folder and file is taken once, so
/// that loops of links end.
pub(crate) fn files(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut visited = HashSet::from([fs::canonicalize(root)?]);
    let mut folders = vec![(root.to_path_buf(), String::new())];
    let mut opened_root = false;
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) if !opened_root => return Err(error),
            Err(error) => {
                found.push(Found { file: prefix, path: folder, bytes: Err(error) });
                continue;
            }
        };
        opened_root = true;
        let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
        names.sort();
        // The stack takes the last folder first: reversed, links meet their target in name order.
        for name in names.into_iter().rev() {
            let path = folder.join(&name);
            let label = name.to_string_lossy();
            let file = if prefix.is_empty() { label.into_owned() } else { format!("{prefix}/{label}") };
            match fs::metadata(&path) {
                Ok(meta) if meta.is_dir() => {
                    if fs::canonicalize(&path).is_ok_and(|real| visited.insert(real)) {
                        folders.push((path, file));
                    }
                }
                // Pipes and devices could keep a reader waiting for ever.
                Ok(meta) if meta.is_file() && is_export(&path) => {
                    found.push(Found { file, path, bytes: Ok(meta.len()) });
                }
                Ok(_) => {}
                Err(error) if is_export(&path) => found.push(Found { file, path, bytes: Err(error) }),
                Err(_) => {}
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found.retain(|one| fs::canonicalize(&one.path).map_or(true, |real| visited.insert(real)));
    Ok(found)
}

fn is_export(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json") || e.eq_ignore_ascii_case("toml"))
}

/// Whether the file is written in TOML.
pub(crate) fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}
