//! Event sources: what makes functions run though nobody calls them.

pub mod queue;
pub mod schedule;
pub mod stream;

use std::time::Duration;

/// How long to wait after something failed that is not the function's fault.
const PAUSE: Duration = Duration::from_secs(1);
