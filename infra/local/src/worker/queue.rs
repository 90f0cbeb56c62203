//! A queue as an event source: batches, partial failures, one more try after the visibility timeout.

use std::{collections::HashSet, time::Duration};

use lambda::clock;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    functions::Function,
    queues::{Queues, Received},
    template::{ACCOUNT, REGION},
    wiring::{Failures, QueueTrigger},
};

use super::PAUSE;

/// Batches of one queue in work at the same time. AWS starts with five.
pub const AT_ONCE: usize = 5;

/// How often to look for messages whose visibility timeout is over. New messages wake the worker.
const LOOK: Duration = Duration::from_millis(500);

/// Works for ever.
pub async fn run(trigger: QueueTrigger, queues: Queues, function: Function) {
    loop {
        match queues.receive(&trigger.queue, trigger.batch_size, clock::now()).await {
            Ok(batch) if batch.is_empty() => {
                // Whether something arrived or time passed: look again.
                let _ = timeout(LOOK, queues.arrival(&trigger.queue)).await;
            }
            Ok(batch) => {
                let batch = fill(&trigger, &queues, batch).await;
                work(&trigger, &queues, &function, batch).await;
            }
            Err(error) => {
                tracing::error!(%error, queue = trigger.queue, "nothing received");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Gathers more messages until the batch is full or its window is over.
async fn fill(trigger: &QueueTrigger, queues: &Queues, mut batch: Vec<Received>) -> Vec<Received> {
    let over = Instant::now() + trigger.window;
    while batch.len() < trigger.batch_size && timeout_at(over, queues.arrival(&trigger.queue)).await.is_ok() {
        match queues.receive(&trigger.queue, trigger.batch_size - batch.len(), clock::now()).await {
            Ok(more) => batch.extend(more),
            Err(error) => {
                tracing::error!(%error, queue = trigger.queue, "nothing more received");
                break;
            }
        }
    }
    batch
}

async fn work(trigger: &QueueTrigger, queues: &Queues, function: &Function, batch: Vec<Received>) {
    let failed = match function.invoke(event(trigger, &batch)).await {
        Ok(answer) => failed(trigger.failures, &answer, &batch),
        Err(error) => {
            tracing::error!(%error, queue = trigger.queue, "the whole batch failed");
            return;
        }
    };
    let Some(failed) = failed else {
        tracing::error!(function = function.name, "an answer that can not be read fails the batch");
        return;
    };
    let handled = batch.iter().filter(|message| !failed.contains(&message.id)).map(|message| message.key);
    if let Err(error) = queues.delete(handled.collect()).await {
        tracing::error!(%error, queue = trigger.queue, "handled messages will come again");
    }
}

/// The ids of the messages that failed; `None` if the answer is not understood, which fails them all.
///
/// A message that was not in the batch is not understood either: something failed, and nobody knows what.
fn failed(failures: Failures, answer: &Value, batch: &[Received]) -> Option<HashSet<String>> {
    if failures == Failures::WholeBatch || answer.is_null() {
        return Some(HashSet::new());
    }
    let Some(items) = answer.get("batchItemFailures").filter(|items| !items.is_null()) else {
        return Some(HashSet::new());
    };
    let id = |item: &Value| {
        let id = item["itemIdentifier"].as_str()?;
        batch.iter().any(|message| message.id == id).then(|| id.to_owned())
    };
    items.as_array()?.iter().map(id).collect()
}

/// The event as Lambda makes it of a batch.
fn event(trigger: &QueueTrigger, batch: &[Received]) -> Value {
    let records = batch.iter().map(|message| {
        let sent = (message.sent_at.unix() * 1000).to_string();
        json!({
            "messageId": message.id,
            "receiptHandle": message.key.to_string(),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": sent,
                "SenderId": ACCOUNT,
                "ApproximateFirstReceiveTimestamp": sent,
            },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", trigger.queue),
            "awsRegion": REGION,
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_messages_that_failed() {
        let message = |id: &str| Received {
            key: 1,
            id: id.to_owned(),
            body: String::new(),
            sent_at: clock::now(),
            receives: 1,
        };
        let batch = [message("m1"), message("m2")];
        let failed = |answer| failed(Failures::Reported, &answer, &batch);
        for none in
            [json!(null), json!({}), json!({"batchItemFailures": null}), json!({"batchItemFailures": []})]
        {
            assert_eq!(failed(none), Some(HashSet::new()));
        }
        let one = json!({"batchItemFailures": [{"itemIdentifier": "m1"}]});
        assert_eq!(failed(one), Some(HashSet::from(["m1".to_owned()])));
        // As on AWS, an answer that can not be read fails the batch.
        for unreadable in [
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"id": "m1"}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m9"}]}),
            json!({"batchItemFailures": "m1"}),
        ] {
            assert_eq!(failed(unreadable.clone()), None, "{unreadable}");
        }
    }
}
