//! Logs: one JSON object a line, which CloudWatch indexes.

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::Environment;

/// Sends this process's logs to standard output as JSON. `RUST_LOG` says how much, by level and module (`info,hyper=warn`); `info` where
/// it is unset or can not be read.
///
/// Called once, by `main`. Another subscriber that is already there stays.
pub fn log_as_json(environment: &Environment) {
    // Levels of modules are all that is wanted; the filter that also knows spans and fields adds 320 KB to every function.
    let filter = environment.optional("RUST_LOG").and_then(|text| text.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    // CloudWatch adds the time itself.
    let lines = fmt::layer().json().with_current_span(false).with_span_list(false).without_time();
    drop(tracing_subscriber::registry().with(lines).with(filter).try_init());
}
