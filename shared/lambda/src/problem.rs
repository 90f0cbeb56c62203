//! Answers to bad requests: RFC 9457 problem details.

use http::{StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// Where the problem types are explained, in `docs/api.md`.
const TYPES: &str = "https://provider-trust.dev/problems/";

/// A problem: what the caller may know. What happened inside is logged, not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: Option<String>,
    more: Map<String, Value>,
    retry_after: Option<u32>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(flatten)]
    more: &'a Map<String, Value>,
}

impl Problem {
    /// A problem of this kind. `kind` is the stable last part of its `type`.
    pub fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self { status, kind, title, detail: None, more: Map::new(), retry_after: None }
    }

    /// Says what about this very request is wrong.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member of its own, such as `errors`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Says in how many seconds it may be worth asking again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The stable last part of its `type`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The document as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self.document()).unwrap_or_default()
    }

    fn document(&self) -> Document<'_> {
        Document {
            r#type: format!("{TYPES}{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            more: &self.more,
        }
    }

    /// The answer to send.
    pub fn into_response(self) -> Response<Body> {
        let body = serde_json::to_string(&self.document()).unwrap_or_default();
        let mut response = Response::new(Body::Text(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_type_title_status_detail_and_its_own_members() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "unknown-provider", "No such provider")
            .detail("no provider \"p9\" has been registered")
            .with("provider", "p9")
            .retry_after(30);
        assert_eq!(
            problem.to_json(),
            serde_json::json!({
                "type": "https://provider-trust.dev/problems/unknown-provider",
                "title": "No such provider", "status": 404,
                "detail": "no provider \"p9\" has been registered", "provider": "p9"
            })
        );
        let response = problem.into_response();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "30");
    }
}
