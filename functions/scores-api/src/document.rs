//! The OpenAPI document, and the page that shows it.
//!
//! The document is made from the types of the answers by a test, which fails where the file and the types differ; the function only
//! serves the file.

#[cfg(test)]
mod generate;
mod page;

use axum::{http::HeaderMap, response::Response};

use self::page::Schemas;
use crate::{
    Refusal, answer,
    asked::{Parameters, bad},
};

/// The document as it is served.
const DOCUMENT: &str = include_str!("../openapi.json");

pub(crate) async fn document(headers: HeaderMap) -> Response {
    answer::json_text(&headers, DOCUMENT)
}

pub(crate) async fn page(parameters: Parameters, headers: HeaderMap) -> Result<Response, Refusal> {
    let page = match parameters.get("part") {
        None | Some("operations") => page::operations(DOCUMENT),
        Some("schemas") => page::schemas(DOCUMENT, Schemas::Answers),
        Some("more-schemas") => page::schemas(DOCUMENT, Schemas::MoreAnswers),
        Some("events") => page::schemas(DOCUMENT, Schemas::Events),
        Some(_) => return Err(bad("part", "one of operations, schemas, more-schemas, events")),
    };
    Ok(answer::html(&headers, page))
}
