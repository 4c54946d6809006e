//! What a failure of the store means to a caller: stores speak of databases, callers of requests.

use tandem_storage::StoreError;
use tandem_storage::page::InvalidPageToken;
use tandem_storage::requests::RecallError;

use crate::failure::Failure;

/// What the database is called in errors and logs.
const DATABASE: &str = "database";

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            // A collision comes this far only after its retries: the same call may well succeed later.
            StoreError::Unavailable(_) | StoreError::Serialization(_) => Self::unavailable(DATABASE, error),
            // A conflict that the caller could cause has been turned into a name by the store that knows it.
            StoreError::Conflict(_)
            | StoreError::Corrupt { .. }
            | StoreError::Migration(_)
            | StoreError::Other(_) => Self::internal(error),
        }
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        StoreError::from(error).into()
    }
}

impl From<InvalidPageToken> for Failure {
    fn from(_: InvalidPageToken) -> Self {
        Self::InvalidPageToken
    }
}

impl Failure {
    /// What a failed look-up of an answered request means to the request with that id.
    #[must_use]
    pub fn of_recall(request_id: &str, error: RecallError) -> Self {
        match error {
            RecallError::RequestIdReused { .. } => {
                Self::RequestIdReused { request_id: request_id.to_owned() }
            }
            RecallError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::DbErr;

    #[test]
    fn database_that_does_not_answer_is_an_unavailable_dependency() {
        let away = StoreError::Unavailable(DbErr::Custom("pool timed out".into()));
        let collided = StoreError::Serialization(DbErr::Custom("busy".into()));
        for error in [away, collided] {
            let failure = Failure::from(error);
            assert!(
                matches!(failure, Failure::DependencyUnavailable { dependency: "database", .. }),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn damaged_data_is_an_internal_failure() {
        let failure = Failure::from(StoreError::corrupt("device row without state"));
        assert!(matches!(failure, Failure::Internal { .. }), "{failure:?}");
    }

    #[test]
    fn request_id_of_another_request_is_named() {
        let error = RecallError::RequestIdReused { method: "CreateTenant".into() };
        let failure = Failure::of_recall("r-1", error);
        assert!(
            matches!(&failure, Failure::RequestIdReused { request_id } if request_id == "r-1"),
            "{failure:?}"
        );
    }
}
