//! Throughput: signed messages through the front door of the local stack, until the score shows them all.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use end_to_end::samples::{self, CHATWOOT_SECRET, EVENTS_SECRET};
use local_stack::{Options, Stack, Storage};
use reqwest::Client;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::{task::JoinSet, time::Instant};

pub(crate) async fn measure(messages: u64, connections: u64) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let stack = Stack::start(Options {
        listen: "127.0.0.1:0".parse()?,
        storage: Storage::Directory(directory.path().to_owned()),
        secrets: samples::secrets().to_string(),
        parameters: std::collections::BTreeMap::new(),
        keys: local_stack::tokens::Keys::default(),
    })
    .await?;
    let base = Arc::new(format!("http://{}", stack.address()));
    let client = Client::builder().timeout(Duration::from_mins(1)).build()?;
    tell(&client, &base).await?;
    let payload: Value =
        serde_json::from_str(samples::of("chatwoot-webhook")?["body"].as_str().unwrap_or_default())?;

    let began = Instant::now();
    let mut senders = JoinSet::new();
    for connection in 0..connections {
        let (client, base, mut payload) = (client.clone(), Arc::clone(&base), payload.clone());
        senders.spawn(async move {
            let mut longest = Duration::ZERO;
            for number in (connection..messages / 2).step_by(connections as usize) {
                for kind in ["incoming", "outgoing"] {
                    fill(&mut payload, number, kind);
                    let sent = Instant::now();
                    send(&client, &base, &payload).await?;
                    longest = longest.max(sent.elapsed());
                }
            }
            anyhow::Ok(longest)
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(sender) = senders.join_next().await {
        longest = longest.max(sender??);
    }
    let accepted = began.elapsed();
    let (waits, scored) = loop {
        let status: Value = client.get(format!("{base}/_local/queues")).send().await?.json().await?;
        if status["idle"] == json!(true) {
            let summary: Value = client.get(format!("{base}/v1/providers/acme")).send().await?.json().await?;
            let explained = client.get(format!("{base}/v1/providers/acme/score?explain=true")).send().await?;
            let explained: Value = explained.json().await?;
            let families = explained["explain"]["families"].as_array().cloned().unwrap_or_default();
            let replies = families.iter().find(|family| family["family"] == "replies");
            let scored = replies.and_then(|replies| replies["observations"].as_u64()).unwrap_or_default();
            let replies = &summary["replies"];
            // All are one renter's, so that most are beyond what is scored of him and are shown apart.
            let windows = [&replies["windows"][1], &replies["not_scored"]["excess"]];
            let waits = windows.map(|window| window["n"].as_u64().unwrap_or_default());
            break (waits, scored);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let reflected = began.elapsed();
    let [counted, apart] = waits;
    ensure!(
        counted + apart == messages / 2,
        "{counted} and {apart} waits among the facts, not {}",
        messages / 2
    );
    ensure!(scored == counted, "{scored} waits in the score, not {counted}");
    let rate = |time: Duration| messages as f64 / time.as_secs_f64();
    println!("{messages} messages over {connections} connections, all in the score, none lost");
    println!("accepted  {:.0}/s, the slowest answer took {longest:?}", rate(accepted));
    println!("reflected {:.0}/s", rate(reflected));
    Ok(())
}

async fn tell(client: &Client, base: &str) -> anyhow::Result<()> {
    let event = |kind: &str| -> anyhow::Result<Value> {
        let file = format!("{}/../events/marketplace/{kind}.json", env!("CARGO_MANIFEST_DIR"));
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    };
    let days_ago = |days: i64| lambda::clock::now().plus(-days * 86_400);
    let of_contract = |kind: &str, days: i64| {
        json!({ "specversion": "1.0", "id": kind, "source": "/load", "type": kind, "time": days_ago(days),
                "data": { "contract_id": "c-1" } })
    };
    let mut requested = event("contract.requested")?;
    requested["time"] = json!(days_ago(5));
    // A contract that has run its term, for without one a provider has no score that anything could be reflected in.
    let ran = [of_contract("contract.provisioned", 4), of_contract("contract.completed", 2)];
    let mut events = vec![event("provider.registered")?, requested];
    events.extend(ran);
    let body = Value::from(events).to_string();
    let now = lambda::clock::now().unix();
    let signature = Webhook::new(EVENTS_SECRET)?.sign("m1", now, body.as_bytes())?;
    let request = client.post(format!("{base}/v1/events")).header("webhook-id", "m1");
    let request = request.header("webhook-timestamp", now.to_string()).header("webhook-signature", signature);
    ensure!(request.body(body).send().await?.status() == 202, "the events were not taken");
    Ok(())
}

fn fill(payload: &mut Value, number: u64, kind: &str) {
    let at = lambda::clock::now().plus(-86_400 - number as i64 % 50_000);
    let reply = u64::from(kind == "outgoing");
    payload["event"] = json!("message_created");
    payload["id"] = json!(number * 2 + reply + 1);
    payload["message_type"] = json!(kind);
    payload["private"] = json!(false);
    payload["content_attributes"] = json!({});
    payload["additional_attributes"] = json!({});
    payload["created_at"] = json!(at.plus(reply as i64 * (60 + number as i64 % 20_000)));
    payload["sender"] = match kind {
        "outgoing" => json!({ "id": 3, "name": "Al", "type": "user" }),
        _ => json!({ "id": 5, "name": "Rita", "identifier": "renter-7" }),
    };
    let conversation = &mut payload["conversation"];
    conversation["id"] = json!(number + 1);
    conversation["custom_attributes"] = json!({ "contract_id": "c-1" });
    conversation["messages"] = json!([]);
    conversation["meta"]["hmac_verified"] = json!(true);
    conversation["meta"]["sender"]["identifier"] = json!("renter-7");
}

async fn send(client: &Client, base: &str, payload: &Value) -> anyhow::Result<()> {
    let body = payload.to_string();
    let (timestamp, signature) =
        chatwoot::signature::sign(CHATWOOT_SECRET, lambda::clock::now(), body.as_bytes());
    let request = client
        .post(format!("{base}/lambda-url/chatwoot-webhook/1"))
        .header(chatwoot::signature::TIMESTAMP_HEADER, timestamp)
        .header(chatwoot::signature::SIGNATURE_HEADER, signature);
    let response = request.body(body).send().await?;
    let status = response.status();
    ensure!(status.is_success(), "{status}: {}", response.text().await?);
    Ok(())
}
