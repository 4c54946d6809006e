//! What files say, read again when they change.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::failure::{BoxError, chain};

/// How often files are looked at, at most.
pub(super) const LOOK: Duration = Duration::from_secs(2);

/// A file of the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as {what}", .path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What it was to be.
    pub what: &'static str,
    /// Why not.
    pub source: BoxError,
}

/// When a file was written, and how long it was; `None` where it cannot be seen.
type Stamp = Option<(Option<SystemTime>, u64)>;

/// What some files say together.
pub(crate) struct Reloaded<T> {
    files: Vec<PathBuf>,
    read: Box<dyn Fn() -> Result<T, FileError> + Send + Sync>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    stamps: Vec<Stamp>,
    looked: Instant,
}

impl<T> Reloaded<T> {
    /// Reads the files for the first time.
    pub(crate) fn open(
        files: Vec<PathBuf>,
        read: impl Fn() -> Result<T, FileError> + Send + Sync + 'static,
    ) -> Result<Self, FileError> {
        // Before reading, so that a change meanwhile is seen.
        let stamps = stamps(&files);
        let state = State { value: Arc::new(read()?), stamps, looked: Instant::now() };
        Ok(Self { files, read: Box::new(read), state: Mutex::new(state) })
    }

    /// What the files say; what they said before where they can no longer be used.
    pub(crate) fn current(&self) -> Arc<T> {
        self.as_of(Instant::now())
    }

    pub(super) fn as_of(&self, now: Instant) -> Arc<T> {
        // What a panic left behind is whole: each step below sets one field.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) >= LOOK {
            state.looked = now;
            let stamps = stamps(&self.files);
            if stamps != state.stamps {
                match (self.read)() {
                    Ok(value) => {
                        state.value = Arc::new(value);
                        state.stamps = stamps;
                        tracing::info!(files = ?self.files, "read again");
                    }
                    // Tried again at the next look: what is wrong may pass without a change of the files.
                    Err(error) => tracing::warn!(error = chain(&error), "what was read before stays in use"),
                }
            }
        }
        Arc::clone(&state.value)
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |metadata: Metadata| (metadata.modified().ok(), metadata.len());
    files.iter().map(|file| std::fs::metadata(file).ok().map(stamp)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::named;

    #[test]
    fn file_that_changed_is_read_again_and_one_that_broke_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let path = file.clone();
        let number = Reloaded::open(vec![file.clone()], move || {
            let text = std::fs::read_to_string(&path).map_err(|error| named(&path, "a number", error))?;
            text.parse::<u32>().map_err(|error| named(&path, "a number", error))
        })
        .unwrap();
        let start = Instant::now();
        assert_eq!(*number.as_of(start), 1);
        std::fs::write(&file, "22").unwrap();
        assert_eq!(*number.as_of(start), 1);
        assert_eq!(*number.as_of(start + LOOK), 22);
        std::fs::write(&file, "three").unwrap();
        assert_eq!(*number.as_of(start + LOOK * 2), 22);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(*number.as_of(start + LOOK * 3), 22);
        std::fs::write(&file, "4").unwrap();
        assert_eq!(*number.as_of(start + LOOK * 4), 4);
    }

    #[test]
    fn file_that_cannot_be_used_at_first_is_named() {
        let error =
            Reloaded::<u32>::open(vec![], || Err(named("/no/file".as_ref(), "a number", "it is not there")))
                .err()
                .unwrap();
        assert_eq!(chain(&error), "/no/file cannot be used as a number: it is not there");
    }
}
