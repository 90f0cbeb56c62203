//! The sweep's binary over many open waits: the first time all are news, the second time none is.

use std::path::Path;

use anyhow::{anyhow, ensure};
use end_to_end::{
    capacity::{BUSY, Ledger},
    function::Function,
};
use serde_json::json;
use tokio::time::Instant;

pub(crate) async fn measure(binaries: &Path, waits: u64) -> anyhow::Result<()> {
    let ledger = Ledger::start(BUSY).await?;
    for number in 1..=waits {
        ledger.ask(number).await?;
    }
    let environment = ledger.services().environment("chat-sweep")?;
    let mut function = Function::start_at(&binaries.join("chat-sweep"), "chat-sweep", &environment).await?;
    for (what, news) in [("all of it news", true), ("nothing new", false)] {
        let before = Instant::now();
        let answer =
            function.invoke(&json!({ "sweep": "silence" })).await.map_err(|error| anyhow!("{error:?}"))?;
        let took = before.elapsed();
        ensure!(answer["failed"] == json!(0), "{answer}");
        ensure!((answer["told"] != json!(0)) == news, "{answer}");
        // Conversations of the last hours of the ninety days have come to nothing yet, so fewer are looked at than there are.
        println!("{waits} open waits, {what}: {took:?}, {answer}");
    }
    println!("peak memory {} KiB", function.peak_memory_kib().unwrap_or_default());
    Ok(())
}
