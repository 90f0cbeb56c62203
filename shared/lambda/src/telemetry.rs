//! Logs: one JSON object a line, which CloudWatch indexes.

use tracing_subscriber::EnvFilter;

use crate::Environment;

/// Sends this process's logs to standard output as JSON. `RUST_LOG` says how much; `info` where unset.
///
/// Called once, by `main`. Another subscriber that is already there stays.
pub fn log_as_json(environment: &Environment) {
    let filter = environment.optional("RUST_LOG").unwrap_or("info");
    let installed = tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::new(filter))
        .with_current_span(false)
        .with_span_list(false)
        // CloudWatch adds its own.
        .without_time()
        .try_init();
    drop(installed);
}
