//! Functions that work off batches: what they leave in the table and on the bus, and what they report as failed.

use end_to_end::samples;
use serde_json::{Value, json};
use trust::{
    id::{AccountId, ConversationId, ConversationNumber},
    replies::Scope,
    summary::Track,
    time::{Day, Moment},
};

const NOTHING_FAILED: &str = r#"{"batchItemFailures":[]}"#;

fn conversation() -> ConversationId {
    ConversationId { account: AccountId(1), number: ConversationNumber(42) }
}

#[tokio::test]
async fn the_lifecycle_keeps_providers_and_contracts_and_has_the_conversation_looked_at_again() {
    let (services, mut function) = super::started("lifecycle").await;
    let answer = function.invoke(&samples::of("lifecycle").unwrap()).await.unwrap();
    assert_eq!(answer.to_string(), NOTHING_FAILED);
    let table = services.table().unwrap();
    let provider = table.provider(&"acme".parse().unwrap()).await.unwrap().value;
    assert_eq!(provider.profile.unwrap().1.name.as_str(), "Acme Compute");
    let contract = table.contract(&"c-1".parse().unwrap()).await.unwrap().unwrap().value;
    assert!(format!("{contract:?}").contains("renter-7"));
    let published = services.published();
    let (looks, others): (Vec<_>, Vec<_>) =
        published.into_iter().partition(|entry| entry["DetailType"] == "conversation.standing-changed");
    // By today's clock the sample's request is old, so its renter may be asked how it was, too.
    assert!(others.iter().any(|entry| entry["DetailType"] == "account.linked"), "{others:?}");
    assert!(!looks.is_empty());
    for look in looks {
        assert_eq!(look["Detail"], json!({ "conversation": { "account": 1, "number": 42 } }));
    }
}

#[tokio::test]
async fn the_ledger_opens_a_wait_for_the_contracts_provider() {
    let (services, mut lifecycle) = super::started("lifecycle").await;
    lifecycle.invoke(&samples::of("lifecycle").unwrap()).await.unwrap();
    let mut ledger = super::start(&services, "chat-ledger").await;
    let batch = samples::of("chat-ledger").unwrap();
    for _ in 0..2 {
        // Twice, because queues deliver at least once.
        assert_eq!(ledger.invoke(&batch).await.unwrap().to_string(), NOTHING_FAILED);
    }
    let table = services.table().unwrap();
    let messages = table.messages(conversation()).await.unwrap();
    assert_eq!(messages.len(), 1);
    let day = Day::parse("2026-01-01").unwrap();
    let waiting = table.signals(&"acme".parse().unwrap(), day).await.unwrap().signals.waiting;
    let [wait] = waiting.as_slice() else { panic!("{waiting:?}") };
    assert_eq!((wait.scope, wait.conversation), (Scope::Contract, conversation()));
    assert_eq!(wait.opened_at, Moment::parse("2026-11-20T10:00:00Z").unwrap());
}

#[tokio::test]
async fn poison_in_a_batch_is_reported_and_the_rest_takes_effect() {
    for name in ["chat-ledger", "lifecycle"] {
        let (services, mut function) = super::started(name).await;
        let mut batch = samples::of(name).unwrap();
        let mut poison = batch["Records"][0].clone();
        poison["messageId"] = json!("poison");
        poison["body"] = json!("{\"detail-type\": \"message.created\"");
        batch["Records"].as_array_mut().unwrap().insert(0, poison);
        let answer = function.invoke(&batch).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [{ "itemIdentifier": "poison" }] }), "{name}");
        let table = services.table().unwrap();
        let kept = match name {
            "lifecycle" => table.provider(&"acme".parse().unwrap()).await.unwrap().version,
            _ => table.conversation(conversation()).await.unwrap().version,
        };
        assert!(kept > 0, "{name}");
    }
}

#[tokio::test]
async fn a_change_of_signals_becomes_a_summary_that_is_served() {
    let (services, mut lifecycle) = super::started("lifecycle").await;
    lifecycle.invoke(&samples::of("lifecycle").unwrap()).await.unwrap();
    let mut score = super::start(&services, "score").await;
    let answer = score.invoke(&samples::of("score").unwrap()).await.unwrap();
    assert_eq!(answer.to_string(), NOTHING_FAILED);
    let table = services.table().unwrap();
    let summary = table.summary(&"acme".parse().unwrap()).await.unwrap().unwrap();
    // Registered and with a contract under way: nothing yet that a score could rest on.
    assert_eq!((summary.track, summary.score), (Track::New, None));

    let mut api = super::start(&services, "scores-api").await;
    let answer = api.invoke(&samples::of("scores-api").unwrap()).await.unwrap();
    let list: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(list["items"][0]["id"], "acme");
    assert_eq!(list["items"][0]["score"], Value::Null);
}

#[tokio::test]
async fn the_schedule_makes_no_summary_anew_before_its_time() {
    let (_services, mut score) = super::started("score").await;
    let answer = score.invoke(&json!({ "refresh": "due" })).await.unwrap();
    assert_eq!(answer, json!({ "refreshed": 0 }));
}
