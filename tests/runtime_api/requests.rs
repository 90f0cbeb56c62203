//! Functions that answer HTTP requests: only what is signed and fresh gets onto the bus, and the status says what became of it.

use chatwoot::signature::TOLERANCE;
use end_to_end::{
    samples::{self, CHATWOOT_SECRET, EVENTS_SECRET, REPORTS_SECRET},
    services::{BusHealth, Services},
};
use lambda::{clock, report_key::ReportKey, secrets::Secret};
use serde_json::{Value, json};

/// The sample webhook, signed just now.
fn webhook() -> Value {
    let mut invocation = samples::of("chatwoot-webhook").unwrap();
    samples::sign_as_chatwoot(&mut invocation, CHATWOOT_SECRET, clock::now());
    invocation
}

/// The sample marketplace event, signed just now.
fn event() -> Value {
    let mut invocation = samples::of("event-ingress").unwrap();
    samples::sign_as_marketplace(&mut invocation, EVENTS_SECRET, clock::now()).unwrap();
    invocation
}

fn problem(answer: &Value) -> String {
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    body["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_signed_message_is_published_once_without_its_text() {
    let (services, mut function) = super::started("chatwoot-webhook").await;
    let answer = function.invoke(&webhook()).await.unwrap();
    assert_eq!(answer["statusCode"], 202, "{answer}");
    let mut published = services.published();
    let hash = published[0]["Detail"]["message"]["content"].take();
    assert_eq!(hash["of"], "original");
    assert_eq!(hash["sha256"].as_str().unwrap().len(), 64);
    let renter = "3f1c9a5be27d4806f1b0c7a2e98d5341c60fb7e8a9d2136450cbe7f8d1a2b3c4";
    let expected = json!([{
        "EventBusName": "provider-trust-dev",
        "Source": "chat",
        "DetailType": "message.created",
        "Detail": {
            "version": 1,
            "account": 1,
            "conversation": {
                "number": 42, "inbox": 3, "channel": "web-widget", "identity": "verified",
                "identifier": renter, "claimed_contract": "c-20931", "status": "open"
            },
            "message": {
                "id": 9001, "created_at": "2026-11-23T09:00:00Z", "direction": "incoming",
                "sender": { "kind": "contact", "id": 118 }, "content": null
            }
        }
    }]);
    assert_eq!(Value::from(published), expected);
    let log = function.log().join("\n");
    assert!(!log.is_empty());
    for kept_from_logs in
        ["unreachable", "uRbPZ4hT2xYqLmN8vWc3KdFs", "Duarte", "203.0.113.77", CHATWOOT_SECRET]
    {
        assert!(!log.contains(kept_from_logs), "{kept_from_logs}: {log}");
    }
}

#[tokio::test]
async fn a_message_that_chatwoot_did_not_sign_lately_is_401_and_not_published() {
    let (services, mut function) = super::started("chatwoot-webhook").await;
    let now = clock::now();
    let beyond = i64::from(TOLERANCE) + 60;
    let signed = |secret: &str, at| {
        let mut invocation = samples::of("chatwoot-webhook").unwrap();
        samples::sign_as_chatwoot(&mut invocation, secret, at);
        invocation
    };
    let mut unsigned = webhook();
    unsigned["headers"].as_object_mut().unwrap().remove("x-chatwoot-signature");
    let mut altered = webhook();
    altered["body"] = json!(altered["body"].as_str().unwrap().replace("\"id\":42", "\"id\":43"));
    for (what, invocation) in [
        ("wrong secret", signed("another", now)),
        ("stale", signed(CHATWOOT_SECRET, now.plus(-beyond))),
        ("future", signed(CHATWOOT_SECRET, now.plus(beyond))),
        ("unsigned", unsigned),
        ("altered", altered),
    ] {
        let answer = function.invoke(&invocation).await.unwrap();
        assert_eq!(answer["statusCode"], 401, "{what}: {answer}");
        assert_eq!(problem(&answer), "invalid-signature", "{what}");
    }
    assert_eq!(services.published(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_message_for_an_account_that_is_not_ours_is_404_and_not_published() {
    let (services, mut function) = super::started("chatwoot-webhook").await;
    let mut invocation = webhook();
    invocation["rawPath"] = json!("/2");
    invocation["requestContext"]["http"]["path"] = json!("/2");
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!(answer["statusCode"], 404, "{answer}");
    assert_eq!(services.published(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_message_the_bus_does_not_take_is_not_acknowledged() {
    let services = Services::start(samples::secrets(), BusHealth::Failing).await.unwrap();
    let mut webhooks = super::start(&services, "chatwoot-webhook").await;
    let mut events = super::start(&services, "event-ingress").await;
    for answer in [webhooks.invoke(&webhook()).await.unwrap(), events.invoke(&event()).await.unwrap()] {
        assert_eq!(answer["statusCode"], 503, "{answer}");
    }
}

#[tokio::test]
async fn a_signed_marketplace_event_is_published_once_as_it_was_sent() {
    let (services, mut function) = super::started("event-ingress").await;
    let invocation = event();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!(answer["statusCode"], 202, "{answer}");
    let sent: Value = serde_json::from_str(invocation["body"].as_str().unwrap()).unwrap();
    let expected = json!([{
        "EventBusName": "provider-trust-dev",
        "Source": "marketplace",
        "DetailType": "provider.registered",
        "Detail": sent
    }]);
    assert_eq!(Value::from(services.published()), expected);
}

#[tokio::test]
async fn a_marketplace_event_signed_by_somebody_else_or_long_ago_is_401_and_not_published() {
    let (services, mut function) = super::started("event-ingress").await;
    let somebody = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (what, secret, age) in [("wrong secret", somebody, 0), ("stale", EVENTS_SECRET, 360)] {
        let mut invocation = samples::of("event-ingress").unwrap();
        samples::sign_as_marketplace(&mut invocation, secret, clock::now().plus(-age)).unwrap();
        let answer = function.invoke(&invocation).await.unwrap();
        assert_eq!(answer["statusCode"], 401, "{what}: {answer}");
        assert_eq!(problem(&answer), "invalid-signature", "{what}");
    }
    assert_eq!(services.published(), Vec::<Value>::new());
}

#[tokio::test]
async fn an_event_of_more_than_six_megabytes_is_413_and_not_published() {
    let (services, mut function) = super::started("event-ingress").await;
    let mut invocation = event();
    let body = invocation["body"].as_str().unwrap().to_owned();
    invocation["body"] = json!(format!("{body}{}", " ".repeat(6 * 1024 * 1024 + 1 - body.len())));
    samples::sign_as_marketplace(&mut invocation, EVENTS_SECRET, clock::now()).unwrap();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!((&answer["statusCode"], problem(&answer).as_str()), (&json!(413), "body-too-large"));
    assert_eq!(services.published(), Vec::<Value>::new());
}

#[tokio::test]
async fn a_contracts_monitors_are_published_as_an_event_of_the_requests_id() {
    let (services, mut function) = super::started("event-ingress").await;
    let mut invocation = samples::of("event-ingress-monitors").unwrap();
    samples::sign_as_marketplace(&mut invocation, EVENTS_SECRET, clock::now()).unwrap();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(202), &json!(r#"{"id":"msg_sample"}"#)));
    let published = services.published();
    assert_eq!(published.len(), 1);
    let detail = &published[0]["Detail"];
    assert_eq!(
        (&published[0]["DetailType"], &detail["id"]),
        (&json!("contract.monitors-set"), &json!("msg_sample"))
    );
    assert_eq!(
        (&detail["data"]["contract_id"], &detail["data"]["monitors"][1]["check"]["port"]),
        (&json!("c-1"), &json!(22))
    );
    // Deployed, nobody reaches us by way of a monitor.
    invocation["body"] =
        json!(r#"{"monitors":[{"name":"a","check":{"kind":"http","url":"http://127.0.0.1:9001/"}}]}"#);
    samples::sign_as_marketplace(&mut invocation, EVENTS_SECRET, clock::now()).unwrap();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!((&answer["statusCode"], problem(&answer).as_str()), (&json!(400), "invalid-monitors"));
    assert_eq!(services.published().len(), 1);
    assert!(!function.log().join("\n").contains("vm-1.example.com"));
}

#[tokio::test]
async fn a_report_goes_to_where_days_are_settled_and_nothing_of_it_says_where_the_service_is() {
    let (services, mut function) = super::started("event-ingress").await;
    let mut invocation = samples::of("event-ingress-report").unwrap();
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!((&answer["statusCode"], problem(&answer).as_str()), (&json!(401), "invalid-signature"));
    let monitor = "00112233445566778899aabbccddeeff";
    let key = ReportKey::of(&Secret::new(REPORTS_SECRET), &monitor.parse().unwrap()).unwrap();
    invocation["headers"]["authorization"] = json!(format!("Bearer {}", key.expose()));
    let report =
        json!({ "reporter": "gatus", "status": "TRIGGERED", "group": "", "endpoint": "vm-1.example.com" });
    invocation["body"] = json!(report.to_string());
    let answer = function.invoke(&invocation).await.unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(202), &json!(r#"{"statements":1}"#)));
    let sent = services.sent();
    assert_eq!((sent.len(), sent[0].queue.as_str()), (1, "provider-trust-dev-settle"));
    let task: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!((&task["task"], &task["monitor"]), (&json!("report"), &json!(monitor)));
    assert!(!sent[0].body.contains("vm-1"), "{task}");
    assert!(!function.log().join("\n").contains(key.expose()));
}

#[tokio::test]
async fn a_list_of_nobody_is_empty_and_not_an_error() {
    let (_services, mut function) = super::started("scores-api").await;
    let answer = function.invoke(&samples::of("scores-api").unwrap()).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn a_renters_answer_is_kept_and_his_link_is_in_no_line_of_the_log() {
    let (services, mut lifecycle) = super::started("lifecycle").await;
    let now = clock::now();
    let about = json!({ "contract_id": "c-9" });
    let terms = json!({
        "contract_id": "c-9", "provider_id": "acme", "renter_id": "renter-7", "offering_id": "o-1", "term_seconds": 7200,
        "price": { "minor_units": 500, "currency": "EUR" },
    });
    let mut batch = samples::of("lifecycle").unwrap();
    let record = batch["Records"][0].clone();
    let story = [
        ("contract.requested", now.plus(-7200), terms),
        ("contract.provisioned", now.plus(-7000), about.clone()),
        ("contract.completed", now, about),
    ];
    let records = story.into_iter().map(|(kind, time, data)| {
        let event = json!({ "specversion": "1.0", "id": kind, "source": "/test", "type": kind, "time": time, "data": data });
        let mut envelope: Value = serde_json::from_str(record["body"].as_str().unwrap()).unwrap();
        (envelope["detail-type"], envelope["detail"]) = (json!(kind), event);
        let mut record = record.clone();
        record["body"] = json!(envelope.to_string());
        record
    });
    batch["Records"] = records.collect();
    lifecycle.invoke(&batch).await.unwrap();
    let asked = services.published().into_iter().find(|entry| entry["DetailType"] == "feedback.requested");
    let link = asked.unwrap()["Detail"]["link"].as_str().unwrap().to_owned();
    let token = link.rsplit('/').next().unwrap();

    let mut feedback = super::start(&services, "feedback").await;
    let mut invocation = samples::of("feedback").unwrap();
    let path = json!(format!("/v1/feedback/{token}"));
    (invocation["rawPath"], invocation["requestContext"]["http"]["path"]) = (path.clone(), path);
    let page = feedback.invoke(&invocation).await.unwrap();
    assert_eq!(
        (&page["statusCode"], &page["headers"]["referrer-policy"]),
        (&json!(200), &json!("no-referrer"))
    );
    invocation["requestContext"]["http"]["method"] = json!("POST");
    invocation["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    // As API Gateway hands a form on.
    invocation["body"] = json!("bWF0Y2hlZF9kZXNjcmlwdGlvbj15ZXMmcmVudF9hZ2Fpbj1ubw==");
    invocation["isBase64Encoded"] = json!(true);
    let answer = feedback.invoke(&invocation).await.unwrap();
    assert_eq!(
        (&answer["statusCode"], &answer["headers"]["location"]),
        (&json!(303), &json!(format!("{token}#top")))
    );
    let survey = services.table().unwrap().survey(&"c-9".parse().unwrap()).await.unwrap().value;
    assert!(survey.answered.is_some());
    let log = [lifecycle.log(), feedback.log()].concat().join("\n");
    assert!(log.contains("changeable") && !log.contains(&token[10..30]), "{log}");
}
