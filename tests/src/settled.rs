//! Waiting for a local stack.

use std::time::Duration;

use anyhow::bail;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How long anything may take to have its effect.
const DEADLINE: Duration = Duration::from_mins(1);

/// Waits until everything that came in at the stack at this address has taken effect.
pub async fn settled(client: &Client, base: &str) -> anyhow::Result<()> {
    let until = Instant::now() + DEADLINE;
    loop {
        let status: Value = client.get(format!("{base}/_local/queues")).send().await?.json().await?;
        if status["idle"] == json!(true) {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("still at work after {DEADLINE:?}: {status}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}
