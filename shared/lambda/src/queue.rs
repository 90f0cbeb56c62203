//! Sending to a queue, at once or in a while.

use std::collections::HashMap;

use aws_sdk_sqs::{
    Client, operation::send_message_batch::SendMessageBatchError, types::SendMessageBatchRequestEntry,
};

use trust::time::Moment;

use crate::{Clients, Environment, StartError};

/// Most entries SQS takes in one call.
const ENTRIES_A_CALL: usize = 10;

/// Most bytes of one call's bodies. SQS takes 1 MiB, a queue made before August 2025 256 KiB; each 64 KiB are billed as a call of their
/// own, so larger calls save nothing. A message that is larger goes alone.
const BYTES_A_CALL: usize = 256 * 1024;

/// How often a message that SQS did not take for a reason of its own is sent again before the caller hears of it.
const TRIES: usize = 3;

/// The longest that a queue holds back a message, in seconds.
pub const LONGEST_DELAY: u32 = 900;

/// One message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its text: at least one character, none of those that XML can not hold.
    pub body: String,
    /// Seconds before anybody can receive it, 0 to [`LONGEST_DELAY`], whatever the queue's own delay is. More is refused.
    pub delay: u32,
}

impl Message {
    /// A message that is of use from a moment on: held back until then, or for as long as a queue can. Whoever receives it before that
    /// moment is to send it again in the same way.
    pub fn not_before(moment: Moment, now: Moment, body: String) -> Self {
        Self { body, delay: moment.since(now).min(LONGEST_DELAY) }
    }
}

/// Not all messages are in the queue. Those that are stay there: who sends all again sends some twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the queue did not take {failed} of {all} messages, {refused} of them for good: {cause}")]
pub struct NotSent {
    /// How many are not in the queue.
    pub failed: usize,
    /// How many of those the queue will never take: too large, with characters or a delay it does not know.
    pub refused: usize,
    /// How many were to be sent.
    pub all: usize,
    /// The cause in one of them.
    pub cause: String,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Sent,
    /// Sending it again may help.
    Failed(String),
    /// Sending it again does not help.
    Refused(String),
}

/// A queue to send to.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue whose URL this variable of the environment holds.
    pub fn connect(
        environment: &Environment,
        clients: &Clients,
        variable: &'static str,
    ) -> Result<Self, StartError> {
        Ok(Self { client: clients.sqs(), url: environment.required(variable)?.to_owned() })
    }

    /// Sends messages, in as few calls as the limits allow. They arrive at least once and in any order.
    ///
    /// SQS may take some messages of a call and not others; those are tried again here.
    pub async fn send(&self, messages: impl IntoIterator<Item = Message>) -> Result<(), NotSent> {
        let messages: Vec<Message> = messages.into_iter().collect();
        let mut fates = vec![Fate::Failed("not tried".to_owned()); messages.len()];
        for _ in 0..TRIES {
            let missing: Vec<usize> =
                (0..messages.len()).filter(|&index| matches!(fates[index], Fate::Failed(_))).collect();
            if missing.is_empty() {
                break;
            }
            for call in calls(&messages, &missing) {
                let answers = self.send_batch(&messages, &call).await;
                for (index, fate) in call.into_iter().zip(answers) {
                    fates[index] = fate;
                }
            }
        }
        told(&fates)
    }

    /// One call: what became of each of its messages.
    async fn send_batch(&self, messages: &[Message], call: &[usize]) -> Vec<Fate> {
        let entries = call.iter().enumerate().map(|(place, &index)| {
            let message = &messages[index];
            SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_body(&message.body)
                .delay_seconds(i32::try_from(message.delay).unwrap_or(i32::MAX))
                .build()
        });
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => return vec![Fate::Refused(error.to_string()); call.len()],
        };
        match self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await {
            Ok(output) => {
                let sent = output.successful().iter().map(|entry| (entry.id(), Fate::Sent));
                let failed = output.failed().iter().map(|entry| {
                    let cause = format!("{}: {}", entry.code(), entry.message().unwrap_or_default());
                    let fate = if entry.sender_fault() { Fate::Refused(cause) } else { Fate::Failed(cause) };
                    (entry.id(), fate)
                });
                let mut fates: HashMap<&str, Fate> = sent.chain(failed).collect();
                let unanswered = || Fate::Failed("no answer for this message".to_owned());
                (0..call.len())
                    .map(|place| fates.remove(place.to_string().as_str()).unwrap_or_else(unanswered))
                    .collect()
            }
            Err(error) => {
                let refused =
                    error.as_service_error().is_some_and(SendMessageBatchError::is_batch_request_too_long);
                let cause = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
                tracing::warn!(%cause, "the queue did not take a call");
                let fate = if refused { Fate::Refused(cause) } else { Fate::Failed(cause) };
                vec![fate; call.len()]
            }
        }
    }
}

/// Cuts the missing messages into calls within SQS's limits.
fn calls(messages: &[Message], missing: &[usize]) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for &index in missing {
        let size = messages[index].body.len();
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

fn told(fates: &[Fate]) -> Result<(), NotSent> {
    let refused = fates.iter().filter(|fate| matches!(fate, Fate::Refused(_))).count();
    let causes: Vec<&String> = fates
        .iter()
        .filter_map(|fate| match fate {
            Fate::Sent => None,
            Fate::Failed(cause) | Fate::Refused(cause) => Some(cause),
        })
        .collect();
    match causes.first() {
        None => Ok(()),
        Some(&cause) => {
            Err(NotSent { failed: causes.len(), refused, all: fates.len(), cause: cause.clone() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Message {
        Message { body: "x".repeat(bytes), delay: 0 }
    }

    #[test]
    fn a_call_stays_within_ten_entries_and_the_size_limit() {
        for (count, bytes, expected) in [
            (25, 10, vec![10, 10, 5]),
            (10, 10, vec![10]),
            (11, 10, vec![10, 1]),
            (5, 100 * 1024, vec![2, 2, 1]),
            (2, 128 * 1024, vec![2]),
            (2, 128 * 1024 + 1, vec![1, 1]),
            (2, 300 * 1024, vec![1, 1]),
            (0, 0, vec![]),
        ] {
            let messages = vec![message(bytes); count];
            let all: Vec<usize> = (0..count).collect();
            let found = calls(&messages, &all);
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{count} of {bytes}");
            assert_eq!(found.concat(), all);
        }
    }

    #[test]
    fn a_message_is_held_back_until_its_moment_or_as_long_as_a_queue_can() {
        let now = Moment::from_unix(1_790_000_000).unwrap();
        for (after, delay) in [(-60, 0), (0, 0), (62, 62), (900, 900), (901, 900), (3602, 900)] {
            assert_eq!(Message::not_before(now.plus(after), now, "x".to_owned()).delay, delay, "{after}");
        }
    }

    #[test]
    fn an_error_says_how_many_failed_and_how_many_of_them_for_good() {
        let fates =
            [Fate::Sent, Fate::Failed("busy".to_owned()), Fate::Refused("large".to_owned()), Fate::Sent];
        let expected = NotSent { failed: 2, refused: 1, all: 4, cause: "busy".to_owned() };
        assert_eq!(told(&fates), Err(expected));
        assert_eq!(told(&[Fate::Sent]), Ok(()));
        assert_eq!(told(&[]), Ok(()));
    }
}
