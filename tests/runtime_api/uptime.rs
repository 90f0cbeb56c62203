//! The functions that watch: from a contract's endpoints to the first leaves of the log.

use end_to_end::samples;
use serde_json::{Value, json};

fn message(event: &Value) -> Value {
    let envelope = json!({
        "version": "0", "id": event["id"], "detail-type": event["type"], "source": "marketplace", "account": "000000000000",
        "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "resources": [], "detail": event,
    });
    json!({ "messageId": event["id"], "body": envelope.to_string() })
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_of_a_contract_are_planned_asked_settled_and_logged() {
    let (services, mut lifecycle) = super::started("lifecycle").await;
    let events =
        ["contract.requested", "contract.provisioned"].map(|kind| samples::marketplace(kind).unwrap());
    let records: Vec<Value> = events.iter().map(message).collect();
    let answer = lifecycle.invoke(&json!({ "Records": records })).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    let table = services.table().unwrap();
    let shards = table.shards().await.unwrap().len();
    assert!(shards > 0);

    let mut plan = super::start(&services, "probe-plan").await;
    let answer = plan.invoke(&samples::of("probe-plan").unwrap()).await.unwrap();
    // The minute it is in, since none was planned before, and the one to come.
    assert_eq!(answer, json!({ "planned": 2 * shards }));
    // Again within the minute there is nothing left to plan, and in the next one it is one minute.
    let again = plan.invoke(&samples::of("probe-plan").unwrap()).await.unwrap();
    assert!([0, shards].contains(&(again["planned"].as_u64().unwrap() as usize)), "{again}");
    let sent = services.sent();
    assert!(sent[..2 * shards].iter().all(|sent| sent.queue.ends_with("-probe") && sent.delay.is_some()));

    let mut probe = super::start(&services, "probe").await;
    let answer = probe.invoke(&samples::of("probe").unwrap()).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));

    let mut seal = super::start(&services, "uptime-seal").await;
    let answer = seal.invoke(&samples::of("uptime-seal").unwrap()).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(seal.invoke(&json!({ "uptime": "append" })).await.unwrap(), json!({ "appended": 2 }));
    let head = table.log_head().await.unwrap().value;
    let size: usize = head.checkpoint.lines().nth(1).unwrap().parse().unwrap();
    // Two monitors' configurations. No day is over since they were learned of.
    assert_eq!(size, 2, "{}", head.checkpoint);
    assert_eq!(table.awaiting_leaves(1).await.unwrap(), []);
    assert_eq!(seal.invoke(&json!({ "uptime": "append" })).await.unwrap(), json!({ "appended": 0 }));
    assert_eq!(seal.invoke(&json!({ "uptime": "settle" })).await.unwrap(), json!({ "shards": shards }));
}
