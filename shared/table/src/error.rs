//! What can go wrong with the table, by what the caller can do about it.

use std::fmt::Debug;

use aws_sdk_dynamodb::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
};

/// Why the table did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Somebody else wrote first. Read again and decide anew.
    #[error("another writer was faster")]
    Conflict,
    /// DynamoDB refused or could not be reached. Trying again later may help.
    #[error("the table is not available: {0}")]
    Unavailable(String),
    /// An item does not read as what its key says it is. Trying again does not help.
    #[error("the item {key} can not be read: {cause}")]
    Corrupt {
        /// Its key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A value does not become an item.
    #[error("a value can not be stored: {0}")]
    Unstorable(#[from] serde_dynamo::Error),
}

impl TableError {
    pub(crate) fn corrupt(key: impl Into<String>, cause: &(impl ToString + ?Sized)) -> Self {
        Self::Corrupt { key: key.into(), cause: cause.to_string() }
    }
}

/// Any error that is not about a lost race.
pub(crate) fn unavailable<E, R>(error: SdkError<E, R>) -> TableError
where
    E: std::error::Error + 'static + ProvideErrorMetadata,
    R: Debug,
{
    if error.code() == Some("ConditionalCheckFailedException") {
        return TableError::Conflict;
    }
    TableError::Unavailable(DisplayErrorContext(Wrapped(error)).to_string())
}

/// A transaction that lost a race, on its conditions or on another transaction, is a conflict.
pub(crate) fn transaction_failed<R: Debug>(error: SdkError<TransactWriteItemsError, R>) -> TableError {
    let lost = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
            .cancellation_reasons()
            .iter()
            .filter_map(|reason| reason.code())
            .any(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict")),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => true,
        _ => false,
    };
    if lost { TableError::Conflict } else { unavailable(error) }
}

#[derive(Debug)]
struct Wrapped<E, R>(SdkError<E, R>);

impl<E: std::error::Error + 'static, R: Debug> std::fmt::Display for Wrapped<E, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl<E: std::error::Error + 'static, R: Debug> std::error::Error for Wrapped<E, R> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_service_error().map(|error| error as &dyn std::error::Error)
    }
}
