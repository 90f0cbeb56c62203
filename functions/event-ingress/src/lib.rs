//! The marketplace's door: signed CloudEvents in, judged one by one, onto the bus.
//!
//! A request is authenticated as a whole ([`signature`]), its events are judged each for itself ([`schema`]), and what is taken is
//! on the bus before it is acknowledged.

pub mod schema;
pub mod signature;

use std::sync::Arc;

use http::{StatusCode, header};
use lambda::{Bus, Clients, Environment, Problem, Secrets, StartError, bus::BusEvent, clock};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use trust::{
    marketplace::{MarketplaceEvent, SOURCE},
    time::Moment,
};

use schema::{Fault, Schemas};

/// Most bytes of a request: Lambda's own limit.
const LONGEST_BODY: usize = 6 * 1024 * 1024;

/// Most events of a batch.
const LARGEST_BATCH: usize = 500;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    bus: Bus,
    secrets: Secrets,
    schemas: Arc<Schemas>,
}

impl App {
    /// Connects to the bus and the secrets, and fetches the secrets ahead of the first request.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let schemas = Schemas::compile().map_err(|error| StartError::Unavailable(error.to_string()))?;
        let clients = Clients::new(environment)?;
        let secrets = Secrets::connect(environment, &clients)?;
        if let Err(error) = secrets.current().await {
            tracing::warn!(%error, "starting without secrets; the first request asks again");
        }
        Ok(Self { bus: Bus::connect(environment, &clients)?, secrets, schemas: Arc::new(schemas) })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let answer = take(app, &request, clock::now()).await;
    Ok(answer.unwrap_or_else(Problem::into_response))
}

async fn take(app: &App, request: &Request, now: Moment) -> Result<Response<Body>, Problem> {
    let body: &[u8] = request.body();
    if body.len() > LONGEST_BODY {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            .detail(format!("the most is {LONGEST_BODY} bytes")));
    }
    let secrets = app.secrets.current().await.map_err(|error| {
        tracing::error!(%error, "no secrets");
        unavailable()
    })?;
    let known = secrets.events.iter().map(lambda::secrets::Secret::expose);
    signature::verify(known, request.headers(), body, now).map_err(|error| {
        Problem::new(StatusCode::UNAUTHORIZED, "invalid-signature", "The signature is not valid")
            .detail(error.to_string())
    })?;
    match read(body)? {
        Sent::One(event) => {
            let judged = app.schemas.judge(&event, now).map_err(problem)?;
            let mut results = publish(app, vec![Ok(judged)]).await;
            match results.pop() {
                Some(Ok(accepted)) => Ok(answer(StatusCode::ACCEPTED, &json!({ "id": accepted }))),
                Some(Err(problem)) => Err(problem),
                None => Err(unavailable()),
            }
        }
        Sent::Batch(events) => {
            let judged = events.iter().map(|event| app.schemas.judge(event, now).map_err(problem)).collect();
            let results = publish(app, judged).await;
            let all = results.iter().all(Result::is_ok);
            let items: Vec<Value> = results
                .iter()
                .zip(&events)
                .enumerate()
                .map(|(index, (result, event))| item(index, event, result))
                .collect();
            let status = if all { StatusCode::ACCEPTED } else { StatusCode::MULTI_STATUS };
            Ok(answer(status, &json!({ "items": items })))
        }
    }
}

enum Sent {
    One(Value),
    Batch(Vec<Value>),
}

fn read(body: &[u8]) -> Result<Sent, Problem> {
    let invalid = |detail: String| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read").detail(detail)
    };
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("not JSON at line {}, column {}", error.line(), error.column())))?;
    match value {
        Value::Array(events) if events.is_empty() => Err(invalid("the batch is empty".to_owned())),
        Value::Array(events) if events.len() > LARGEST_BATCH => {
            Err(invalid(format!("a batch has at most {LARGEST_BATCH} events, this one has {}", events.len())))
        }
        Value::Array(events) => Ok(Sent::Batch(events)),
        event => Ok(Sent::One(event)),
    }
}

/// Publishes what was taken, and says of each event its id or why not.
async fn publish(app: &App, judged: Vec<Result<MarketplaceEvent, Problem>>) -> Vec<Result<String, Problem>> {
    let details = judged.into_iter().map(|judged| {
        judged.and_then(|event| {
            let id = event.id.clone();
            let detail = serde_json::to_value(&event).map_err(|_| unavailable())?;
            let kind = detail["type"].as_str().unwrap_or_default().to_owned();
            let event = BusEvent::new(SOURCE, kind, &detail).map_err(|_| unavailable())?;
            Ok((id, event))
        })
    });
    let details: Vec<Result<(String, BusEvent), Problem>> = details.collect();
    let events: Vec<BusEvent> = details.iter().flatten().map(|(_, event)| event.clone()).collect();
    let mut published = app.bus.publish_each(&events).await.into_iter();
    details
        .into_iter()
        .map(|detail| {
            let (id, _) = detail?;
            published.next().ok_or_else(unavailable)?.map_err(|error| {
                tracing::error!(%error, "not published");
                unavailable()
            })?;
            Ok(id)
        })
        .collect()
}

fn item(index: usize, event: &Value, result: &Result<String, Problem>) -> Value {
    let id = event["id"].as_str().map(|id| id.chars().take(256).collect::<String>());
    match result {
        Ok(_) => json!({ "index": index, "id": id, "status": StatusCode::ACCEPTED.as_u16() }),
        Err(problem) => {
            json!({ "index": index, "id": id, "status": problem.status().as_u16(), "problem": problem.to_json() })
        }
    }
}

fn problem(fault: Fault) -> Problem {
    match fault {
        Fault::UnknownType(kind) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-event-type", "Unknown event type")
                .detail(format!("/type: {kind:?} is not a type of event known here"))
        }
        Fault::Shape(errors) => {
            let detail = errors.first().map(ToString::to_string).unwrap_or_default();
            let errors: Vec<Value> = errors
                .into_iter()
                .map(|error| json!({ "pointer": error.pointer, "detail": error.detail }))
                .collect();
            Problem::new(StatusCode::BAD_REQUEST, "invalid-event", "The event is not valid")
                .detail(detail)
                .with("errors", errors)
        }
    }
}

fn unavailable() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available")
        .detail("the event was not taken; please send it again")
}

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
