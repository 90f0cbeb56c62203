//! The AWS services around one function, on loopback: the template's table in a file of its own, a bus and queues that keep what they are given,
//! and the secrets. What a function is told of them comes from `infra/template.yaml`, as in a deployment.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use lambda::Environment;
use local_stack::{TEMPLATE, aws::serve_secrets, database, secrets::Vault, template, wiring::Wiring};
use serde_json::{Value, json};
use table::Table;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// What the bus does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusHealth {
    /// It takes it.
    Up,
    /// It answers that it could not.
    Failing,
}

/// Services for functions under test.
#[derive(Debug)]
pub struct Services {
    wiring: Wiring,
    settings: BTreeMap<String, String>,
    recorded: Arc<Recorded>,
    /// Holds the table's file for as long as the services are wanted.
    _directory: Option<TempDir>,
}

/// A message that was sent to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The queue's name.
    pub queue: String,
    /// What was sent.
    pub body: String,
    /// For how many seconds it is hidden, where the sender said so.
    pub delay: Option<u64>,
}

#[derive(Debug)]
struct Recorded {
    secrets: Vault,
    published: Mutex<Vec<Value>>,
    sent: Mutex<Vec<Sent>>,
    bus: BusHealth,
}

impl Services {
    /// Starts the services with this secret document.
    pub async fn start(secrets: Value, bus: BusHealth) -> anyhow::Result<Self> {
        Self::start_with(secrets, bus, &BTreeMap::new()).await
    }

    /// The same, with these parameters of the template.
    pub async fn start_with(
        secrets: Value,
        bus: BusHealth,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let services = Self::start_in(directory.path(), secrets, bus, parameters).await?;
        Ok(Self { _directory: Some(directory), ..services })
    }

    /// The same, with the table's file in this directory, where a local stack finds it afterwards.
    pub async fn start_in(
        directory: &Path,
        secrets: Value,
        bus: BusHealth,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<Self> {
        let mut parameters = parameters.clone();
        // Nobody listens there: what is posted to a function is lost.
        parameters.entry(template::ADDRESS.to_owned()).or_insert_with(|| "http://127.0.0.1:9".to_owned());
        let wiring = template::read(TEMPLATE, &parameters)?;
        // In memory it would slow down with every write: there the embedded database's stream can not be given an index.
        let database = database::open(Some(&directory.join("table.sqlite")), &wiring.tables)?;
        let dynamodb = database::serve(database)?;
        let secrets = Vault::open(&wiring.secrets, &secrets.to_string(), None)?;
        let recorded =
            Arc::new(Recorded { secrets, published: Mutex::default(), sent: Mutex::default(), bus });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let others = format!("http://{}", listener.local_addr()?);
        let router = Router::new().route("/", post(serve)).with_state(Arc::clone(&recorded));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        let settings = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_SESSION_TOKEN", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", &others),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &others),
            ("AWS_ENDPOINT_URL_SQS", &others),
        ];
        let settings =
            settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { wiring, settings, recorded, _directory: None })
    }

    /// What the template and Lambda put into this function's environment.
    pub fn environment(&self, function: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let wired = self.wiring.functions.iter().find(|wired| wired.binary == function);
        let wired = wired.with_context(|| format!("the template has no function {function}"))?;
        Ok(self.settings.clone().into_iter().chain(wired.environment.clone()).collect())
    }

    /// The names of the template's functions.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.wiring.functions.iter().map(|function| function.binary.as_str())
    }

    /// The table, to look into.
    pub fn table(&self) -> anyhow::Result<Table> {
        let environment = Environment::from_pairs(self.settings.clone());
        let table = self.wiring.tables.first().context("the template has no table")?;
        Ok(Table::new(lambda::Clients::new(&environment)?.dynamodb(), &table.name))
    }

    /// Fills the operator's secret anew.
    pub fn fill(&self, secrets: &Value) -> anyhow::Result<()> {
        let name = self.wiring.secrets.first().context("the template has no secret")?;
        Ok(self.recorded.secrets.keep(name, &secrets.to_string())?)
    }

    /// A secret that a function has kept, as JSON.
    pub fn secret(&self, name: &str) -> Option<Value> {
        serde_json::from_str(&self.recorded.secrets.get(name)?).ok()
    }

    /// The messages that were sent to queues, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.recorded.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The entries that were put on the bus, in order, their details read.
    pub fn published(&self) -> Vec<Value> {
        self.recorded.published.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(State(recorded): State<Arc<Recorded>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = match target {
        "AWSEvents.PutEvents" => put_events(&recorded, &request),
        "AmazonSQS.SendMessageBatch" => send_messages(&recorded, &request),
        secrets if secrets.starts_with("secretsmanager.") => {
            return serve_secrets(&recorded.secrets, target, &request);
        }
        other => json!({ "__type": "UnknownOperationException", "message": other }),
    };
    ([("content-type", "application/x-amz-json-1.1")], answer.to_string()).into_response()
}

fn send_messages(recorded: &Recorded, request: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    let queue = text(&request["QueueUrl"]).rsplit('/').next().unwrap_or_default().to_owned();
    let sent = entries.iter().map(|entry| Sent {
        queue: queue.clone(),
        body: text(&entry["MessageBody"]),
        delay: entry["DelaySeconds"].as_u64(),
    });
    recorded.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(sent);
    let taken: Vec<Value> = entries
        .iter()
        .map(|entry| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" }))
        .collect();
    json!({ "Successful": taken, "Failed": [] })
}

fn put_events(recorded: &Recorded, request: &Value) -> Value {
    let entries = request["Entries"].as_array().cloned().unwrap_or_default();
    if recorded.bus == BusHealth::Failing {
        let refusal = json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "try again" });
        return json!({ "FailedEntryCount": entries.len(), "Entries": vec![refusal; entries.len()] });
    }
    let taken: Vec<Value> = entries.iter().map(|_| json!({ "EventId": "1" })).collect();
    let read = entries.into_iter().map(|mut entry| {
        let detail = entry["Detail"].as_str().and_then(|detail| serde_json::from_str(detail).ok());
        entry["Detail"] = detail.unwrap_or_default();
        entry
    });
    recorded.published.lock().unwrap_or_else(PoisonError::into_inner).extend(read);
    json!({ "FailedEntryCount": 0, "Entries": taken })
}

#[cfg(test)]
mod tests {
    use lambda::{Clients, Queue, queue::Message};

    use super::*;

    #[tokio::test]
    async fn what_is_sent_to_a_queue_is_kept_in_order() {
        let services = Services::start(json!({}), BusHealth::Up).await.unwrap();
        let mut settings = services.settings.clone();
        settings.insert("QUEUE_URL".to_owned(), "https://sqs.example/1/jobs".to_owned());
        let environment = Environment::from_pairs(settings);
        let queue = Queue::connect(&environment, &Clients::new(&environment).unwrap(), "QUEUE_URL").unwrap();
        queue.send((0..12).map(|delay| Message { body: format!("job {delay}"), delay })).await.unwrap();
        let expected: Vec<Sent> = (0..12)
            .map(|delay| Sent { queue: "jobs".to_owned(), body: format!("job {delay}"), delay: Some(delay) })
            .collect();
        assert_eq!(services.sent(), expected);
    }
}
