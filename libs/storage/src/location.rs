//! Where a database is.

use std::fmt;
use std::path::PathBuf;

use crate::Durability;

/// Where a service's database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// In a file of its own, made where missing with its folder.
    Sqlite {
        /// The file.
        file: PathBuf,
        /// What survives a power cut.
        durability: Durability,
        /// How many bytes the file may have, in whole pages of 4096; its log comes on top. `None`: as many as the disk.
        most_bytes: Option<u64>,
    },
    /// In a schema of its own of a PostgreSQL database, made where missing.
    Postgres {
        /// The database, as `postgres://user:password@host:port/database`, with what `libpq` takes in such an address.
        url: String,
        /// The schema: lower-case letters, digits and underscores.
        schema: String,
    },
}

impl Location {
    /// A file whose every commit is durable.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self::Sqlite { file: file.into(), durability: Durability::Full, most_bytes: None }
    }

    /// A file in a folder that is thrown away with the process.
    #[must_use]
    pub fn scratch(file: impl Into<PathBuf>) -> Self {
        Self::Sqlite { file: file.into(), durability: Durability::Scratch, most_bytes: None }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { file, durability, most_bytes } => f
                .debug_struct("Sqlite")
                .field("file", file)
                .field("durability", durability)
                .field("most_bytes", most_bytes)
                .finish(),
            // The address may hold a password.
            Self::Postgres { url: _, schema } => {
                f.debug_struct("Postgres").field("schema", schema).finish_non_exhaustive()
            }
        }
    }
}
