//! Publishing on the event bus.

use aws_sdk_eventbridge::{Client, types::PutEventsRequestEntry};
use serde::Serialize;

use crate::{Clients, Environment, StartError};

/// Most entries EventBridge takes in one call.
const ENTRIES_A_CALL: usize = 10;

/// Most bytes of one call. EventBridge's limit is 256 KiB over all entries, envelope included.
const BYTES_A_CALL: usize = 240 * 1024;

/// How often an entry that EventBridge turned down is sent again before the caller hears of it.
const TRIES: usize = 3;

/// One event to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    source: &'static str,
    detail_type: String,
    detail: String,
}

/// A detail that does not become JSON.
#[derive(Debug, thiserror::Error)]
#[error("the event's detail can not be written as JSON: {0}")]
pub struct InvalidDetail(#[from] serde_json::Error);

impl BusEvent {
    /// An event of this source and type.
    pub fn new(
        source: &'static str,
        detail_type: impl Into<String>,
        detail: &impl Serialize,
    ) -> Result<Self, InvalidDetail> {
        Ok(Self { source, detail_type: detail_type.into(), detail: serde_json::to_string(detail)? })
    }

    fn bytes(&self) -> usize {
        self.source.len() + self.detail_type.len() + self.detail.len()
    }
}

/// EventBridge did not take an event. Sending it again may help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event bus did not take the event: {0}")]
pub struct NotPublished(String);

/// The event bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// The bus that `BUS_NAME` names.
    pub fn connect(environment: &Environment, clients: &Clients) -> Result<Self, StartError> {
        Ok(Self { client: clients.eventbridge(), name: environment.required("BUS_NAME")?.to_owned() })
    }

    /// Publishes one event.
    pub async fn publish(&self, event: BusEvent) -> Result<(), NotPublished> {
        let unanswered = || Err(NotPublished("no answer".to_owned()));
        self.publish_each(&[event]).await.pop().unwrap_or_else(unanswered)
    }

    /// Publishes several events, in as few calls as the limits allow, and says of each whether the bus took it.
    ///
    /// EventBridge may take some entries of a call and turn others down; those are tried again here.
    pub async fn publish_each(&self, events: &[BusEvent]) -> Vec<Result<(), NotPublished>> {
        let mut results = vec![Err(NotPublished("not tried".to_owned())); events.len()];
        for _ in 0..TRIES {
            let missing: Vec<usize> = (0..events.len()).filter(|&index| results[index].is_err()).collect();
            if missing.is_empty() {
                break;
            }
            for call in calls(events, &missing) {
                let answers = self.put(call.iter().map(|&index| &events[index])).await;
                for (&index, answer) in call.iter().zip(answers) {
                    results[index] = answer;
                }
            }
        }
        results
    }

    async fn put(&self, events: impl ExactSizeIterator<Item = &BusEvent>) -> Vec<Result<(), NotPublished>> {
        let count = events.len();
        let entries = events
            .map(|event| {
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.name)
                    .source(event.source)
                    .detail_type(&event.detail_type)
                    .detail(&event.detail)
                    .build()
            })
            .collect();
        match self.client.put_events().set_entries(Some(entries)).send().await {
            Ok(output) => {
                let mut answers: Vec<_> = output
                    .entries()
                    .iter()
                    .map(|entry| match entry.error_code() {
                        None => Ok(()),
                        Some(code) => Err(NotPublished(code.to_owned())),
                    })
                    .collect();
                answers.resize(count, Err(NotPublished("no answer for this entry".to_owned())));
                answers
            }
            Err(error) => {
                let cause = aws_sdk_eventbridge::error::DisplayErrorContext(&error).to_string();
                tracing::warn!(%cause, "the event bus could not be reached");
                vec![Err(NotPublished(cause)); count]
            }
        }
    }
}

/// Cuts the missing events into calls within EventBridge's limits.
fn calls(events: &[BusEvent], missing: &[usize]) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for &index in missing {
        let size = events[index].bytes();
        match calls.last_mut() {
            Some(call) if call.len() < ENTRIES_A_CALL && bytes + size <= BYTES_A_CALL => {
                call.push(index);
                bytes += size;
            }
            _ => {
                calls.push(vec![index]);
                bytes = size;
            }
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> BusEvent {
        BusEvent { source: "", detail_type: String::new(), detail: "x".repeat(bytes) }
    }

    #[test]
    fn a_call_stays_within_ten_entries_and_the_size_limit() {
        let small = vec![event(10); 25];
        let all: Vec<usize> = (0..25).collect();
        assert_eq!(calls(&small, &all).iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
        let large = vec![event(100 * 1024); 5];
        let all: Vec<usize> = (0..5).collect();
        assert_eq!(calls(&large, &all), [vec![0, 1], vec![2, 3], vec![4]]);
    }
}
