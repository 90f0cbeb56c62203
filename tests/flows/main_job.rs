//! The main job: signed messages and events in, a provider's trust out.

use serde_json::{Value, json};

use crate::stack::{Author, Door, Message, ago, completed, event, in_memory, registered, requested};

fn window(summary: &Value, index: usize) -> &Value {
    &summary["replies"]["windows"][index]
}

async fn provider(door: &Door, id: &str) -> Value {
    door.json(&format!("/v1/providers/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_message_in_a_providers_trust_out() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1)]).await;
    door.told(&completed("c1", "p1", "r1", ago(60 * 24 * 3))).await;
    door.said(&Message::new(7, 100, Author::Renter, ago(300))).await;
    door.said(&Message::new(7, 101, Author::Note, ago(295))).await;
    door.said(&Message::new(7, 102, Author::Bot, ago(290))).await;
    door.said(&Message::new(7, 103, Author::Agent, ago(280))).await;
    door.said(&Message::new(7, 104, Author::Renter, ago(30))).await;
    door.settled().await;

    let found = provider(&door, "p1").await;
    assert_eq!(found["track"], "vetting");
    assert_eq!(found["contracts"]["completed"], 1);
    assert_eq!(window(&found, 0)["n"], 2);
    assert_eq!(window(&found, 0)["open"], 1);
    let median = window(&found, 0)["median"]["seconds"].as_u64().unwrap();
    assert!((1200..1220).contains(&median), "{median}: 20 minutes, to within a bucket");
    assert_eq!(window(&found, 0)["within_promise"]["n"], 1);
    assert_eq!(found["replies"]["open"], 1);
    assert!(found["replies"]["oldest_open_since"].as_str().unwrap() < ago(29).to_string().as_str());

    let explained = door.json("/v1/providers/p1/score?explain=true").await;
    let families = explained["explain"]["families"].as_array().unwrap();
    let sum: f64 = families.iter().map(|family| family["contribution"].as_f64().unwrap()).sum();
    let baseline = explained["explain"]["baseline"].as_f64().unwrap();
    let score = explained["score"]["value"].as_f64().unwrap();
    assert!((baseline + sum - score).abs() < 1e-7);
    assert_eq!(families[1]["observations"], 1);
    assert_eq!(explained["explain"]["advice"], json!(["Answer the open message."]));

    let history = door.json("/v1/providers/p1/score/history").await;
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    assert_eq!(history["items"][0]["inputs_hash"], explained["explain"]["inputs_hash"]);

    let page = door.get("/providers/p1").await.text().await.unwrap();
    for shown in [
        "Provider p1",
        "20\u{a0}min",
        "n = 2",
        "Kaplan-Meier",
        "1 waiting for an answer",
        "Completed, of those",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script"));
    let list = door.get("/").await.text().await.unwrap();
    assert!(list.contains("href=\"/providers/p1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_provider_is_404_and_a_new_one_has_no_score_but_a_reason() {
    let (_stack, door) = in_memory().await;
    for path in
        ["/v1/providers/p1", "/v1/providers/p1/score", "/v1/providers/p1/replies", "/v1/providers/a%20b"]
    {
        let response = door.get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(
            response.json::<Value>().await.unwrap()["type"].as_str().unwrap().ends_with("/unknown-provider")
        );
    }
    assert_eq!(door.get("/providers/p1").await.status(), 404);

    door.told(&[registered("p1", 1)]).await;
    door.settled().await;
    let found = provider(&door, "p1").await;
    assert_eq!((&found["track"], &found["score"]), (&json!("new"), &json!(null)));
    assert!(found["score_reason"].as_str().unwrap().contains("no completed contract"));
    assert_eq!(window(&found, 1)["median"], json!({ "seconds": null, "low": null, "high": null, "n": 0 }));
    assert_eq!(window(&found, 1)["within_promise"]["share"], json!(null));
    assert!(door.get("/providers/p1").await.text().await.unwrap().contains("no score yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_what_it_depends_on_is_kept_and_counts_later() {
    let (_stack, door) = in_memory().await;
    // The chat first, then the contract's end, then its request, and the provider last.
    door.said(&Message::new(7, 103, Author::Agent, ago(280))).await;
    door.said(&Message::new(7, 100, Author::Renter, ago(300))).await;
    let mut events = completed("c1", "p1", "r1", ago(60 * 24 * 3));
    events.reverse();
    for event in events {
        door.told(&[event]).await;
    }
    door.settled().await;
    assert_eq!(door.get("/v1/providers/p1").await.status(), 404);
    door.told(&[registered("p1", 1)]).await;
    door.settled().await;
    let found = provider(&door, "p1").await;
    assert_eq!(found["contracts"]["completed"], 1);
    assert_eq!((&window(&found, 0)["n"], &window(&found, 0)["open"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_counts_for_a_contract_only_with_its_verified_renter() {
    let (_stack, door) = in_memory().await;
    door.told(&[registered("p1", 1), requested("c1", "p1", "r1", ago(500))]).await;
    let unverified = Message { verified: false, ..Message::new(1, 1, Author::Renter, ago(100)) };
    let stranger = Message { renter: "r2".to_owned(), ..Message::new(2, 2, Author::Renter, ago(100)) };
    let nothing = Message { contract: None, ..Message::new(3, 3, Author::Renter, ago(100)) };
    for message in [unverified, stranger, nothing] {
        door.said(&message).await;
    }
    door.settled().await;
    let found = provider(&door, "p1").await;
    assert_eq!(window(&found, 0)["n"], 0);
    assert_eq!(found["replies"]["not_scored"]["pre_sales"]["open"], 3);

    // Our own record ties a conversation whatever its attributes say, but scores it for the verified renter only.
    let data = json!({ "contract_id": "c1", "by": "auto", "conversation": { "account": 1, "number": 1 } });
    door.told(&[event("contract.accepted", ago(400), data)]).await;
    door.settled().await;
    let found = provider(&door, "p1").await;
    assert_eq!(found["replies"]["not_scored"]["unverified"]["open"], 1);
    assert_eq!(found["replies"]["not_scored"]["pre_sales"]["open"], 2);

    door.said(&Message { contract: None, ..Message::new(1, 4, Author::Renter, ago(90)) }).await;
    door.settled().await;
    assert_eq!(window(&provider(&door, "p1").await, 0)["open"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_conversation_numbers_of_two_accounts_stay_apart() {
    let (_stack, door) = in_memory().await;
    door.told(&[
        registered("p1", 1),
        registered("p2", 2),
        requested("c1", "p1", "r1", ago(500)),
        requested("c2", "p2", "r1", ago(500)),
    ])
    .await;
    door.said(&Message::new(7, 1, Author::Renter, ago(100))).await;
    let elsewhere = Message {
        account: 2,
        contract: Some("c2".to_owned()),
        ..Message::new(7, 2, Author::Renter, ago(90))
    };
    door.said(&elsewhere).await;
    door.said(&Message { id: 3, author: Author::Agent, at: ago(80), ..elsewhere }).await;
    door.settled().await;
    assert_eq!(window(&provider(&door, "p1").await, 0)["open"], 1);
    let second = provider(&door, "p2").await;
    assert_eq!((&window(&second, 0)["n"], &window(&second, 0)["open"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_events_sent_again_change_nothing() {
    let (_stack, door) = in_memory().await;
    let messages =
        [Message::new(7, 1, Author::Renter, ago(300)), Message::new(7, 2, Author::Agent, ago(200))];
    let mut before = None;
    for _ in 0..2 {
        door.told(&[registered("p1", 1)]).await;
        door.told(&completed("c1", "p1", "r1", ago(60 * 24 * 3))).await;
        for message in &messages {
            door.said(message).await;
        }
        door.settled().await;
        let found = provider(&door, "p1").await;
        let facts = (found["contracts"].clone(), found["replies"].clone(), found["score"].clone());
        assert_eq!(before.get_or_insert(facts.clone()), &facts);
    }
}
