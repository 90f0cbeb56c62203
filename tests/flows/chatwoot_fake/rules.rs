//! The rules the fake keeps: who may what, what is unique, how lists are paged, when a wait begins and ends.

use std::time::{Duration, Instant};

use end_to_end::chatwoot::{Author, Chatwoot, Clock, Furnished, Identity, Status, Thread, Volume};
use serde_json::{Value, json};

use super::{Receiver, Rest, furnished, noon, visit};

#[tokio::test]
async fn an_inbox_has_exactly_the_members_it_was_last_given() {
    let (_chatwoot, acme, rest) = furnished().await;
    let account = format!("/api/v1/accounts/{}", acme.account);
    let members = async |rest: &Rest| {
        let (_, body) = rest.get(&format!("{account}/inbox_members/{}", acme.inbox)).await;
        body["payload"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["id"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(members(&rest).await, [acme.agent]);
    let path = format!("{account}/inbox_members");
    let give = async |users: &[u64]| {
        rest.patch(&path, &json!({ "inbox_id": acme.inbox, "user_ids": users })).await.0
    };
    assert_eq!(give(&[acme.administrator]).await, 200);
    assert_eq!(members(&rest).await, [acme.administrator], "who is not named is out");
    let agent = Rest { token: acme.agent_token.clone(), ..rest.clone() };
    assert_eq!(agent.get(&format!("{account}/inboxes/{}", acme.inbox)).await.0, 401, "and sees it no longer");
    assert_eq!(give(&[acme.administrator, 999]).await, 404, "somebody who is not in the account");
    assert_eq!(members(&rest).await, [acme.administrator]);
    assert_eq!(give(&[]).await, 200);
    assert_eq!(members(&rest).await, [0; 0]);
}

#[tokio::test]
async fn an_address_that_is_known_in_the_installation_is_just_added() {
    let (chatwoot, acme, rest) = furnished().await;
    let other = chatwoot.furnish("Other").unwrap();
    let agents = format!("/api/v1/accounts/{}/agents", acme.account);
    let known = format!("agent-{}@example.org", other.account);
    let (status, added) = rest.post(&agents, &json!({ "email": known, "role": "agent" })).await;
    assert_eq!((status, added["id"].as_u64()), (200, Some(other.agent)));
    let (status, body) = rest.post(&agents, &json!({ "email": known, "role": "agent" })).await;
    assert_eq!((status, &body["message"]), (422, &json!("User has already been taken")));
    assert_eq!(chatwoot.counts().users, 4);
}

#[tokio::test]
async fn what_has_to_be_unique_or_known_is_refused_with_422() {
    let (_chatwoot, acme, rest) = furnished().await;
    let account = format!("/api/v1/accounts/{}", acme.account);
    let hook = |url: &str, subscriptions: Value| json!({ "url": url, "subscriptions": subscriptions });
    let attribute = |key: &str| json!({ "attribute_display_name": "x", "attribute_key": key, "attribute_model": "conversation_attribute" });
    for (path, body, status, message) in [
        ("contacts", json!({ "identifier": "r1", "email": "R1@example.org" }), 200, ""),
        ("contacts", json!({ "identifier": "r1" }), 422, "Identifier has already been taken"),
        ("contacts", json!({ "email": "r1@EXAMPLE.org" }), 422, "Email has already been taken"),
        ("contacts", json!({ "phone_number": "0170" }), 422, "Phone number should be in e164 format"),
        ("webhooks", hook("https://example.org/1", json!(["message_created"])), 200, ""),
        (
            "webhooks",
            hook("https://example.org/1", json!(["message_created"])),
            422,
            "Url has already been taken",
        ),
        ("webhooks", hook("https://example.org/2", json!([])), 422, "Subscriptions Invalid events"),
        (
            "webhooks",
            hook("https://example.org/2", json!(["message_read"])),
            422,
            "Subscriptions Invalid events",
        ),
        ("webhooks", hook("ftp://example.org", json!(["message_created"])), 422, "Url is invalid"),
        ("custom_attribute_definitions", attribute("contract_id"), 200, ""),
        (
            "custom_attribute_definitions",
            attribute("contract_id"),
            422,
            "Attribute key has already been taken",
        ),
    ] {
        let (answered, answer) = rest.post(&format!("{account}/{path}"), &body).await;
        assert_eq!(answered, status, "{path} {body}: {answer}");
        assert_eq!(answer["message"].as_str().unwrap_or_default(), message, "{path} {body}");
    }
    let (_, listed) = rest.get(&format!("{account}/webhooks")).await;
    let webhooks = listed["payload"]["webhooks"].as_array().unwrap();
    assert_eq!(webhooks.len(), 1);
    assert_eq!(webhooks[0]["secret"].as_str().unwrap().len(), 24);
    let (_, other) = rest.get(&format!("{account}/custom_attribute_definitions?attribute_model=1")).await;
    assert_eq!(other, json!([]));
}

#[tokio::test]
async fn a_webhook_that_names_no_events_gets_the_default_eight() {
    let (_chatwoot, acme, rest) = furnished().await;
    let path = format!("/api/v1/accounts/{}/webhooks", acme.account);
    let (_, made) = rest.post(&path, &json!({ "url": "https://example.org" })).await;
    assert_eq!(made["payload"]["webhook"]["subscriptions"].as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn a_source_id_belongs_to_one_contact() {
    let (chatwoot, acme, rest) = furnished().await;
    let account = format!("/api/v1/accounts/{}", acme.account);
    let contact = async |identifier: &str| {
        let (_, made) = rest.post(&format!("{account}/contacts"), &json!({ "identifier": identifier })).await;
        made["payload"]["contact"]["id"].as_u64().unwrap()
    };
    let (one, other) = (contact("r1").await, contact("r2").await);
    let session = |contact: u64| format!("{account}/contacts/{contact}/contact_inboxes");
    let body =
        |verified: bool| json!({ "inbox_id": acme.inbox, "source_id": "c-1", "hmac_verified": verified });
    assert_eq!(rest.post(&session(one), &body(false)).await.0, 200);
    assert_eq!(rest.post(&session(one), &body(true)).await.0, 200, "found again");
    assert_eq!(chatwoot.counts().contact_inboxes, 1);
    assert_eq!(rest.post(&session(other), &body(true)).await.0, 500, "unhandled");
    let ask = async |contact: u64| {
        let body = json!({ "inbox_id": acme.inbox, "contact_id": contact, "source_id": "c-1", "hmac_verified": true });
        rest.post(&format!("{account}/conversations"), &body).await
    };
    assert_eq!(ask(other).await, (422, json!({ "error": "source_id should be unique" })));
    let (status, conversation) = ask(one).await;
    assert_eq!(status, 200);
    assert_eq!(conversation["meta"]["hmac_verified"], false, "a session that is there stays as it was");
    assert_eq!(chatwoot.counts().conversations, 1);
}

#[tokio::test]
async fn an_agent_can_write_as_the_renter_in_an_api_inbox_and_nowhere_else() {
    let (_chatwoot, acme, rest) = furnished().await;
    let account = format!("/api/v1/accounts/{}", acme.account);
    let api =
        json!({ "name": "Backend", "channel": { "type": "api", "webhook_url": "https://example.org" } });
    let (_, api) = rest.post(&format!("{account}/inboxes"), &api).await;
    assert_eq!((&api["channel_type"], &api["website_token"]), (&json!("Channel::Api"), &Value::Null));
    assert_eq!(api["secret"].as_str().unwrap().len(), 24);
    let (_, made) = rest.post(&format!("{account}/contacts"), &json!({ "identifier": "r1" })).await;
    for (inbox, status) in [(&api["id"], 200), (&json!(acme.inbox), 422)] {
        let body = json!({ "inbox_id": inbox, "contact_id": made["payload"]["contact"]["id"] });
        let (_, conversation) = rest.post(&format!("{account}/conversations"), &body).await;
        let path = format!("{account}/conversations/{}/messages", conversation["id"]);
        let body = json!({ "content": "I am content", "message_type": "incoming" });
        let (answered, message) = rest.post(&path, &body).await;
        assert_eq!(answered, status, "{message}");
        if status == 200 {
            assert_eq!(
                (&message["message_type"], &message["sender"]["identifier"]),
                (&json!(0), &json!("r1"))
            );
        }
    }
}

#[tokio::test]
async fn the_same_conversation_asked_for_twice_is_there_twice() {
    let (chatwoot, acme, rest) = furnished().await;
    let account = format!("/api/v1/accounts/{}", acme.account);
    let (_, made) = rest.post(&format!("{account}/contacts"), &json!({ "identifier": "r1" })).await;
    let contact = &made["payload"]["contact"]["id"];
    let body = json!({ "inbox_id": acme.inbox, "contact_id": contact, "source_id": "c-1" });
    for number in 1..=2 {
        let (_, made) = rest.post(&format!("{account}/conversations"), &body).await;
        assert_eq!(made["id"], number);
        assert_ne!(made["waiting_since"], 0, "it waits from the start, whoever opened it");
    }
    let (_, listed) = rest.get(&format!("{account}/conversations?source_id=c-1")).await;
    assert_eq!(listed["data"]["meta"]["all_count"], 2);
    assert_eq!(chatwoot.counts().contact_inboxes, 1);
}

#[tokio::test]
async fn numbers_of_conversations_repeat_between_accounts_and_ids_of_messages_do_not() {
    let (chatwoot, acme, _) = furnished().await;
    let other = chatwoot.furnish("Other").unwrap();
    let write = |account: &Furnished| {
        let visit = visit(account, "r1", Identity::Verified);
        chatwoot.renter_writes(&visit, Thread::Latest, "Hello").unwrap()
    };
    let (one, two) = (write(&acme), write(&other));
    assert_eq!(one.conversation.number, two.conversation.number);
    assert_ne!(one.conversation, two.conversation);
    assert!(one.message < two.message);
}

#[tokio::test]
async fn messages_are_paged_by_a_hundred_after_one_and_by_twenty_before() {
    let (chatwoot, acme, rest) = furnished().await;
    let visit = visit(&acme, "r1", Identity::Verified);
    let all: Vec<u64> = (0..250)
        .map(|_| chatwoot.renter_writes(&visit, Thread::Latest, "Hello?").unwrap().message.0)
        .collect();
    let path = format!("/api/v1/accounts/{}/conversations/1/messages", acme.account);
    let ids = async |query: &str| {
        let (_, body) = rest.get(&format!("{path}{query}")).await;
        body["payload"].as_array().unwrap().iter().map(|it| it["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let mut seen: Vec<u64> = Vec::new();
    loop {
        let page = ids(&format!("?after={}", seen.last().unwrap_or(&0))).await;
        seen.extend(&page);
        if page.len() < 100 {
            break;
        }
    }
    assert_eq!(seen, all);
    assert_eq!(ids("").await, all[230..]);
    assert_eq!(ids(&format!("?before={}", all[100])).await, all[80..100]);
    assert_eq!(ids(&format!("?after={}&before={}", all[10], all[200])).await, all[10..200]);
    assert_eq!(ids(&format!("?after={}", all[249])).await, [0; 0]);
}

#[tokio::test]
async fn conversations_are_paged_by_twenty_five_unless_asked_for_by_time() {
    let (chatwoot, acme, rest) = furnished().await;
    for number in 0..60 {
        chatwoot.clock().set(noon().plus(number * 60));
        let visit = visit(&acme, &format!("r{number}"), Identity::Verified);
        chatwoot.renter_writes(&visit, Thread::New, "Hello").unwrap();
    }
    let list = async |query: &str| {
        let (_, body) = rest.get(&format!("/api/v1/accounts/{}/conversations{query}", acme.account)).await;
        let payload = body["data"]["payload"].as_array().unwrap();
        payload.iter().map(|row| row["id"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let latest: Vec<u64> = (36..=60).rev().collect();
    assert_eq!(list("").await, latest, "the latest activity comes first");
    assert_eq!(list("?page=3").await.len(), 10);
    assert_eq!(list("?page=4").await, [0; 0]);
    assert_eq!(list("?sort_by=created_at_asc").await, (1..=25).collect::<Vec<u64>>());
    assert_eq!(list("?updated_within=7200").await.len(), 60);
    assert_eq!(list("?updated_within=599&page=2").await.len(), 10);
    assert_eq!(list("?status=resolved").await, [0; 0]);
}

#[tokio::test]
async fn a_visitor_is_who_he_proves_to_be_except_by_e_mail() {
    let (chatwoot, acme, rest) = furnished().await;
    let inbox = format!("/api/v1/accounts/{}/inboxes/{}", acme.account, acme.inbox);
    rest.patch(&inbox, &json!({ "channel": { "hmac_mandatory": true } })).await;
    let write = |renter: &str, identity| {
        chatwoot.renter_writes(&visit(&acme, renter, identity), Thread::Latest, "Hello")
    };
    let hash = chatwoot::identity::identifier_hash(&acme.hmac_token, &"r1".parse().unwrap());
    let verified = write("r1", Identity::Hash(hash.clone())).unwrap().conversation;
    assert_eq!(write("r1", Identity::Verified).unwrap().conversation, verified);
    assert!(write("r2", Identity::Hash(hash)).is_err());
    assert!(write("r2", Identity::Claimed).is_err());
    let stolen = write("r1", Identity::ByEmail).unwrap().conversation;
    assert_ne!(stolen, verified);
    let shown = chatwoot.conversation(stolen).unwrap();
    assert_eq!(shown["meta"]["sender"]["identifier"], "r1");
    assert_eq!(shown["meta"]["hmac_verified"], false);
    let anonymous = write("r1", Identity::Anonymous).unwrap().conversation;
    assert_eq!(chatwoot.conversation(anonymous).unwrap()["meta"]["sender"]["identifier"], Value::Null);
    let foreign = Thread::Number(verified.number);
    assert!(chatwoot.renter_writes(&visit(&acme, "r1", Identity::ByEmail), foreign, "Hello").is_err());
}

#[tokio::test]
async fn a_wait_ends_with_an_answer_or_a_resolution_and_begins_with_the_renters_next_words() {
    let (chatwoot, acme, _) = furnished().await;
    let visit = visit(&acme, "r1", Identity::Verified);
    let id = chatwoot.renter_writes(&visit, Thread::Latest, "Hello").unwrap().conversation;
    let waits = || chatwoot.conversation(id).unwrap()["waiting_since"] != 0;
    let first = || chatwoot.conversation(id).unwrap()["first_reply_created_at"] != 0;
    for author in
        [Author::Note(acme.agent), Author::Automation, Author::Template, Author::Campaign(acme.agent)]
    {
        chatwoot.writes(id, author, "Hello").unwrap();
        assert!(waits() && !first(), "{author:?}");
    }
    chatwoot.writes(id, Author::Bot, "Hello").unwrap();
    assert!(!waits() && !first(), "a bot ends the wait and is no first reply");
    chatwoot.renter_writes(&visit, Thread::Latest, "A human, please").unwrap();
    assert!(waits());
    chatwoot.writes(id, Author::Echo, "Here I am").unwrap();
    assert!(!waits() && first());
    chatwoot.renter_writes(&visit, Thread::Latest, "And now?").unwrap();
    chatwoot.resolves(id, acme.agent).unwrap();
    assert!(!waits(), "resolved without a word");
    chatwoot.renter_writes(&visit, Thread::Latest, "I was not done").unwrap();
    assert!(waits());
    assert_eq!(chatwoot.conversation(id).unwrap()["status"], "open");
    chatwoot.moves(id, Status::Snoozed, acme.agent).unwrap();
    assert!(waits());
}

#[tokio::test]
async fn a_deleted_message_keeps_its_row_and_a_browser_wipes_attributes() {
    let (chatwoot, acme, rest) = furnished().await;
    let (receiver, url) = Receiver::start().await;
    let visit = visit(&acme, "r1", Identity::Verified);
    let written = chatwoot.renter_writes(&visit, Thread::Latest, "Hello").unwrap();
    let path = format!("/api/v1/accounts/{}/conversations/1/custom_attributes", acme.account);
    rest.post(&path, &json!({ "custom_attributes": { "contract_id": "c-1" } })).await;
    chatwoot.subscribe(acme.account, &url).unwrap();
    chatwoot.browser_replaces_attributes(written.conversation, &json!({ "mine": true })).unwrap();
    chatwoot.deletes_message(written.conversation, written.message).unwrap();
    chatwoot.delivered().await;
    assert_eq!(receiver.events(), ["conversation_updated", "message_updated"]);
    assert_eq!(
        chatwoot.conversation(written.conversation).unwrap()["custom_attributes"],
        json!({ "mine": true })
    );
    let messages = chatwoot.messages(written.conversation);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["content_attributes"], json!({ "deleted": true }));
    assert_eq!(
        rest.delete(&format!("/api/v1/accounts/{}/conversations/1/messages/99", acme.account)).await.0,
        404
    );
}

#[tokio::test]
async fn an_app_reaches_what_it_made_and_nothing_else() {
    let chatwoot = Chatwoot::start(Clock::at(noon())).await.unwrap();
    let one = Rest::of(&chatwoot, chatwoot.platform_token());
    let other = Rest { token: chatwoot.another_platform_app(), ..one.clone() };
    let (_, made) = one.post("/platform/api/v1/accounts", &json!({ "name": "Acme" })).await;
    let path = format!("/platform/api/v1/accounts/{}", made["id"]);
    assert_eq!(one.get(&path).await.0, 200);
    assert_eq!(other.get(&path).await, (401, json!({ "error": "Non permissible resource" })));
    assert_eq!(other.get("/platform/api/v1/accounts").await, (200, json!([])));
}

#[tokio::test]
async fn a_hundred_accounts_with_a_hundred_conversations_are_there_in_seconds() {
    let (chatwoot, ..) = furnished().await;
    let started = Instant::now();
    let volume = Volume { accounts: 100, conversations: 100, messages: 10, from: noon(), apart: 60 };
    let filled = chatwoot.fill(volume).unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let counts = chatwoot.counts();
    assert_eq!((counts.accounts, counts.conversations, counts.messages), (101, 10_000, 100_000));
    let rest = Rest::of(&chatwoot, &filled[99].administrator_token);
    let (_, listed) =
        rest.get(&format!("/api/v1/accounts/{}/conversations?status=all", filled[99].account)).await;
    assert_eq!(listed["data"]["meta"]["all_count"], 100);
}
