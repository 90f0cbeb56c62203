//! The check of the ledger against a Chatwoot with many open conversations: first all of them are missing, then none has changed.

use std::path::Path;

use anyhow::{anyhow, ensure};
use end_to_end::{
    chatwoot::{Clock, Volume},
    function::Function,
    operator::Operator,
    services::{BusHealth, Services},
};
use serde_json::json;
use table::{Table, Watermark};
use tokio::time::Instant;
use trust::id::AccountId;

/// How long everything was lost.
const OUTAGE: i64 = 2 * 86_400;

/// Messages of each conversation; an odd number leaves the renter waiting.
const MESSAGES: u64 = 3;

pub(crate) async fn measure(binaries: &Path, accounts: u64, conversations: u64) -> anyhow::Result<()> {
    let now = lambda::clock::now();
    let operator = Operator::start(Clock::wall()).await?;
    let volume = Volume {
        accounts,
        conversations,
        messages: MESSAGES,
        from: now.plus(3600 - OUTAGE),
        apart: (OUTAGE - 7200) / i64::try_from(conversations)?,
    };
    let filled = operator.chatwoot.fill(volume)?;
    for account in &filled {
        operator.join(account.account, &account.administrator_token).await?;
    }
    let services = Services::start_with(operator.secrets(), BusHealth::Up, &operator.parameters()).await?;
    let table = services.table()?;
    for account in &filled {
        due(&table, account.account).await?;
    }
    let environment = services.environment("chat-sweep")?;
    let mut function = Function::start_at(&binaries.join("chat-sweep"), "chat-sweep", &environment).await?;
    for (what, missing) in [("all of it missing", accounts * conversations * MESSAGES), ("nothing new", 0)] {
        let before = Instant::now();
        let answer =
            function.invoke(&json!({ "sweep": "ledger" })).await.map_err(|error| anyhow!("{error:?}"))?;
        let (took, requests) = (before.elapsed(), operator.chatwoot.requests().len());
        ensure!(answer["failed"] == json!(0) && answer["repaired"] == json!(missing), "{answer}");
        println!("{accounts} accounts of {conversations}, {what}: {took:?}, {requests} requests, {answer}");
        operator.chatwoot.forget_requests();
        for account in &filled {
            due(&table, account.account).await?;
        }
    }
    println!("peak memory {} KiB", function.peak_memory_kib().unwrap_or_default());
    Ok(())
}

/// Lets an account be checked as if everything since the outage's beginning had to be.
async fn due(table: &Table, account: AccountId) -> anyhow::Result<()> {
    let now = lambda::clock::now();
    let version = table.watermark(account).await?.map_or(0, |stored| stored.version);
    let watermark = Watermark { since: now.plus(-OUTAGE), due: now };
    Ok(table.write_watermark(account, &watermark, version).await?)
}
