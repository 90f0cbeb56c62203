//! Reading: providers at a steady rate through the local stack, and what the list asks of the table.
//!
//! The load is open: a request is due at its time whether or not those before it have been answered, and its latency counts from then.
//! A server that falls behind shows it, where clients that wait for their answers would only ask less.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use end_to_end::{
    samples::{self, EVENTS_SECRET},
    settled,
    table_calls::CountedApi,
};
use lambda::clock;
use local_stack::{
    Options, Stack, Storage,
    sample::{self, services::Services},
    tokens::Keys,
};
use reqwest::Client;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
};

use crate::percentile;

/// The sample's providers, who have a past.
const READ: [&str; 3] = ["steady-compute", "flaky-metal", "fresh-node"];

/// Further providers, so that a page of the list is full.
const OTHERS: usize = 60;

/// How long to ask before what is asked counts.
const WARMING: u32 = 3;

/// How a request fared.
struct Answer {
    microseconds: u64,
    bytes: usize,
}

pub(crate) async fn measure(rate: u32, seconds: u32) -> anyhow::Result<()> {
    ensure!(rate > 0, "no request is none a second");
    let directory = tempfile::tempdir()?;
    let stack = Stack::start(Options {
        listen: "127.0.0.1:0".parse()?,
        storage: Storage::Directory(directory.path().to_owned()),
        secrets: samples::secrets().to_string(),
        parameters: BTreeMap::new(),
        keys: Keys::default(),
    })
    .await?;
    let base = format!("http://{}", stack.address());
    let services = Services::start(stack.queues(), clock::now).await?;
    sample::load(&stack, &base, &samples::secrets().to_string(), &services).await?;
    let client = Client::builder().timeout(Duration::from_mins(1)).build()?;
    register(&client, &base).await?;
    settled(&client, &base).await?;

    let (warming, counted) = (rate * WARMING, rate * seconds);
    let spent = cpu();
    let asked = thread::spawn(move || ask(&base, rate, warming + counted));
    let answers = tokio::task::spawn_blocking(move || asked.join());
    let answers = answers.await?.map_err(|_| anyhow::anyhow!("the asking thread has ended"))??;
    let spent = cpu().saturating_sub(spent).as_micros() as u64 / answers.len().max(1) as u64;
    let mut latencies: Vec<u64> =
        answers.iter().skip(warming as usize).map(|answer| answer.microseconds).collect();
    latencies.sort_unstable();
    let [median, p99, most] =
        [50, 99, 100].map(|hundredths| percentile(&latencies, hundredths) as f64 / 1000.0);
    println!("GET /v1/providers/{{id}}, {rate} a second for {seconds} s, {} answers", latencies.len());
    println!("median {median:.2} ms, p99 {p99:.2} ms, at most {most:.2} ms, from when each was due");
    println!("{} bytes an answer, {spent} µs of CPU each, asking included", answers[answers.len() - 1].bytes);
    list(&stack).await
}

/// Asks from a thread of its own, so that the stack's work does not delay the asking.
fn ask(base: &str, rate: u32, requests: u32) -> anyhow::Result<Vec<Answer>> {
    let urls = READ.map(|provider| format!("{base}/v1/providers/{provider}"));
    let (due, dues) = unbounded_channel();
    let clock = thread::spawn(move || {
        let begun = Instant::now();
        for number in 0..requests {
            let at = begun + Duration::from_secs(1) * number / rate;
            // Threads wake more precisely than a runtime's timers, which count milliseconds.
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if due.send((number as usize, at)).is_err() {
                return;
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answers = runtime.block_on(answered(urls, dues));
    clock.join().map_err(|_| anyhow::anyhow!("the clock has stopped"))?;
    answers
}

async fn answered(
    urls: [String; 3],
    mut dues: UnboundedReceiver<(usize, Instant)>,
) -> anyhow::Result<Vec<Answer>> {
    let client = Client::builder().timeout(Duration::from_mins(1)).build()?;
    let mut asked: JoinSet<anyhow::Result<(usize, Answer)>> = JoinSet::new();
    while let Some((number, at)) = dues.recv().await {
        let request = client.get(&urls[number % urls.len()]);
        asked.spawn(async move {
            let bytes = request.send().await?.error_for_status()?.bytes().await?.len();
            Ok((number, Answer { microseconds: at.elapsed().as_micros() as u64, bytes }))
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(answer) = asked.join_next().await {
        let (number, answer) = answer??;
        answers.insert(number, answer);
    }
    Ok(answers.into_values().collect())
}

/// The processor time of this process.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn register(client: &Client, base: &str) -> anyhow::Result<()> {
    let events: Vec<Value> = (0..OTHERS)
        .map(|number| {
            let id = format!("other-{number:02}");
            let mut event = samples::marketplace("provider.registered")?;
            event["id"] = json!(id);
            event["data"] =
                json!({ "provider_id": id, "name": format!("Another {number}"), "chat": { "account": 1000 + number } });
            Ok(event)
        })
        .collect::<anyhow::Result<_>>()?;
    let body = json!(events).to_string();
    let now = clock::now().unix();
    let signature = Webhook::new(EVENTS_SECRET)?.sign("m1", now, body.as_bytes())?;
    let request = client.post(format!("{base}/v1/events")).header("webhook-id", "m1");
    let request = request.header("webhook-timestamp", now.to_string()).header("webhook-signature", signature);
    ensure!(request.body(body).send().await?.status() == 202, "the events were not taken");
    Ok(())
}

/// What a full page of the list asks of the table, in each order, and a provider's answer.
async fn list(stack: &Stack) -> anyhow::Result<()> {
    let api = CountedApi::beside(stack).await?;
    for path in [
        "/v1/providers?limit=50",
        "/v1/providers?limit=50&sort=name",
        "/v1/providers?limit=50&flags=none",
        "/",
        "/v1/providers/steady-compute",
    ] {
        let (response, calls) = api.get(path).await?;
        ensure!(response.status() == 200, "{path}: {}", response.status());
        let units: f64 = calls.iter().map(|call| call.units).sum();
        let names: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
        println!("GET {path}: {units} read units, {names:?}, {} bytes", response.body().len());
    }
    Ok(())
}
