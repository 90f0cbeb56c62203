//! A table's stream as an event source: in order, from where the last answer left off.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, anyhow};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    functions::Function,
    queues::Queues,
    wiring::{Failures, StreamTrigger},
};

use super::PAUSE;

/// How often an idle stream is looked at.
const LOOK: Duration = Duration::from_millis(40);

/// Reads one table's stream for one function.
pub struct Reader {
    trigger: StreamTrigger,
    database: Database,
    queues: Queues,
    stream: String,
    shard: String,
}

/// A record and its place in the stream.
struct Record {
    sequence: String,
    value: Value,
}

impl Reader {
    /// A reader of the table's stream.
    pub fn new(trigger: StreamTrigger, database: Database, queues: Queues) -> anyhow::Result<Self> {
        let streams = database
            .list_streams(serde_json::from_value(json!({ "TableName": trigger.table }))?)
            .map_err(|error| anyhow!("{error:?}"))?;
        let stream = streams.streams.first().context("the table has no stream")?.stream_arn.clone();
        let description = database
            .describe_stream(serde_json::from_value(json!({ "StreamArn": stream }))?)
            .map_err(|error| anyhow!("{error:?}"))?;
        let shard = description.stream_description.shards.first().context("the stream has no shard")?;
        Ok(Self { shard: shard.shard_id.clone(), stream, trigger, database, queues })
    }

    fn mark(&self) -> String {
        format!("stream:{}:{}", self.trigger.function, self.trigger.table)
    }

    /// Whether everything in the stream has been handled.
    pub async fn is_caught_up(&self) -> anyhow::Result<bool> {
        let position = self.queues.mark(&self.mark()).await?;
        Ok(self.read(position.as_deref(), 1)?.is_empty())
    }

    fn read(&self, after: Option<&str>, most: usize) -> anyhow::Result<Vec<Record>> {
        let request = match after {
            Some(sequence) => json!({
                "StreamArn": self.stream, "ShardId": self.shard,
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": sequence,
            }),
            None => {
                json!({ "StreamArn": self.stream, "ShardId": self.shard, "ShardIteratorType": "TRIM_HORIZON" })
            }
        };
        let iterator = self
            .database
            .get_shard_iterator(serde_json::from_value(request)?)
            .map_err(|error| anyhow!("{error:?}"))?
            .shard_iterator
            .context("no shard iterator")?;
        let records = self
            .database
            .get_records(serde_json::from_value(json!({ "ShardIterator": iterator, "Limit": most }))?)
            .map_err(|error| anyhow!("{error:?}"))?;
        records
            .records
            .iter()
            .map(|record| {
                let value = serde_json::to_value(record)?;
                let sequence = value["dynamodb"]["SequenceNumber"].as_str().context("no sequence number")?;
                Ok(Record { sequence: sequence.to_owned(), value })
            })
            .collect()
    }

    /// Works for ever.
    pub async fn run(&self, function: Function) {
        let mut tries: HashMap<String, u32> = HashMap::new();
        let mut most = self.trigger.batch_size;
        loop {
            match self.step(&function, &mut tries, &mut most).await {
                Ok(Step::Moved) => {}
                Ok(Step::Idle) => tokio::time::sleep(LOOK).await,
                Ok(Step::Failed) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::error!(%error, table = self.trigger.table, "the stream stands still");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn step(
        &self,
        function: &Function,
        tries: &mut HashMap<String, u32>,
        most: &mut usize,
    ) -> anyhow::Result<Step> {
        let position = self.queues.mark(&self.mark()).await?;
        let batch = self.gather(position.as_deref(), *most).await?;
        let Some(last) = batch.last() else { return Ok(Step::Idle) };
        let wanted: Vec<&Record> = batch
            .iter()
            .filter(|record| {
                self.trigger.filters.is_empty()
                    || self.trigger.filters.iter().any(|filter| filter.matches(&record.value))
            })
            .collect();
        let Some(first) = wanted.first() else {
            self.queues.set_mark(&self.mark(), &last.sequence).await?;
            return Ok(Step::Moved);
        };
        let event = json!({ "Records": wanted.iter().map(|record| &record.value).collect::<Vec<_>>() });
        let failed = match function.invoke(event).await {
            Ok(answer) => first_failed(self.trigger.failures, &answer),
            Err(error) => {
                tracing::error!(%error, "a stream batch failed");
                // Halves close in on the record that can not be handled.
                *most = (wanted.len() / 2).max(1);
                Some(first.sequence.clone())
            }
        };
        let Some(failed) = failed else {
            self.queues.set_mark(&self.mark(), &last.sequence).await?;
            *most = self.trigger.batch_size;
            tries.clear();
            return Ok(Step::Moved);
        };
        // Everything before the failed record is done.
        if let Some(done) = batch.iter().take_while(|record| record.sequence < failed).last() {
            self.queues.set_mark(&self.mark(), &done.sequence).await?;
        }
        let tried = tries.entry(failed.clone()).or_default();
        *tried += 1;
        if self.trigger.retries.is_some_and(|retries| *tried > retries) {
            self.give_up(&batch, &failed).await?;
            tries.remove(&failed);
        }
        Ok(Step::Failed)
    }

    /// Waits for the batching window, or until a batch is full.
    async fn gather(&self, position: Option<&str>, most: usize) -> anyhow::Result<Vec<Record>> {
        let mut batch = self.read(position, most)?;
        if !batch.is_empty() {
            let full = Instant::now() + self.trigger.window;
            while batch.len() < most && Instant::now() < full {
                tokio::time::sleep(LOOK).await;
                batch = self.read(position, most)?;
            }
        }
        Ok(batch)
    }

    /// Moves on past a record that can not be handled, and keeps word of it.
    async fn give_up(&self, batch: &[Record], failed: &str) -> anyhow::Result<()> {
        let Some(record) = batch.iter().find(|record| record.sequence == failed) else { return Ok(()) };
        if let Some(queue) = &self.trigger.on_failure {
            let word = json!({ "requestContext": { "condition": "RetryAttemptsExhausted" }, "record": record.value });
            self.queues.send(vec![(queue.clone(), word.to_string())], lambda::clock::now()).await?;
        }
        tracing::error!(sequence = failed, "gave up on a stream record");
        self.queues.set_mark(&self.mark(), failed).await?;
        Ok(())
    }
}

enum Step {
    Moved,
    Idle,
    Failed,
}

/// The place of the first record that failed.
fn first_failed(failures: Failures, answer: &Value) -> Option<String> {
    if failures == Failures::WholeBatch {
        return None;
    }
    let items = answer["batchItemFailures"].as_array()?;
    items.iter().filter_map(|item| item["itemIdentifier"].as_str()).min().map(str::to_owned)
}
