//! The OpenAPI document, and the page that shows it.
//!
//! The document is made from the types of the answers by a test, which fails where the file and the types differ; the function only
//! serves the file.

#[cfg(test)]
mod generate;
mod page;

use axum::{http::HeaderMap, response::Response};

use crate::answer;

/// The document as it is served.
const DOCUMENT: &str = include_str!("../openapi.json");

pub(crate) async fn document(headers: HeaderMap) -> Response {
    answer::json_text(&headers, DOCUMENT)
}

pub(crate) async fn page(headers: HeaderMap) -> Response {
    answer::html(&headers, page::page(DOCUMENT))
}
