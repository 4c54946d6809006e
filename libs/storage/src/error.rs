//! What can go wrong in a store, and the one mapping from driver errors.

use std::error::Error;

use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::{postgres, sqlite};

/// A failure of a store. `Display` leaves the cause out: follow `source` to log the chain.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, is full or cannot be opened. The same call may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] DbErr),
    /// A row with the same unique key exists.
    #[error("a row with the same unique key exists")]
    Conflict(#[source] DbErr),
    /// The transaction collided with another one and left nothing behind.
    #[error("the transaction collided with another one")]
    Serialization(#[source] DbErr),
    /// What is stored cannot be what was written.
    #[error("stored data is damaged: {what}")]
    Corrupt {
        /// Which data, and how it shows.
        what: String,
    },
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migration(#[source] DbErr),
    /// Anything else: mostly a defect of the caller's statement.
    #[error("the database operation failed")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// Damaged data, described by the caller that found it.
    #[must_use]
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    /// The same transaction, run again from its beginning at once, may well succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Serialization(_))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match class(&error) {
            Class::Unavailable => Self::Unavailable(error),
            Class::Conflict => Self::Conflict(error),
            Class::Serialization => Self::Serialization(error),
            Class::Corrupt => Self::Corrupt { what: format!("the database itself: {error}") },
            Class::Migration => Self::Migration(error),
            Class::Other => Self::Other(Box::new(error)),
        }
    }
}

/// Whether `error`, or anything that caused it, is a collision that a new attempt may get past.
///
/// A service's error wraps the store's in its own words, so the whole chain is searched.
pub(crate) fn is_retryable(error: &(dyn Error + 'static)) -> bool {
    let mut link = Some(error);
    while let Some(error) = link {
        if error.downcast_ref::<StoreError>().is_some_and(StoreError::is_retryable)
            || error.downcast_ref::<DbErr>().is_some_and(|e| class(e) == Class::Serialization)
        {
            return true;
        }
        link = error.source();
    }
    false
}

/// What a driver error means to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Unavailable,
    Conflict,
    Serialization,
    Corrupt,
    Migration,
    Other,
}

fn class(error: &DbErr) -> Class {
    match error {
        DbErr::ConnectionAcquire(_) => Class::Unavailable,
        // While connecting: what is at the other end went away in the middle of a word, or is no such server. Of a statement these would be
        // defects of our own.
        DbErr::Conn(RuntimeErr::SqlxError(e)) if is_greeting_spoilt(e) => Class::Unavailable,
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => driver_class(e),
        DbErr::Conn(_) => Class::Unavailable,
        DbErr::Migration(_) => Class::Migration,
        // A stored value that does not fit the type that it was written from.
        DbErr::TryIntoErr { .. } | DbErr::Type(_) | DbErr::Json(_) => Class::Corrupt,
        _ => Class::Other,
    }
}

/// Whether the connection broke, as opposed to what was asked on it.
pub(crate) fn is_connection_lost(error: &DbErr) -> bool {
    if let DbErr::Conn(RuntimeErr::SqlxError(e)) = error
        && is_greeting_spoilt(e)
    {
        return true;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(e))
    | DbErr::Exec(RuntimeErr::SqlxError(e))
    | DbErr::Query(RuntimeErr::SqlxError(e))) = error
    else {
        return false;
    };
    matches!(**e, sqlx::Error::Io(_))
}

fn is_greeting_spoilt(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Protocol(_) | sqlx::Error::Tls(_))
}

fn driver_class(error: &sqlx::Error) -> Class {
    match error {
        // The one match over engines: each reads its own codes.
        sqlx::Error::Database(e) => {
            let code = e.code().unwrap_or_default();
            match e.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                Some(_) => sqlite::class(&code),
                None => postgres::class(&code),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Class::Unavailable,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Class::Corrupt,
        _ => Class::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum ServiceError {
        #[error("adopting the policy failed")]
        Wrapped(#[source] StoreError),
        #[error(transparent)]
        Transparent(#[from] StoreError),
    }

    fn collision() -> StoreError {
        StoreError::Serialization(DbErr::Custom("busy".into()))
    }

    #[test]
    fn collision_inside_a_services_error_is_found() {
        assert!(is_retryable(&collision()));
        assert!(is_retryable(&ServiceError::Wrapped(collision())));
        assert!(!is_retryable(&ServiceError::Wrapped(StoreError::corrupt("row"))));
    }

    #[test]
    fn transparent_error_without_driver_cause_is_not_retried() {
        assert!(!is_retryable(&ServiceError::Transparent(StoreError::corrupt("row"))));
    }

    #[test]
    fn pool_that_stays_empty_is_unavailable() {
        let error = StoreError::from(DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout));
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }

    #[test]
    fn server_that_does_not_speak_as_one_is_unavailable() {
        let said = "unexpected response from SSLRequest: 0x00";
        let error = DbErr::Conn(RuntimeErr::SqlxError(sqlx::Error::Protocol(said.into()).into()));
        assert!(is_connection_lost(&error));
        let error = StoreError::from(error);
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let said = "too many arguments for query";
        let error = DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::Protocol(said.into()).into()));
        assert!(!is_connection_lost(&error));
        let error = StoreError::from(error);
        assert!(matches!(error, StoreError::Other(_)), "{error:?}");
    }
}
