//! What every function needs around its own story: settings, secrets, AWS clients, the bus, queues, callers, problem answers,
//! partial batch failures, logs and the clock.
//!
//! A function's `main.rs` reads its [`Environment`] and hands what it builds from it to its handler; nothing else reads the process's
//! environment or the wall clock.

pub mod batch;
pub mod bus;
pub mod caller;
pub mod clients;
pub mod clock;
mod environment;
pub mod metrics;
#[cfg(feature = "chatwoot")]
pub mod operator;
pub mod policy;
pub mod problem;
pub mod queue;
pub mod random;
pub mod report_key;
pub mod secrets;
pub mod signed_request;
pub mod stream;
mod telemetry;
pub mod vantages;

pub use bus::Bus;
pub use clients::Clients;
pub use environment::{Environment, StartError};
pub use metrics::Metrics;
pub use problem::Problem;
pub use queue::Queue;
pub use secrets::Secrets;
pub use telemetry::log_as_json;
