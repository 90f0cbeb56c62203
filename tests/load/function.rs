//! The webhook's binary under the Runtime API, beside an empty function on the same machine.

use std::{collections::BTreeMap, path::Path};

use anyhow::Context;
use end_to_end::{
    function::Function,
    samples::{self, CHATWOOT_SECRET},
    services::{BusHealth, Services},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::percentile;

pub(crate) async fn measure(binaries: &Path, messages: usize, starts: usize) -> anyhow::Result<()> {
    let services = Services::start(samples::secrets(), BusHealth::Up).await?;
    let environment = services.environment("chatwoot-webhook")?;
    let webhook = binaries.join("chatwoot-webhook");
    let empty = binaries.join("empty-function");

    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        // In turns, so that whatever else the machine does meets both.
        ours.push(first_answer(&webhook, "chatwoot-webhook", &environment, &event()?).await?);
        floor.push(first_answer(&empty, "empty", &environment, &json!({})).await?);
    }
    ours.sort_unstable();
    floor.sort_unstable();
    let (ours, floor) = (percentile(&ours, 50), percentile(&floor, 50));
    println!(
        "start to first answer, median of {starts}: webhook {ours} us, empty function {floor} us, ratio {:.2}",
        ours as f64 / floor as f64
    );

    let mut function = Function::start_at(&webhook, "chatwoot-webhook", &environment).await?;
    let mut times = Vec::new();
    for index in 0..messages + 50 {
        let event = event()?;
        let before = function.cpu_nanoseconds().context("no CPU time on this system")?;
        let answer = function.invoke(&event).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        anyhow::ensure!(answer["statusCode"] == 202, "{answer}");
        if index >= 50 {
            times.push(function.cpu_nanoseconds().context("no CPU time")? - before);
        }
    }
    times.sort_unstable();
    println!(
        "CPU a message, whole process, {messages} messages: median {} us, p99 {} us",
        percentile(&times, 50) / 1000,
        percentile(&times, 99) / 1000
    );
    println!("peak memory {} KiB", function.peak_memory_kib().unwrap_or_default());
    println!("binary {} bytes", std::fs::metadata(&webhook)?.len());
    Ok(())
}

/// From the start of the process to its first answer, in microseconds.
async fn first_answer(
    binary: &Path,
    name: &str,
    environment: &BTreeMap<String, String>,
    event: &Value,
) -> anyhow::Result<u64> {
    let began = Instant::now();
    let mut function = Function::start_at(binary, name, environment).await?;
    function.invoke(event).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    Ok(began.elapsed().as_micros() as u64)
}

fn event() -> anyhow::Result<Value> {
    let mut event = samples::of("chatwoot-webhook")?;
    samples::sign_as_chatwoot(&mut event, CHATWOOT_SECRET, lambda::clock::now());
    Ok(event)
}
