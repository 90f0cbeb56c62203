//! The event bus: rules decide which queues an event reaches.

use serde_json::{Value, json};
use trust::time::Moment;
use uuid::Uuid;

use crate::{
    queues::{Message, QueueError, Queues},
    template::{ACCOUNT, REGION},
    wiring::{Rule, Wiring},
};

/// Most entries of one call.
const ENTRIES: usize = 10;

/// Most bytes of one call, counted as EventBridge does. The smallest limit that was ever documented: what passes here passes there.
const BYTES: usize = 256 * 1024;

/// What EventBridge counts for an entry's time.
const TIME_BYTES: usize = 14;

/// The buses of the template and their rules.
#[derive(Debug)]
pub struct Bus {
    names: Vec<String>,
    rules: Vec<Rule>,
    queues: Queues,
}

/// Why an entry was not taken: EventBridge's code and message.
type Refused = (&'static str, String);

impl Bus {
    /// The buses and rules of the template, in front of these queues.
    pub fn new(wiring: &Wiring, queues: Queues) -> Self {
        Self { names: wiring.buses.clone(), rules: wiring.rules.clone(), queues }
    }

    /// `PutEvents`: takes the entries that are well-formed and says of each what became of it. What is taken is on disk.
    pub async fn put_events(&self, request: &Value, now: Moment) -> Result<Value, PutEventsError> {
        let entries = request["Entries"].as_array().filter(|entries| (1..=ENTRIES).contains(&entries.len()));
        let entries = entries.ok_or(PutEventsError::Entries)?;
        if entries.iter().map(size).sum::<usize>() > BYTES {
            return Err(PutEventsError::Size);
        }
        let mut messages = Vec::new();
        let mut results = Vec::new();
        for entry in entries {
            match self.envelope(entry, now) {
                Ok((bus, envelope)) => {
                    results.push(json!({ "EventId": envelope["id"] }));
                    messages.extend(self.targets(&bus, &envelope));
                }
                Err((code, message)) => results.push(json!({ "ErrorCode": code, "ErrorMessage": message })),
            }
        }
        if !messages.is_empty() {
            self.queues.send(messages, now).await?;
        }
        let failed = results.iter().filter(|result| result.get("ErrorCode").is_some()).count();
        Ok(json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    fn targets(&self, bus: &str, envelope: &Value) -> Vec<Message> {
        let matching = self.rules.iter().filter(|rule| rule.bus == bus && rule.pattern.matches(envelope));
        matching
            .flat_map(|rule| &rule.queues)
            .map(|queue| Message::new(queue, envelope.to_string()))
            .collect()
    }

    fn envelope(&self, entry: &Value, now: Moment) -> Result<(String, Value), Refused> {
        let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
        let required = |name: &'static str| {
            text(name).ok_or_else(|| ("InvalidArgument", format!("Parameter {name} is not valid.")))
        };
        let (source, detail_type, detail) =
            (required("Source")?, required("DetailType")?, required("Detail")?);
        let bus = text("EventBusName").unwrap_or("default").rsplit('/').next().unwrap_or("default");
        if !self.names.iter().any(|name| name == bus) {
            return Err(("ResourceNotFoundException", format!("Event bus {bus} does not exist.")));
        }
        let detail: Value = serde_json::from_str(detail)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
        let envelope = json!({
            "version": "0",
            "id": Uuid::new_v4().to_string(),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": time(&entry["Time"]).unwrap_or(now),
            "region": REGION,
            "resources": entry.get("Resources").cloned().unwrap_or_else(|| json!([])),
            "detail": detail,
        });
        Ok((bus.to_owned(), envelope))
    }
}

fn size(entry: &Value) -> usize {
    let text = |name: &str| entry[name].as_str().map_or(0, str::len);
    let resources = entry["Resources"].as_array().into_iter().flatten();
    let resources: usize = resources.filter_map(Value::as_str).map(str::len).sum();
    let time = if entry["Time"].is_null() { 0 } else { TIME_BYTES };
    text("Source") + text("DetailType") + text("Detail") + resources + time
}

/// A time as this protocol has it: seconds, with or without a fraction.
fn time(seconds: &Value) -> Option<Moment> {
    seconds.as_i64().or_else(|| seconds.as_f64().map(|seconds| seconds as i64)).and_then(Moment::from_unix)
}

/// Why a whole call was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PutEventsError {
    /// No entries, or too many.
    #[error("Entries must have 1 to 10 members")]
    Entries,
    /// More bytes than one call may have.
    #[error("Total size of the entries in the request is over the limit.")]
    Size,
    /// The queues could not be written.
    #[error(transparent)]
    Queues(#[from] QueueError),
}
