//! What a contract's conversation is told of a survey.

use serde_json::{Value, json};
use trust::chat::Class;

use crate::{
    reconcile::{Deed, World},
    stack::event,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_told_of_a_survey_without_the_link_and_that_is_no_reply_of_the_provider() {
    let world = World::start().await;
    world.does(Deed::Renter, 1, &mut Vec::new());
    world.operator.chatwoot.delivered().await;
    let about = json!({ "contract_id": "c1" });
    let now = lambda::clock::now();
    world
        .door
        .told(&[
            event("contract.provisioned", now.plus(-3000), about.clone()),
            event("contract.completed", now, about),
        ])
        .await;
    world.door.settled().await;
    world.operator.chatwoot.delivered().await;
    let (signals, _) = world.facts().await;

    let public = |message: &&Value| {
        message["private"] == json!(false)
            && message["content"].as_str().unwrap_or_default().contains("Two questions")
    };
    let messages = world.operator.chatwoot.messages(world.conversation);
    let announced: Vec<&Value> = messages.iter().filter(public).collect();
    assert_eq!(announced.len(), 1, "{messages:#?}");
    let text = announced[0]["content"].as_str().unwrap();
    assert!(text.contains("https://marketplace.example/contracts/c1"), "{text}");
    assert!(!text.contains("/v1/feedback/"), "whoever reads it could answer for the renter: {text}");

    let id = announced[0]["id"].as_u64().unwrap();
    let ledger = world.table.messages(world.conversation).await.unwrap();
    let ours = ledger.iter().find(|message| message.id.0 == id).unwrap();
    assert_eq!((ours.class(), ours.turn()), (Class::Automation, None));
    assert_eq!(signals.waiting.len(), 1, "the renter still waits for an answer");
}
