//! The webhook's binary under the Runtime API, beside an empty function on the same machine.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, anyhow};
use chatwoot_webhook::App;
use end_to_end::{
    function::Function,
    samples::{self, CHATWOOT_SECRET},
    services::{BusHealth, Services},
};
use lambda::Environment;
use lambda_http::request::LambdaRequest;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::{runtime, task::spawn_blocking, time::Instant};

use crate::percentile;

/// Messages before measuring begins.
const WARM_UP: usize = 50;

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
    for index in 0..messages + WARM_UP {
        let event = event()?;
        let before = function.cpu_nanoseconds().context("no CPU time on this system")?;
        let answer = function.invoke(&event).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        anyhow::ensure!(answer["statusCode"] == 202, "{answer}");
        if index >= WARM_UP {
            times.push(function.cpu_nanoseconds().context("no CPU time")? - before);
        }
    }
    times.sort_unstable();
    println!(
        "CPU a message, whole process, {messages} messages: median {} us, p99 {} us",
        percentile(&times, 50) / 1000,
        percentile(&times, 99) / 1000
    );
    let handler = {
        let environment = environment.clone();
        spawn_blocking(move || handler_times(environment, messages)).await??
    };
    println!(
        "CPU a message, handler alone: median {} us, p99 {} us",
        percentile(&handler, 50) / 1000,
        percentile(&handler, 99) / 1000
    );
    println!("peak memory {} KiB", function.peak_memory_kib().unwrap_or_default());
    println!("binary {} bytes", std::fs::metadata(&webhook)?.len());
    Ok(())
}

/// CPU time of the handler alone, the call to the bus included, but not the Runtime API around it: in nanoseconds, sorted.
fn handler_times(environment: BTreeMap<String, String>, messages: usize) -> anyhow::Result<Vec<u64>> {
    // One thread, as in the deployed binary; its clock counts nothing that runs beside it.
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let app = App::start(&Environment::from_pairs(environment)).await?;
        let mut times = Vec::with_capacity(messages);
        for index in 0..messages + WARM_UP {
            let request: LambdaRequest = serde_json::from_value(event()?)?;
            let before = thread_nanoseconds();
            let answer = chatwoot_webhook::handle(&app, request.into()).await;
            let took = thread_nanoseconds() - before;
            let status = answer.map_err(|error| anyhow!("{error}"))?.status();
            anyhow::ensure!(status == 202, "{status}");
            if index >= WARM_UP {
                times.push(took);
            }
        }
        times.sort_unstable();
        Ok(times)
    })
}

fn thread_nanoseconds() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
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
