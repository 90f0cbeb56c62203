//! Sending to queues, as SQS's JSON protocol has it: `SendMessage` and `SendMessageBatch` to standard queues. Receiving is the event
//! sources' part, which read the queues themselves.

use std::{collections::HashSet, time::Duration};

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use trust::time::Moment;

use crate::{
    queues::{Message, QueueError, Queues},
    template::queue_of_url,
    wiring::MOST_DELAY,
};

/// Most entries of one call.
const ENTRIES: usize = 10;

/// Most bytes of one message, and of all messages of one call.
const BYTES: usize = 1024 * 1024;

/// Most characters of an entry's id.
const ID_CHARACTERS: usize = 80;

/// Why something was not taken. SDKs know an error by its code in the older query protocol, which comes in a header.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    shape: &'static str,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(shape: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { shape, code, message: message.into() }
    }

    fn value(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", "InvalidParameterValue", message)
    }
}

/// Answers a call.
pub async fn serve(queues: &Queues, target: &str, request: &Value, now: Moment) -> Response {
    let answer = match target {
        "AmazonSQS.SendMessage" => send(queues, request, now).await,
        "AmazonSQS.SendMessageBatch" => send_batch(queues, request, now).await,
        other => Ok(Err(Refusal::new("UnknownOperationException", "InvalidAction", other))),
    };
    match answer {
        Ok(Ok(output)) => json_answer(StatusCode::OK, &output),
        Ok(Err(Refusal { shape, code, message })) => {
            let body = json!({ "__type": format!("com.amazonaws.sqs#{shape}"), "message": message });
            let mut response = json_answer(StatusCode::BAD_REQUEST, &body);
            if let Ok(code) = format!("{code};Sender").parse() {
                response.headers_mut().insert("x-amzn-query-error", code);
            }
            response
        }
        Err(error) => {
            let body = json!({ "__type": "InternalFailure", "message": error.to_string() });
            json_answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
    }
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}

/// What a call came to; outside it, what went wrong here.
type Outcome = Result<Result<Value, Refusal>, QueueError>;

async fn send(queues: &Queues, request: &Value, now: Moment) -> Outcome {
    let message = match queue(queues, request).and_then(|queue| message(queue, request)) {
        Ok(message) => message,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if message.body.len() > BYTES {
        let what = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
        return Ok(Err(Refusal::value(what)));
    }
    let digest = digest(&message.body);
    let ids = queues.send(vec![message], now).await?;
    Ok(Ok(json!({ "MessageId": ids.first(), "MD5OfMessageBody": digest })))
}

async fn send_batch(queues: &Queues, request: &Value, now: Moment) -> Outcome {
    let (queue, entries) = match batch(queues, request) {
        Ok(batch) => batch,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (mut taken, mut messages, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match message(queue, entry) {
            Ok(message) => {
                taken.push((&entry["Id"], digest(&message.body)));
                messages.push(message);
            }
            Err(Refusal { code, message, .. }) => {
                let entry =
                    json!({ "Id": entry["Id"], "Code": code, "Message": message, "SenderFault": true });
                failed.push(entry);
            }
        }
    }
    let ids = queues.send(messages, now).await?;
    let successful: Vec<Value> = taken
        .into_iter()
        .zip(ids)
        .map(|((entry, digest), id)| json!({ "Id": entry, "MessageId": id, "MD5OfMessageBody": digest }))
        .collect();
    Ok(Ok(json!({ "Successful": successful, "Failed": failed })))
}

fn queue<'a>(queues: &Queues, request: &'a Value) -> Result<&'a str, Refusal> {
    let queue = request["QueueUrl"].as_str().and_then(queue_of_url).filter(|queue| queues.has(queue));
    queue.ok_or_else(|| {
        let what = "The specified queue does not exist.";
        Refusal::new("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", what)
    })
}

/// The queue and the entries of a batch, where the batch as a whole is what SQS takes.
fn batch<'a>(queues: &Queues, request: &'a Value) -> Result<(&'a str, &'a [Value]), Refusal> {
    let queue = queue(queues, request)?;
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        let what = "There should be at least one SendMessageBatchRequestEntry in the request.";
        return Err(Refusal::new("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", what));
    }
    if entries.len() > ENTRIES {
        let what =
            format!("Maximum number of entries per request are {ENTRIES}. You have sent {}.", entries.len());
        let code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest";
        return Err(Refusal::new("TooManyEntriesInBatchRequest", code, what));
    }
    let mut ids = HashSet::new();
    for entry in entries {
        let id = entry["Id"].as_str().unwrap_or_default();
        if id.is_empty() || id.len() > ID_CHARACTERS || !id.chars().all(is_of_an_id) {
            let what = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
            let code = "AWS.SimpleQueueService.InvalidBatchEntryId";
            return Err(Refusal::new("InvalidBatchEntryId", code, what));
        }
        if !ids.insert(id) {
            let code = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct";
            return Err(Refusal::new("BatchEntryIdsNotDistinct", code, format!("Id {id} repeated.")));
        }
    }
    let bytes: usize = entries.iter().filter_map(|entry| entry["MessageBody"].as_str()).map(str::len).sum();
    if bytes > BYTES {
        let what =
            format!("Batch requests cannot be longer than {BYTES} bytes. You have sent {bytes} bytes.");
        return Err(Refusal::new("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", what));
    }
    Ok((queue, entries))
}

fn is_of_an_id(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// The message of a call, or of an entry of one.
fn message(queue: &str, entry: &Value) -> Result<Message, Refusal> {
    let body = entry["MessageBody"].as_str().filter(|body| !body.is_empty()).ok_or_else(|| {
        let what = "The request must contain the parameter MessageBody.";
        Refusal::new("MissingParameterException", "MissingParameter", what)
    })?;
    if !body.chars().all(is_of_a_message) {
        let what = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF";
        return Err(Refusal::new("InvalidMessageContents", "InvalidMessageContents", what));
    }
    if entry["MessageAttributes"].as_object().is_some_and(|attributes| !attributes.is_empty()) {
        let what = "The local stack keeps no message attributes.";
        let code = "AWS.SimpleQueueService.UnsupportedOperation";
        return Err(Refusal::new("UnsupportedOperation", code, what));
    }
    let given = &entry["DelaySeconds"];
    let delay = given.as_u64().filter(|delay| *delay <= MOST_DELAY);
    if delay.is_none() && !given.is_null() {
        return Err(Refusal::value(format!(
            "Value {given} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {MOST_DELAY}."
        )));
    }
    Ok(Message { queue: queue.to_owned(), body: body.to_owned(), delay: delay.map(Duration::from_secs) })
}

/// What XML can hold.
fn is_of_a_message(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn digest(body: &str) -> String {
    hex::encode(Md5::digest(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_sqs_takes_becomes_a_message() {
        for (entry, expected) in [
            (json!({ "MessageBody": "a\n\u{fffd}ä😀" }), Ok(None)),
            (json!({ "MessageBody": "a", "DelaySeconds": 0 }), Ok(Some(0))),
            (json!({ "MessageBody": "a", "DelaySeconds": 900 }), Ok(Some(900))),
            (json!({ "MessageBody": "a", "DelaySeconds": 901 }), Err("InvalidParameterValue")),
            (json!({ "MessageBody": "a", "DelaySeconds": -1 }), Err("InvalidParameterValue")),
            (json!({ "MessageBody": "a", "DelaySeconds": "5" }), Err("InvalidParameterValue")),
            (json!({ "MessageBody": "" }), Err("MissingParameter")),
            (json!({}), Err("MissingParameter")),
            (json!({ "MessageBody": "a\u{1}" }), Err("InvalidMessageContents")),
            (json!({ "MessageBody": "a\u{ffff}" }), Err("InvalidMessageContents")),
            (
                json!({ "MessageBody": "a", "MessageAttributes": { "x": {} } }),
                Err("AWS.SimpleQueueService.UnsupportedOperation"),
            ),
        ] {
            let found = message("q", &entry).map(|message| message.delay.map(|delay| delay.as_secs()));
            assert_eq!(found.map_err(|refusal| refusal.code), expected, "{entry}");
        }
    }

    #[test]
    fn a_digest_is_md5_in_hexadecimal() {
        assert_eq!(digest("abc"), "900150983cd24fb0d6963f7d28e17f72", "RFC 1321, A.5");
    }
}
