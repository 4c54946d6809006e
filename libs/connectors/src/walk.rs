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
                Ok(meta) if meta.is_dir() => match fs::canonicalize(&path) {
                    Ok(real) => {
                        if visited.insert(real) {
                            folders.push((path, file));
                        }
                    }
                    Err(error) => found.push(Found { file, path, bytes: Err(error) }),
                },
                // Pipes and devices could keep a reader waiting for ever.
                Ok(meta) if meta.is_file() && is_export(&path) => {
                    found.push(Found { file, path, bytes: Ok(meta.len()) });
                }
                Ok(_) => {}
                // A link that leads nowhere holds nothing; of anything else that cannot be looked at nobody knows.
                Err(error) if !is_export(&path) && error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.push(Found { file, path, bytes: Err(error) }),
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    each_once(&mut found, visited);
    Ok(found)
}

/// Takes out files that were taken under another name. What cannot be read stays, to be said: a folder that cannot be listed
/// has been visited.
fn each_once(found: &mut Vec<Found>, mut visited: HashSet<PathBuf>) {
    found.retain(|one| {
        one.bytes.is_err() || fs::canonicalize(&one.path).map_or(true, |real| visited.insert(real))
    });
}

fn is_export(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json") || e.eq_ignore_ascii_case("toml"))
}

/// Whether the file is written in TOML.
pub(crate) fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_that_was_visited_and_cannot_be_listed_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(root.path()).unwrap();
        let file = folder.join("a.json");
        fs::write(&file, "{}").unwrap();
        let found =
            |file: &str, path: &Path, bytes| Found { file: file.to_owned(), path: path.into(), bytes };
        let mut all = vec![
            found("a.json", &file, Ok(2)),
            found("again.json", &file, Ok(2)),
            found("locked", &folder, Err(io::ErrorKind::PermissionDenied.into())),
        ];
        each_once(&mut all, HashSet::from([folder]));
        let kept: Vec<_> = all.into_iter().map(|one| (one.file, one.bytes.map_err(|e| e.kind()))).collect();
        let locked = ("locked".to_owned(), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(kept, [("a.json".to_owned(), Ok(2)), locked]);
    }

    #[cfg(unix)]
    #[test]
    fn entry_that_cannot_be_looked_at_is_found_and_a_link_to_nothing_is_not() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        symlink("gone", root.path().join("nowhere")).unwrap();
        symlink("gone.json", root.path().join("nowhere.json")).unwrap();
        symlink("round", root.path().join("round")).unwrap();
        let found: Vec<_> =
            files(root.path()).unwrap().into_iter().map(|one| (one.file, one.bytes.is_ok())).collect();
        assert_eq!(found, [("nowhere.json".to_owned(), false), ("round".to_owned(), false)]);
    }
}
