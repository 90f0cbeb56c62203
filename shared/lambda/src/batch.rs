//! Partial batch failures: what failed is tried again, what succeeded is not.

use std::future::Future;

use aws_lambda_events::event::{
    eventbridge::EventBridgeEvent,
    sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent},
};
use serde_json::Value;

/// An event off the bus, taken from a queue.
pub type Envelope = EventBridgeEvent<Value>;

/// Handles each bus event of an SQS batch, one after the other, and reports those that failed.
///
/// A failed message becomes visible again, and after its receives lands in the dead-letter queue. Poison stays out of the way of
/// the others and is kept.
pub async fn each_bus_event<E, F>(batch: SqsEvent, mut handle: impl FnMut(Envelope) -> F) -> SqsBatchResponse
where
    E: std::fmt::Display,
    F: Future<Output = Result<(), E>>,
{
    each_message(batch, |_, body| {
        let handled = serde_json::from_str(&body).map(&mut handle);
        async {
            match handled {
                Ok(handled) => handled.await.map_err(|error| error.to_string()),
                Err(error) => Err(format!("not a bus event: {error}")),
            }
        }
    })
    .await
}

/// Handles each message of an SQS batch, its id and its body, one after the other, and reports those that failed.
pub async fn each_message<E, F>(
    batch: SqsEvent,
    mut handle: impl FnMut(String, String) -> F,
) -> SqsBatchResponse
where
    E: std::fmt::Display,
    F: Future<Output = Result<(), E>>,
{
    let mut failures = Vec::new();
    for record in batch.records {
        let id = record.message_id.unwrap_or_default();
        if let Err(error) = handle(id.clone(), record.body.unwrap_or_default()).await {
            tracing::error!(message = id, %error, "message failed");
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failures.push(failure);
        }
    }
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures;
    response
}
