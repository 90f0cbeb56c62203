//! The sample events of `events/`, one a function, and fresh signatures for those that carry one.
//!
//! A signature is good for five minutes, so the one in a sample has long gone stale; what it signs has not.

use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use trust::time::Moment;

/// The secret Chatwoot signs with in tests.
pub const CHATWOOT_SECRET: &str = "test-secret";

/// The secret the marketplace signs with in tests.
pub const EVENTS_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The secret the marketplace is told things with in tests.
pub const MARKETPLACE_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What the log is signed with in tests: the bytes 0 to 31.
pub const LOG_SEED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// What the keys of monitors are made from in tests.
pub const REPORTS_SECRET: &str = "what-keys-are-made-from";

/// What the links of surveys are made with in tests.
pub const FEEDBACK_SECRET: &str = "what-links-are-made-with";

/// The secret document with all of them, for account 1.
pub fn secrets() -> Value {
    json!({
        "events": [EVENTS_SECRET],
        "marketplace": [MARKETPLACE_SECRET],
        "chatwoot": { "1": { "webhook": [CHATWOOT_SECRET] } },
        "log": { "origin": "log.example/uptime", "seeds": [LOG_SEED] },
        "reports": [REPORTS_SECRET],
        "feedback": [FEEDBACK_SECRET],
    })
}

/// The sample event of this function.
pub fn of(function: &str) -> anyhow::Result<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{function}.json"));
    let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// The marketplace's sample event of this type.
pub fn marketplace(kind: &str) -> anyhow::Result<Value> {
    of(&format!("marketplace/{kind}"))
}

/// Events off the bus, as a queue hands them over.
pub fn queued(source: &str, events: &[(&str, &Value)]) -> Value {
    let record = |(index, (kind, detail)): (usize, &(&str, &Value))| {
        let envelope = json!({
            "version": "0", "id": "1", "source": source, "detail-type": kind, "account": "0", "region": "local",
            "time": "2026-11-02T00:00:00Z", "resources": [], "detail": detail,
        });
        json!({
            "messageId": format!("m{index}"), "receiptHandle": "r", "body": envelope.to_string(), "md5OfBody": "", "attributes": {},
            "messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "", "awsRegion": "local",
        })
    };
    json!({ "Records": events.iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// Signs an invocation's body as Chatwoot does, with this secret, at this time.
pub fn sign_as_chatwoot(invocation: &mut Value, secret: &str, at: Moment) {
    let body = invocation["body"].as_str().unwrap_or_default().to_owned();
    let (timestamp, signature) = chatwoot::signature::sign(secret, at, body.as_bytes());
    invocation["headers"][chatwoot::signature::TIMESTAMP_HEADER] = json!(timestamp);
    invocation["headers"][chatwoot::signature::SIGNATURE_HEADER] = json!(signature);
}

/// Signs an invocation's body as the marketplace does (Standard Webhooks), with this secret, at this time.
pub fn sign_as_marketplace(invocation: &mut Value, secret: &str, at: Moment) -> anyhow::Result<()> {
    let body = invocation["body"].as_str().unwrap_or_default().to_owned();
    let id = "msg_sample";
    let signature = Webhook::new(secret)?.sign(id, at.unix(), body.as_bytes())?;
    invocation["headers"]["webhook-id"] = json!(id);
    invocation["headers"]["webhook-timestamp"] = json!(at.unix().to_string());
    invocation["headers"]["webhook-signature"] = json!(signature);
    Ok(())
}
