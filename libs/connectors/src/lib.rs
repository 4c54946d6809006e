//! Readers of the two systems: export files today. Source pages in, domain items out.
//!
//! [`Exports::open`] walks a folder, tells every file's kind by its content and refuses what it cannot tell.
//! [`Exports::read`] then streams the files: it hands each record to a callback as it is parsed, so memory does not grow with
//! the size of a page. Nothing is decided here: values are handed on as the source wrote them, "not said" stays `None`, and a
//! record that cannot be read is one line in the [`Summary`] while the rest goes on.
//!
//! | module | what is in it |
//! |---|---|
//! | `exports`, `walk` | the folder and its files |
//! | `kind`, `head` | which document is this? |
//! | `page`, `record`, `value` | streaming, places of errors, the sources' value conventions |
//! | `records` | one file per class or entity: its members and the domain section that they become |
//! | `provider` | which hierarchy does a page belong to? |
//! | `ledger`, `members` | what was skipped, repeated, and who is in which collection |
//! | `tenant_file`, `policy_file` | the two documents that an operator writes |
//! | `document` | reads such a document past its errors, so that all are told |
//!
//! The fact pack, cited by file and section, is `libs/domain/data`.

mod document;
mod exports;
mod head;
mod item;
mod kind;
mod ledger;
mod members;
mod page;
mod policy_file;
mod provider;
mod read;
mod record;
mod records;
mod summary;
mod tenant_file;
mod value;
mod walk;

pub use exports::{Exports, Input, OpenError};
pub use item::{AsOf, Item};
pub use kind::Kind;
pub use summary::{FileSummary, Refusal, Refusals, SkippedRecords, Summary, UnusedFile};
