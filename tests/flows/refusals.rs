//! Bad input: what it gets, and that it leaves nothing behind.

use reqwest::StatusCode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::stack::{
    Author, CHAT_SECRET, Door, EVENTS_SECRET, Message, ago, in_memory, registered, requested,
};

async fn nothing_came_in(door: &Door) {
    door.settled().await;
    assert_eq!(door.json("/v1/providers").await["items"], json!([]));
    let queues = door.json("/_local/queues").await;
    for queue in queues["queues"].as_array().unwrap() {
        assert_eq!((&queue["visible"], &queue["in_flight"]), (&json!(0), &json!(0)), "{queue}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_message_that_is_not_chatwoots_gets_401_and_leaves_nothing() {
    let (_stack, door) = in_memory().await;
    let body = Message::new(7, 1, Author::Renter, ago(10)).payload().to_string();
    let now = lambda::clock::now();
    let sign = |secret: &str, age: i64| chatwoot::signature::sign(secret, now.plus(-age), body.as_bytes());
    let (timestamp, signature) = sign(CHAT_SECRET, 0);
    let (stale, stale_signature) = sign(CHAT_SECRET, 310);
    let (future, future_signature) = sign(CHAT_SECRET, -310);
    let (_, wrong) = sign("another-secret", 0);
    for (account, timestamp, signature, status) in [
        (1, timestamp.as_str(), wrong.as_str(), 401),
        (1, &timestamp, "", 401),
        (1, "", &signature, 401),
        (1, &timestamp, "sha256=00", 401),
        (1, &stale, &stale_signature, 401),
        (1, &future, &future_signature, 401),
        (3, &timestamp, &signature, 404),
    ] {
        let response = door.signed_webhook(account, body.clone(), timestamp, signature).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{account} {timestamp} {signature}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    nothing_came_in(&door).await;
    let previous = chatwoot::signature::sign("the-previous-secret-of-1", now, body.as_bytes());
    let response = door.signed_webhook(1, body.clone(), &previous.0, &previous.1).await.unwrap();
    assert!(response.status().is_success(), "the previous secret is accepted");
    let mut unsigned: Value = serde_json::from_str(&body).unwrap();
    unsigned["account"]["id"] = json!(9);
    unsigned["conversation"]["account"]["id"] = json!(9);
    let response = door.signed_webhook(9, unsigned.to_string(), "", "").await.unwrap();
    assert!(response.status().is_success(), "account 9 is configured to be unsigned");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_message_of_the_wrong_shape_gets_400_that_names_the_field() {
    let (_stack, door) = in_memory().await;
    let mut wrong = Message::new(7, 1, Author::Renter, ago(10)).payload();
    wrong["conversation"]["id"] = json!("seven");
    let response = door.webhook(1, &wrong).await.unwrap();
    assert_eq!(response.status(), 400);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["field"], "conversation.id", "{problem}");

    let body = "{\"event\": ";
    let (timestamp, signature) =
        chatwoot::signature::sign(CHAT_SECRET, lambda::clock::now(), body.as_bytes());
    assert_eq!(door.signed_webhook(1, body, &timestamp, &signature).await.unwrap().status(), 400);

    let large = vec![b' '; 6 * 1024 * 1024 + 1];
    assert_eq!(door.signed_webhook(1, large, "1", "sha256=00").await.unwrap().status(), 413);
    nothing_came_in(&door).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_not_the_marketplaces_get_401_and_leave_nothing() {
    let (_stack, door) = in_memory().await;
    let body = registered("p1", 1).to_string();
    let now = lambda::clock::now().unix();
    let sign = |secret: &str, at: i64| Webhook::new(secret).unwrap().sign("m1", at, body.as_bytes()).unwrap();
    for (timestamp, signature) in [
        (now, sign("whsec_dGhpcyBpcyBhbm90aGVyIHNlY3JldCE=", now)),
        (now, String::new()),
        (now - 310, sign(EVENTS_SECRET, now - 310)),
        (now + 310, sign(EVENTS_SECRET, now + 310)),
        (now, sign(EVENTS_SECRET, now - 1)),
    ] {
        let response =
            door.signed_events(body.clone(), "m1", &timestamp.to_string(), &signature).await.unwrap();
        assert_eq!(response.status(), 401, "{timestamp} {signature}");
    }
    nothing_came_in(&door).await;
    let previous = sign("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", now);
    let response = door.signed_events(body.clone(), "m1", &now.to_string(), &previous).await.unwrap();
    assert_eq!(response.status(), 202, "the previous secret is accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_more_than_six_megabytes_get_413_and_leave_nothing() {
    let (_stack, door) = in_memory().await;
    let padding = 6 * 1024 * 1024 + 1 - registered("p1", 1).to_string().len();
    let body = format!("{}{}", registered("p1", 1), " ".repeat(padding));
    let now = lambda::clock::now().unix();
    let signature = Webhook::new(EVENTS_SECRET).unwrap().sign("m1", now, body.as_bytes()).unwrap();
    let response = door.signed_events(body.clone(), "m1", &now.to_string(), &signature).await.unwrap();
    assert_eq!(response.status(), 413);
    let problem: Value = response.json().await.unwrap();
    // Of the function, and not of the gateway before it, which takes ten.
    assert_eq!(problem["detail"], "the most is 6291456 bytes", "{problem}");
    nothing_came_in(&door).await;
    let body = &body[..body.len() - 1];
    let signature = Webhook::new(EVENTS_SECRET).unwrap().sign("m1", now, body.as_bytes()).unwrap();
    let response = door.signed_events(body.to_owned(), "m1", &now.to_string(), &signature).await.unwrap();
    assert_eq!(response.status(), 202, "six megabytes are taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_a_batch_is_judged_for_itself() {
    let (_stack, door) = in_memory().await;
    let mut unknown = registered("p2", 2);
    unknown["type"] = json!("provider.vanished");
    let mut broken = requested("c1", "p1", "r1", ago(10));
    broken["data"]["price"]["currency"] = json!("euro");
    let response = door.events(&json!([registered("p1", 1), unknown, broken, "nothing"])).await.unwrap();
    assert_eq!(response.status(), StatusCode::MULTI_STATUS);
    let items = response.json::<Value>().await.unwrap()["items"].clone();
    let statuses: Vec<&Value> = items.as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, [202, 422, 400, 400]);
    assert_eq!(items[2]["problem"]["errors"][0]["pointer"], "/data/price/currency");
    door.settled().await;
    assert_eq!(door.json("/v1/providers").await["items"][0]["id"], "p1");

    for (sent, status) in [
        (json!([]), 400),
        (json!(vec![registered("p1", 1); 501]), 400),
        (unknown_alone(), 422),
        (json!({ "specversion": "1.0" }), 400),
    ] {
        let response = door.events(&sent).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(door.events(&json!(vec![registered("p1", 1); 500])).await.unwrap().status(), 202);
    door.settled().await;
}

fn unknown_alone() -> Value {
    let mut event = registered("p3", 3);
    event["type"] = json!("provider.vanished");
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_handle_is_kept_apart_and_the_rest_goes_on() {
    let (stack, door) = in_memory().await;
    let environment =
        stack.environment().with(&[("BUS_NAME".to_owned(), "provider-trust-dev".to_owned())].into());
    let bus = lambda::Bus::connect(&environment, &lambda::Clients::new(&environment).unwrap()).unwrap();
    // Straight onto the bus, as the marketplace may do it: once good, once not.
    let good = registered("p1", 1);
    let event =
        |detail: &Value| lambda::bus::BusEvent::new("marketplace", "provider.registered", detail).unwrap();
    bus.publish(event(&json!({ "no": "event" }))).await.unwrap();
    bus.publish(event(&good)).await.unwrap();
    let seen = async {
        while door.json("/v1/providers").await["items"] == json!([]) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), seen)
        .await
        .expect("the good event goes through");
    let depths = stack.queues().depths(lambda::clock::now()).await.unwrap();
    let queue = depths.iter().find(|depth| depth.queue == "provider-trust-dev-marketplace").unwrap();
    assert_eq!((queue.visible, queue.in_flight), (0, 1), "the poison waits for its next try");
    // Its tries are a visibility timeout apart; the queue's own clock is a parameter.
    for receive in 1..=5 {
        let later = lambda::clock::now().plus(receive * 1000);
        stack.queues().receive("provider-trust-dev-marketplace", 10, later).await.unwrap();
    }
    let depths = stack.queues().depths(lambda::clock::now()).await.unwrap();
    let dead = depths.iter().find(|depth| depth.queue == "provider-trust-dev-marketplace-dead").unwrap();
    assert_eq!(dead.visible, 1);
}
