//! What the fake sends, and what goes wrong as planned: webhooks that are lost, doubled or late, requests that fail.

use std::time::Duration;

use chatwoot::signature;
use end_to_end::chatwoot::{Author, Delivery, Fault, Identity, Thread};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Receiver, Rest, furnished, noon, visit};

#[tokio::test]
async fn a_webhook_carries_chatwoots_payload_and_a_signature_that_verifies() {
    let (chatwoot, acme, _) = furnished().await;
    let (receiver, url) = Receiver::start().await;
    let secret = chatwoot.subscribe(acme.account, &url).unwrap();
    let visit = visit(&acme, "r1", Identity::Verified);
    let written = chatwoot.renter_writes(&visit, Thread::Latest, "Is <it> up & running?").unwrap();
    chatwoot.clock().advance(600);
    chatwoot.writes(written.conversation, Author::Agent(acme.agent), "It is.").unwrap();
    chatwoot.resolves(written.conversation, acme.agent).unwrap();
    chatwoot.delivered().await;

    for (headers, body) in receiver.taken() {
        let header = |name| headers.get(name).map(|value| value.to_str().unwrap());
        let (timestamp, signed) = (header(signature::TIMESTAMP_HEADER), header(signature::SIGNATURE_HEADER));
        signature::verify([secret.as_str()], timestamp, signed, &body, chatwoot.clock().now().plus(-300))
            .unwrap();
        assert_eq!(header(signature::DELIVERY_HEADER).unwrap().len(), 36);
        chatwoot::webhook::read(acme.account, &body).unwrap();
    }
    let expected = [
        "conversation_created",
        "message_created",
        "message_created",
        "conversation_updated",
        "conversation_status_changed",
        "conversation_updated",
    ];
    assert_eq!(receiver.events(), expected);
    let payloads = receiver.payloads();
    let message = &payloads[1];
    assert_eq!(message["content"], "Is <it> up & running?");
    assert!(receiver.taken()[1].1.windows(6).any(|bytes| bytes == b"\\u003c"), "escaped as Rails does");
    assert_eq!(message["message_type"], "incoming");
    let created = message["created_at"].as_str().unwrap();
    assert!(created.starts_with("2026-09-29T12:00:00.") && created.len() == 24, "{created}");
    let nested = &message["conversation"]["messages"][0];
    assert_eq!((&nested["message_type"], &nested["created_at"]), (&json!(0), &json!(noon().unix())));
    assert_eq!(message["conversation"]["contact_inbox"]["pubsub_token"].as_str().unwrap().len(), 24);
    assert_eq!(message["conversation"]["meta"]["hmac_verified"], true);
    assert_eq!(message["conversation"]["waiting_since"], noon().unix());
    let answered = &payloads[3];
    assert_eq!(answered["waiting_since"], 0);
    let columns: Vec<&String> = answered["changed_attributes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it.as_object().unwrap().keys())
        .collect();
    assert_eq!(columns, ["first_reply_created_at", "waiting_since", "updated_at"]);
    assert_eq!(payloads[4]["changed_attributes"], Value::Null);
    assert_eq!(payloads[5]["changed_attributes"][0]["status"]["current_value"], "resolved");
}

#[tokio::test]
async fn webhooks_are_lost_doubled_or_held_and_released_in_any_order() {
    let (chatwoot, acme, _) = furnished().await;
    let (receiver, url) = Receiver::start().await;
    chatwoot.subscribe(acme.account, &url).unwrap();
    let visit = visit(&acme, "r1", Identity::Verified);
    let write = |text: &str| chatwoot.renter_writes(&visit, Thread::Latest, text).unwrap();

    chatwoot.set_delivery(Delivery::Lost);
    write("one");
    chatwoot.set_delivery(Delivery::Doubled);
    write("two");
    chatwoot.set_delivery(Delivery::Held);
    write("three");
    write("four");
    chatwoot.set_delivery(Delivery::Normal);
    chatwoot.set_delivery_of("message_created", Delivery::Lost);
    write("five");
    chatwoot.delivered().await;
    assert_eq!(receiver.events(), ["message_created"; 2]);
    assert_ne!(
        receiver.taken()[0].0[signature::DELIVERY_HEADER],
        receiver.taken()[1].0[signature::DELIVERY_HEADER]
    );

    let held: Vec<u64> = chatwoot.held().iter().map(|held| held.id).collect();
    chatwoot.release(&[held[1], held[0]]).await.unwrap();
    let texts: Vec<Value> = receiver.payloads().iter().map(|payload| payload["content"].clone()).collect();
    assert_eq!(texts, ["two", "two", "four", "three"]);
    assert!(chatwoot.release(&held).await.is_err(), "once");
    let lost = chatwoot.sent().into_iter().filter(|sent| sent.delivery.is_none());
    assert_eq!(lost.count(), 3);
}

#[tokio::test]
async fn a_webhook_that_is_refused_is_not_sent_again() {
    let (chatwoot, acme, _) = furnished().await;
    let (_, url) = Receiver::start().await;
    chatwoot.subscribe(acme.account, &format!("{url}/nowhere")).unwrap();
    chatwoot.renter_writes(&visit(&acme, "r1", Identity::Verified), Thread::Latest, "one").unwrap();
    chatwoot.delivered().await;
    let answers: Vec<Option<u16>> = chatwoot.sent().iter().map(|sent| sent.answer).collect();
    assert_eq!(answers, [Some(404), Some(404)]);
}

#[tokio::test]
async fn planned_faults_strike_so_many_times_and_one_of_them_does_what_it_was_asked() {
    let (chatwoot, acme, rest) = furnished().await;
    let path = format!("/api/v1/accounts/{}/contacts", acme.account);
    for (fault, status, done) in [
        (Fault::TooManyRequests, 429, 0),
        (Fault::Unauthorized, 401, 0),
        (Fault::Failure, 500, 0),
        (Fault::BadGateway, 502, 0),
        (Fault::FailureOnceDone, 500, 1),
        (Fault::Delay(Duration::from_millis(5)), 200, 1),
    ] {
        let before = chatwoot.counts().contacts;
        chatwoot.fault("POST", "/api/v1/accounts/*/contacts", fault, 1);
        assert_eq!(rest.post(&path, &json!({ "name": "x" })).await.0, status, "{fault:?}");
        assert_eq!(chatwoot.counts().contacts - before, done, "{fault:?}");
    }
    assert_eq!(rest.post(&path, &json!({ "name": "x" })).await.0, 200);
    assert_eq!(chatwoot.requests_to("POST", "/api/v1/accounts/*/contacts"), 7);
    assert_eq!(chatwoot.requests_to("*", "/api/**"), 7);
    assert_eq!(chatwoot.requests()[0].answer, Some(429));
    assert_eq!(chatwoot.requests()[0].body, json!({ "name": "x" }));
}

#[tokio::test]
async fn silence_leaves_the_client_waiting_whether_or_not_it_is_done() {
    let (chatwoot, acme, rest) = furnished().await;
    let impatient = Client::builder().timeout(Duration::from_millis(300)).no_proxy().build().unwrap();
    let rest = Rest { client: impatient, ..rest };
    let path = format!("/api/v1/accounts/{}/contacts", acme.account);
    for (fault, contacts) in [(Fault::Silence, 0), (Fault::SilenceOnceDone, 1)] {
        chatwoot.fault("*", "/api/v1/**", fault, 1);
        let error = rest.send(Method::POST, &path, Some(&json!({ "name": "x" }))).await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(chatwoot.counts().contacts, contacts, "{fault:?}");
    }
    assert_eq!(chatwoot.requests()[0].answer, None);
}
