//! The marketplace's door: signed CloudEvents in, judged one by one, onto the bus.
//!
//! A request is authenticated as a whole ([`signature`]), its events are judged each for itself ([`schema`]), and what is taken is
//! on the bus before it is acknowledged. What is to be watched for a contract has a path of its own (`monitors`) and becomes an
//! event like any other. What others report on a monitor (`reports`) comes in here, too, by the monitor's key.

mod monitors;
mod reports;
pub mod schema;
pub mod signature;

use std::sync::Arc;

use http::{Method, StatusCode, header};
use lambda::{Bus, Clients, Environment, Problem, Queue, Secrets, StartError, bus::BusEvent, clock};
use lambda_http::{Body, Request, RequestExt, Response};
use probe::guard::Guard;
use serde_json::{Value, json};
use trust::{
    marketplace::{MarketplaceEvent, SOURCE},
    time::Moment,
};

use schema::{Fault, Schemas, ShapeFault};
use signature::Signed;

/// Most bytes of a request: Lambda's own limit.
const LONGEST_BODY: usize = 6 * 1024 * 1024;

/// Most events of a batch.
const LARGEST_BATCH: usize = 500;

/// What the function needs from outside.
#[derive(Debug)]
pub struct App {
    bus: Bus,
    settle: Queue,
    secrets: Secrets,
    schemas: Arc<Schemas>,
}

impl App {
    /// Connects to the bus, the queue at `SETTLE_QUEUE_URL` and the secrets, and fetches the secrets ahead of the first request.
    ///
    /// `EGRESS_REACH` is what it is to the workers: what they would refuse to ask is refused here.
    pub async fn start(environment: &Environment) -> Result<Self, StartError> {
        let guard = Guard::of_setting(environment.optional("EGRESS_REACH"));
        let schemas = Schemas::compile(guard).map_err(|error| StartError::Unavailable(error.to_string()))?;
        let clients = Clients::new(environment)?;
        let secrets = Secrets::fetched_ahead(environment, &clients).await?;
        Ok(Self {
            bus: Bus::connect(environment, &clients)?,
            settle: Queue::connect(environment, &clients, "SETTLE_QUEUE_URL")?,
            secrets,
            schemas: Arc::new(schemas),
        })
    }
}

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Result<Response<Body>, lambda_runtime::Error> {
    let path = request.raw_http_path().to_owned();
    let now = clock::now();
    let answer = match route(request.method(), &path) {
        Some(Asked::Events) => take_events(app, &request, now).await,
        Some(Asked::Monitors { contract }) => set_monitors(app, &request, contract, now).await,
        Some(Asked::Reports { monitor }) => reports::take(app, &request, monitor, now).await,
        None => Err(Problem::new(StatusCode::NOT_FOUND, "no-such-path", "No such path")),
    };
    Ok(answer.unwrap_or_else(Problem::into_response))
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked<'a> {
    Events,
    Monitors { contract: &'a str },
    Reports { monitor: &'a str },
}

fn route<'a>(method: &Method, path: &'a str) -> Option<Asked<'a>> {
    let segments: Vec<&str> = path.strip_prefix("/v1/")?.split('/').collect();
    match segments.as_slice() {
        ["events"] if method == Method::POST => Some(Asked::Events),
        ["contracts", contract, "monitors"] if method == Method::PUT => Some(Asked::Monitors { contract }),
        ["monitors", monitor, "reports"] if method == Method::POST => Some(Asked::Reports { monitor }),
        _ => None,
    }
}

/// The request's signature, if it is the marketplace's.
async fn authenticate<'a>(app: &App, request: &'a Request, now: Moment) -> Result<Signed<'a>, Problem> {
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
    })
}

/// Takes what is to be watched for a contract.
async fn set_monitors(
    app: &App,
    request: &Request,
    contract: &str,
    now: Moment,
) -> Result<Response<Body>, Problem> {
    let signed = authenticate(app, request, now).await?;
    let event = monitors::event(contract, signed, request.body())?;
    let judged = app.schemas.judge(&event, now).map_err(monitors::problem)?;
    publish_one(app, judged).await
}

async fn take_events(app: &App, request: &Request, now: Moment) -> Result<Response<Body>, Problem> {
    authenticate(app, request, now).await?;
    match read(request.body())? {
        Sent::One(event) => {
            let judged = app.schemas.judge(&event, now).map_err(problem)?;
            publish_one(app, judged).await
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
    match read_json(body)? {
        Value::Array(events) if events.is_empty() => Err(invalid("the batch is empty".to_owned())),
        Value::Array(events) if events.len() > LARGEST_BATCH => {
            Err(invalid(format!("a batch has at most {LARGEST_BATCH} events, this one has {}", events.len())))
        }
        Value::Array(events) => Ok(Sent::Batch(events)),
        event => Ok(Sent::One(event)),
    }
}

fn read_json(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body)
        .map_err(|error| invalid(format!("not JSON at line {}, column {}", error.line(), error.column())))
}

fn invalid(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "The body can not be read").detail(detail)
}

/// Publishes one event, and answers its id.
async fn publish_one(app: &App, event: MarketplaceEvent) -> Result<Response<Body>, Problem> {
    match publish(app, vec![Ok(event)]).await.pop() {
        Some(Ok(accepted)) => Ok(answer(StatusCode::ACCEPTED, &json!({ "id": accepted }))),
        Some(Err(problem)) => Err(problem),
        None => Err(unavailable()),
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
        Fault::Shape(faults) => faulty("invalid-event", "The event is not valid", faults),
    }
}

/// A problem that names each fault's place.
fn faulty(kind: &'static str, title: &'static str, faults: Vec<ShapeFault>) -> Problem {
    let detail = faults.first().map(ToString::to_string).unwrap_or_default();
    let errors: Vec<Value> =
        faults.into_iter().map(|fault| json!({ "pointer": fault.pointer, "detail": fault.detail })).collect();
    Problem::new(StatusCode::BAD_REQUEST, kind, title).detail(detail).with("errors", errors)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_and_the_method_say_what_is_asked_for() {
        let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
        for (method, path, asked) in [
            (&post, "/v1/events", Some(Asked::Events)),
            (&put, "/v1/contracts/c-1/monitors", Some(Asked::Monitors { contract: "c-1" })),
            (&post, "/v1/monitors/m-1/reports", Some(Asked::Reports { monitor: "m-1" })),
            (&get, "/v1/contracts/c-1/monitors", None),
            (&get, "/v1/monitors/m-1/reports", None),
            (&put, "/v1/contracts/monitors", None),
            (&put, "/v1/contracts/c-1/monitors/", None),
            (&put, "/v1/events", None),
            (&post, "/events", None),
        ] {
            assert_eq!(route(method, path), asked, "{method} {path}");
        }
    }
}
