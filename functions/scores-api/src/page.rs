//! What people see: pages rendered here, with pictures inline, readable on a phone, in light and dark, without script but for the
//! check of a proof.

mod bars;
mod chart;
mod frame;
mod list;
mod proof;
mod provider;
mod uptime;
mod words;

use axum::{http::StatusCode, response::Response};

use crate::answer;

pub(crate) use list::list;
pub(crate) use proof::proof;
pub(crate) use provider::provider;

/// The answer where there is no such provider.
pub(crate) fn no_provider(id: &str) -> Response {
    answer::html_with(StatusCode::NOT_FOUND, provider::unknown(id))
}
