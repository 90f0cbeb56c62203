//! The local ends of AWS services that the functions' SDK clients talk to: EventBridge, SQS and Secrets Manager, in AWS's JSON
//! protocols. DynamoDB has its own server.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::{
    bus::{Bus, PutEventsError},
    queues::Queues,
    secrets::Vault,
    sqs,
};

/// Most bytes of a request: what SQS takes, were each of its characters escaped.
const REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// What the endpoint serves from.
#[derive(Debug)]
pub struct Services {
    /// The event bus.
    pub bus: Bus,
    /// The queues that may be sent to.
    pub queues: Queues,
    /// The secrets.
    pub secrets: Vault,
}

/// The endpoint.
pub fn router(services: Arc<Services>) -> Router {
    let limit = DefaultBodyLimit::max(REQUEST_BYTES);
    Router::new().route("/", post(serve)).layer(limit).with_state(services)
}

async fn serve(State(services): State<Arc<Services>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return error(StatusCode::BAD_REQUEST, "SerializationException", "not JSON");
    };
    match target {
        "AWSEvents.PutEvents" => match services.bus.put_events(&request, lambda::clock::now()).await {
            Ok(output) => answer(StatusCode::OK, &output),
            Err(failure @ (PutEventsError::Entries | PutEventsError::Size)) => {
                error(StatusCode::BAD_REQUEST, "ValidationException", &failure.to_string())
            }
            Err(failure @ PutEventsError::Queues(_)) => {
                error(StatusCode::INTERNAL_SERVER_ERROR, "InternalException", &failure.to_string())
            }
        },
        queues if queues.starts_with("AmazonSQS.") => {
            sqs::serve(&services.queues, target, &request, lambda::clock::now()).await
        }
        secrets if secrets.starts_with("secretsmanager.") => {
            serve_secrets(&services.secrets, target, &request)
        }
        other => error(StatusCode::BAD_REQUEST, "UnknownOperationException", other),
    }
}

/// Answers a call of Secrets Manager.
pub fn serve_secrets(secrets: &Vault, target: &str, request: &Value) -> Response {
    let named = id(request, "SecretId");
    match target {
        "secretsmanager.GetSecretValue" => match secrets.get(named) {
            Some(text) => {
                let secret = json!({ "Name": named, "SecretString": text, "VersionStages": ["AWSCURRENT"] });
                answer(StatusCode::OK, &secret)
            }
            None => no_such_secret(),
        },
        "secretsmanager.PutSecretValue" if secrets.get(named).is_none() => no_such_secret(),
        "secretsmanager.PutSecretValue" => keep(secrets, named, request),
        "secretsmanager.CreateSecret" if secrets.get(id(request, "Name")).is_some() => {
            error(StatusCode::BAD_REQUEST, "ResourceExistsException", "it exists already")
        }
        "secretsmanager.CreateSecret" => keep(secrets, id(request, "Name"), request),
        other => error(StatusCode::BAD_REQUEST, "UnknownOperationException", other),
    }
}

fn id<'a>(request: &'a Value, member: &str) -> &'a str {
    request[member].as_str().unwrap_or_default()
}

fn no_such_secret() -> Response {
    error(StatusCode::BAD_REQUEST, "ResourceNotFoundException", "no such secret")
}

fn keep(secrets: &Vault, name: &str, request: &Value) -> Response {
    match secrets.keep(name, id(request, "SecretString")) {
        Ok(()) => answer(StatusCode::OK, &json!({ "Name": name })),
        Err(failure) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError", &failure.to_string())
        }
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    answer(status, &json!({ "__type": code, "message": message }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}
