//! What Chatwoot answers when it does not do what it was asked.

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A status and a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Json(Value),
    Text(&'static str, &'static str),
}

impl Refusal {
    fn error(status: StatusCode, error: &str) -> Self {
        Self { status, body: Body::Json(json!({ "error": error })) }
    }

    /// The request is not JSON.
    pub(super) fn malformed() -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            body: Body::Json(json!({ "status": 400, "error": "Bad Request" })),
        }
    }

    /// No token, or one nobody has.
    pub(super) fn unauthorized(error: &str) -> Self {
        Self::error(StatusCode::UNAUTHORIZED, error)
    }

    /// Whoever asks is known and may not. Chatwoot has the same status for both.
    pub(super) fn forbidden() -> Self {
        Self::unauthorized("You are not authorized to do this action")
    }

    /// There is nothing with that id.
    pub(super) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Resource could not be found")
    }

    /// A rule of the model is broken.
    pub(super) fn invalid(message: &str, attributes: &[&str]) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: Body::Json(json!({ "message": message, "attributes": attributes })),
        }
    }

    /// A rule of the controller is broken.
    pub(super) fn unprocessable(error: &str) -> Self {
        Self::error(StatusCode::UNPROCESSABLE_ENTITY, error)
    }

    /// Something nobody has thought of: in production a page, not JSON.
    pub(super) fn crash() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            body: Body::Text("text/html; charset=UTF-8", "<h1>We're sorry, but something went wrong.</h1>"),
        }
    }

    /// Too many requests from one address: the middleware's words.
    pub(super) fn throttled() -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, body: Body::Text("text/plain", "Retry later\n") }
    }

    /// The proxy in front of it finds nobody behind.
    pub(super) fn bad_gateway() -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            body: Body::Text("text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.body {
            Body::Json(body) => {
                (self.status, [(CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string())
                    .into_response()
            }
            Body::Text(kind, text) => (self.status, [(CONTENT_TYPE, kind)], text).into_response(),
        }
    }
}
