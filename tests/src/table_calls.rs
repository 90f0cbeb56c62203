//! What a function asks of its table, counted on the way: a door before DynamoDB that notes each call and what it was charged.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, anyhow, ensure};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use lambda::Environment;
use lambda_http::Body;
use local_stack::{Stack, TEMPLATE, template};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCall {
    /// Which, such as `Query`.
    pub operation: String,
    /// The capacity units it was charged.
    pub units: f64,
    /// How many items came back.
    pub items: usize,
    /// How many items it writes.
    pub writes: usize,
}

/// The calls of one function of a stack.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<TableCall>>>);

impl Calls {
    /// Those since the last time.
    pub fn take(&self) -> Vec<TableCall> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a function of the template is given to be started beside the stack's own, with a door between it and the table.
    async fn of(stack: &Stack, function: &str) -> anyhow::Result<(Environment, Self)> {
        let address = BTreeMap::from([(template::ADDRESS.to_owned(), format!("http://{}", stack.address()))]);
        let wiring = template::read(TEMPLATE, &address)?;
        let wired = wiring.functions.iter().find(|wired| wired.binary == function);
        let wired = wired.with_context(|| format!("no function {function}"))?;
        Self::before(&stack.environment().with(&wired.environment)).await
    }

    /// This environment with a door between whoever is started in it and the table.
    pub async fn before(environment: &Environment) -> anyhow::Result<(Environment, Self)> {
        let calls = Self::default();
        let behind = environment.required("AWS_ENDPOINT_URL_DYNAMODB")?.to_owned();
        let door = Door { client: Client::builder().build()?, behind, calls: calls.clone() };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(pass).with_state(Arc::new(door));
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });

        let door = BTreeMap::from([("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), endpoint)]);
        Ok((environment.with(&door), calls))
    }
}

/// The API over a local stack's table, with its calls counted.
#[derive(Debug)]
pub struct CountedApi {
    app: scores_api::App,
    calls: Calls,
}

/// The score function over a local stack's table, with its calls counted.
#[derive(Debug)]
pub struct CountedScore {
    app: score::App,
    calls: Calls,
}

impl CountedScore {
    /// Starts it beside the stack's own.
    pub async fn beside(stack: &Stack) -> anyhow::Result<Self> {
        let (environment, calls) = Calls::of(stack, "score").await?;
        Ok(Self { app: score::App::start(&environment).await?, calls })
    }

    /// Makes a provider's summary anew, as when the stream tells that an item of his has changed, and says what that took of the table.
    pub async fn rescore(&self, provider: &str, sort_key: &str) -> anyhow::Result<Vec<TableCall>> {
        self.calls.take();
        let keys = json!({ "pk": { "S": format!("provider#{provider}") }, "sk": { "S": sort_key } });
        let records = json!({ "Records": [{ "dynamodb": { "Keys": keys, "SequenceNumber": "1" } }] });
        let answer = score::handle(&self.app, records).await.map_err(|error| anyhow!("{error}"))?;
        ensure!(answer == json!({ "batchItemFailures": [] }), "{answer}");
        Ok(self.calls.take())
    }
}

#[derive(Debug)]
struct Door {
    client: Client,
    behind: String,
    calls: Calls,
}

impl CountedApi {
    /// Starts it beside the stack's own.
    pub async fn beside(stack: &Stack) -> anyhow::Result<Self> {
        let (environment, calls) = Calls::of(stack, "scores-api").await?;
        Ok(Self { app: scores_api::App::start(&environment).await?, calls })
    }

    /// What is at a path, and what it took of the table.
    pub async fn get(&self, path: &str) -> anyhow::Result<(lambda_http::Response<Body>, Vec<TableCall>)> {
        self.calls.take();
        let request =
            lambda_http::http::Request::get(format!("https://api.example{path}")).body(Body::Empty)?;
        let response = scores_api::handle(&self.app, request).await.map_err(|error| anyhow!("{error}"))?;
        Ok((response, self.calls.take()))
    }
}

async fn pass(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let writes = match operation.as_str() {
        "PutItem" | "UpdateItem" | "DeleteItem" => 1,
        _ => asked["TransactItems"].as_array().map_or(0, Vec::len),
    };
    let mut request = door.client.post(&door.behind).body(body);
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            request = request.header(name, value);
        }
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let call = TableCall {
        operation,
        units: units(&said["ConsumedCapacity"]),
        writes,
        items: said["Items"].as_array().map_or(usize::from(said["Item"].is_object()), Vec::len),
    };
    door.calls.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    (status, [("content-type", "application/x-amz-json-1.0")], body).into_response()
}

/// One table's, or those of a batch.
fn units(charged: &Value) -> f64 {
    match charged {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => table["CapacityUnits"].as_f64().unwrap_or_default(),
    }
}
