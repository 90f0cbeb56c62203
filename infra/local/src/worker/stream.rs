//! A table's stream as an event source: in order, from where the last answer left off.
//!
//! The place in the stream is kept on disk and moves only after the function has answered, so a crash repeats records and skips none.

use std::time::Duration;

use anyhow::{Context, anyhow};
use dynoxide::Database;
use lambda::clock;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    functions::Function,
    queues::{Message, Queues},
    template::{ACCOUNT, REGION},
    wiring::{Failures, StreamTrigger},
};

use super::PAUSE;

/// How often an idle stream is looked at. The embedded database tells nobody of a write.
const LOOK: Duration = Duration::from_millis(40);

/// The pause before another try doubles this often: to half a minute, which lets an outage pass before the tries are used up.
const DOUBLINGS: u32 = 5;

/// The most [`Reader::behind`] counts: it is asked often, while others wait for the database.
const COUNTED: usize = 100;

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

/// How a failing batch has fared so far.
#[derive(Debug, Default)]
struct Trouble {
    /// The most records of the next batch, where halving has made it small.
    most: Option<usize>,
    /// The record that fails alone, and how often it did.
    failing: Option<(String, u32)>,
}

/// What came of one look at the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Moved,
    Idle,
    /// To be tried again after a pause.
    Failed(Duration),
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
        let shard = shard.shard_id.clone();
        Ok(Self { trigger, database, queues, stream, shard })
    }

    /// The function that the stream feeds.
    pub fn function(&self) -> &str {
        &self.trigger.function
    }

    /// The name the place in the stream is kept under. A table made anew has a new stream, which is read from its beginning.
    fn mark(&self) -> String {
        format!("stream:{}:{}", self.trigger.function, self.stream)
    }

    /// How many records wait, counted up to a hundred. A batch at work still counts.
    pub async fn behind(&self) -> anyhow::Result<usize> {
        let position = self.queues.mark(&self.mark()).await?;
        Ok(self.read(position.as_deref(), COUNTED)?.len())
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
        let record = |record| {
            let mut value = serde_json::to_value(record)?;
            // Lambda adds where the record is from.
            value["eventSourceARN"] = json!(self.stream);
            value["awsRegion"] = json!(REGION);
            let sequence = value["dynamodb"]["SequenceNumber"].as_str().context("no sequence number")?;
            Ok(Record { sequence: sequence.to_owned(), value })
        };
        records.records.iter().map(record).collect()
    }

    /// Works for ever.
    pub async fn run(&self, function: Function) {
        let mut trouble = Trouble::default();
        loop {
            match self.step(&function, &mut trouble).await {
                Ok(Step::Moved) => {}
                Ok(Step::Idle) => tokio::time::sleep(LOOK).await,
                Ok(Step::Failed(pause)) => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::error!(%error, table = self.trigger.table, "the stream stands still");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn step(&self, function: &Function, trouble: &mut Trouble) -> anyhow::Result<Step> {
        let position = self.queues.mark(&self.mark()).await?;
        let most = trouble.most.unwrap_or(self.trigger.batch_size);
        let batch = self.gather(position.as_deref(), most).await?;
        let Some(last) = batch.last() else { return Ok(Step::Idle) };
        let wanted: Vec<&Record> = batch.iter().filter(|record| self.wants(record)).collect();
        if wanted.is_empty() {
            self.queues.set_mark(&self.mark(), &last.sequence).await?;
            return Ok(Step::Moved);
        }
        let event = json!({ "Records": wanted.iter().map(|record| &record.value).collect::<Vec<_>>() });
        let outcome = match function.invoke(event).await {
            Ok(answer) => outcome(self.trigger.failures, &answer, &wanted),
            Err(error) => {
                tracing::error!(%error, "a stream batch failed");
                Outcome::AllFailed
            }
        };
        let failed = match outcome {
            Outcome::Done => {
                self.queues.set_mark(&self.mark(), &last.sequence).await?;
                *trouble = Trouble::default();
                return Ok(Step::Moved);
            }
            Outcome::AllFailed if wanted.len() > 1 => {
                // Halves close in on the record that can not be handled; the others are not counted as tried.
                let half = &wanted[wanted.len() / 2 - 1].sequence;
                trouble.most = Some(batch.iter().take_while(|record| record.sequence <= *half).count());
                return Ok(Step::Moved);
            }
            Outcome::AllFailed => wanted[0],
            Outcome::FailedFrom(record) => record,
        };
        // Everything before the failed record is done.
        if let Some(done) = batch.iter().take_while(|record| record.sequence < failed.sequence).last() {
            self.queues.set_mark(&self.mark(), &done.sequence).await?;
        }
        let tried = match trouble.failing.take() {
            Some((sequence, tried)) if sequence == failed.sequence => tried + 1,
            _ => 1,
        };
        if self.trigger.retries.is_some_and(|retries| tried > retries) {
            self.give_up(failed, tried).await?;
            *trouble = Trouble::default();
            return Ok(Step::Moved);
        }
        trouble.failing = Some((failed.sequence.clone(), tried));
        Ok(Step::Failed(PAUSE * 2_u32.pow((tried - 1).min(DOUBLINGS))))
    }

    fn wants(&self, record: &Record) -> bool {
        let filters = &self.trigger.filters;
        filters.is_empty() || filters.iter().any(|filter| filter.matches(&record.value))
    }

    /// Waits for the batching window, or until a batch is full.
    async fn gather(&self, position: Option<&str>, most: usize) -> anyhow::Result<Vec<Record>> {
        let mut batch = self.read(position, most)?;
        let full = Instant::now() + self.trigger.window;
        while !batch.is_empty() && batch.len() < most && Instant::now() < full {
            tokio::time::sleep(LOOK).await;
            let last = batch.last().map(|record| record.sequence.as_str());
            batch.extend(self.read(last, most - batch.len())?);
        }
        Ok(batch)
    }

    /// Moves on past a record that can not be handled, and keeps word of it, and the record with it.
    async fn give_up(&self, record: &Record, tried: u32) -> anyhow::Result<()> {
        let now = clock::now();
        if let Some(queue) = &self.trigger.on_failure {
            let word = json!({
                "version": "1.0",
                "timestamp": now,
                "requestContext": {
                    "requestId": Uuid::new_v4().to_string(),
                    "functionArn": format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.trigger.function),
                    "condition": "RetryAttemptsExhausted",
                    "approximateInvokeCount": tried,
                },
                "DDBStreamBatchInfo": {
                    "shardId": self.shard,
                    "startSequenceNumber": record.sequence,
                    "endSequenceNumber": record.sequence,
                    "batchSize": 1,
                    "streamArn": self.stream,
                },
                "record": record.value,
            });
            self.queues.send(vec![Message::new(queue, word.to_string())], now).await?;
        }
        tracing::error!(sequence = record.sequence, "gave up on a stream record");
        self.queues.set_mark(&self.mark(), &record.sequence).await?;
        Ok(())
    }
}

/// What an answer means for a batch.
enum Outcome<'a> {
    Done,
    /// Everything before this record is done.
    FailedFrom(&'a Record),
    AllFailed,
}

/// As on AWS, the lowest failed record counts, and an answer that can not be read fails the batch.
fn outcome<'a>(failures: Failures, answer: &Value, batch: &[&'a Record]) -> Outcome<'a> {
    let items = match answer.get("batchItemFailures") {
        _ if failures == Failures::WholeBatch => return Outcome::Done,
        None | Some(Value::Null) => return Outcome::Done,
        Some(items) => items.as_array(),
    };
    let record = |item: &Value| {
        let sequence = item["itemIdentifier"].as_str()?;
        batch.iter().copied().find(|record| record.sequence == sequence)
    };
    let failed: Option<Vec<&Record>> = items.and_then(|items| items.iter().map(record).collect());
    match failed.map(|failed| failed.into_iter().min_by(|a, b| a.sequence.cmp(&b.sequence))) {
        None => Outcome::AllFailed,
        Some(None) => Outcome::Done,
        Some(Some(record)) => Outcome::FailedFrom(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_from_where_to_come_back() {
        let record = |sequence: &str| Record { sequence: sequence.to_owned(), value: Value::Null };
        let batch = [record("1"), record("2"), record("3")];
        let batch: Vec<&Record> = batch.iter().collect();
        let said = |failures, answer: Value| match outcome(failures, &answer, &batch) {
            Outcome::Done => "done".to_owned(),
            Outcome::AllFailed => "all".to_owned(),
            Outcome::FailedFrom(record) => record.sequence.clone(),
        };
        for (answer, expected) in [
            (json!(null), "done"),
            (json!({}), "done"),
            (json!({"batchItemFailures": null}), "done"),
            (json!({"batchItemFailures": []}), "done"),
            (json!({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}), "2"),
            (json!({"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": ""}]}), "all"),
            (json!({"batchItemFailures": [{"itemIdentifier": null}]}), "all"),
            (json!({"batchItemFailures": [{"sequence": "2"}]}), "all"),
            (json!({"batchItemFailures": [{"itemIdentifier": "7"}]}), "all"),
            (json!({"batchItemFailures": {"itemIdentifier": "2"}}), "all"),
        ] {
            assert_eq!(said(Failures::Reported, answer.clone()), expected, "{answer}");
            assert_eq!(said(Failures::WholeBatch, answer), "done");
        }
    }
}
