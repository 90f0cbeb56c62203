//! The HTTP front: routes of the HTTP API as the template has them, and Function URLs under `/lambda-url/<function>`.

mod cors;
mod event;
mod jwt;
mod routes;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use lambda::{Problem, clock};

use crate::functions::Throttled;
use routes::Door;
pub use routes::Gateway;

/// The front, to be merged with what else is served there.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().fallback(serve).with_state(gateway)
}

async fn serve(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let preflight = cors::is_preflight(&parts.method, &parts.headers);
    if let Some(cors) = gateway.cors(path).filter(|_| preflight) {
        return cors::preflight(cors, &parts.headers);
    }
    let mut response = call(&gateway, &parts, body).await;
    if let Some(cors) = gateway.cors(path) {
        cors::expose(cors, &parts.headers, response.headers_mut());
    }
    response
}

async fn call(gateway: &Gateway, parts: &Parts, body: Body) -> Response {
    let Some(call) = gateway.find(parts.method.as_str(), parts.uri.path()) else {
        return nothing_there();
    };
    let now = clock::now();
    let claims = match &call.authorizer {
        Some(authorizer) => {
            let authorization = parts.headers.get(header::AUTHORIZATION);
            let authorization = authorization.and_then(|value| value.to_str().ok());
            match jwt::authorize(authorizer, authorization, &gateway.keys.read(), now) {
                Ok(claims) => Some(claims),
                Err(refused) => return refused.into_response(),
            }
        }
        None => None,
    };
    let most = call.door.most_bytes();
    let Ok(body) = to_bytes(body, most).await else {
        return problem(
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
                .detail(format!("the most is {} MB", most / (1024 * 1024))),
        );
    };
    match call.function.invoke_http(event::event(parts, &call, claims, &body, now)).await {
        Ok(response) => forward(response),
        Err(error) if error.is::<Throttled>() => throttled(call.door),
        Err(error) => {
            tracing::error!(%error, "no answer");
            failed(call.door)
        }
    }
}

/// The answer of API Gateway where no route leads anywhere.
fn nothing_there() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (StatusCode::NOT_FOUND, json, "{\"message\":\"Not Found\"}").into_response()
}

/// The answer of API Gateway, or of a Function URL, for a function that failed.
fn failed(door: Door) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match door {
        Door::HttpApi => (StatusCode::INTERNAL_SERVER_ERROR, json, "{\"message\":\"Internal Server Error\"}")
            .into_response(),
        Door::FunctionUrl => (StatusCode::BAD_GATEWAY, json, "Internal Server Error").into_response(),
    }
}

/// The answer of API Gateway, or of a Function URL, for a function that has no room for one more invocation.
fn throttled(door: Door) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match door {
        Door::HttpApi => {
            (StatusCode::SERVICE_UNAVAILABLE, json, "{\"message\":\"Service Unavailable\"}").into_response()
        }
        Door::FunctionUrl => {
            (StatusCode::TOO_MANY_REQUESTS, json, "{\"message\":\"Rate Exceeded.\"}").into_response()
        }
    }
}

fn forward(response: lambda_http::Response<lambda_http::Body>) -> Response {
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, Body::from(body.to_vec()))
}

fn problem(problem: Problem) -> Response {
    forward(problem.into_response())
}
