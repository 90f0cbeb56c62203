//! Chatwoot's payloads, whole, from 4.12 to 4.18, and what may come of them.
//!
//! The samples in `events/` have the form of 4.18 with everything Chatwoot puts into it: names, mail addresses, telephone numbers,
//! the browser's token. The older forms are made from them by taking away what came later.

#![expect(clippy::unwrap_used, reason = "a test that can not go on fails")]

use std::collections::BTreeSet;

use chatwoot::webhook::{EventKind, Ignored, PayloadError, Received, content_hash, read};
use proptest::prelude::*;
use serde_json::{Value, json};
use trust::{
    chat::{
        self, Channel, ChatEvent, ContentHash, ConversationStatus, Direction, Identity, Mark, Message, Sender,
    },
    id::{AccountId, ContractId, MessageId, RenterId},
};

const ACCOUNT: AccountId = AccountId(1);
const SCHEMA: &str = include_str!("../../../events/schemas/chat.json");
const SAMPLES: [(EventKind, &str); 5] = [
    (EventKind::MessageCreated, include_str!("../../../events/chatwoot-message-created.json")),
    (EventKind::MessageUpdated, include_str!("../../../events/chatwoot-message-updated.json")),
    (EventKind::ConversationCreated, include_str!("../../../events/chatwoot-conversation-created.json")),
    (EventKind::ConversationUpdated, include_str!("../../../events/chatwoot-conversation-updated.json")),
    (
        EventKind::ConversationStatusChanged,
        include_str!("../../../events/chatwoot-conversation-status-changed.json"),
    ),
];

fn sample(kind: EventKind) -> Value {
    let (_, text) = SAMPLES.iter().find(|(sample, _)| *sample == kind).unwrap();
    serde_json::from_str(text).unwrap()
}

/// The sample with some of its values replaced, named by JSON pointer.
fn sample_with<const N: usize>(kind: EventKind, changes: [(&str, Value); N]) -> Value {
    let mut payload = sample(kind);
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match payload.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            object => object[key] = value,
        }
    }
    payload
}

fn without(mut payload: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = payload.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(key);
    }
    payload
}

/// As Chatwoot wrote it before 4.14.2: no account within a conversation, no kind of assignee.
fn before_4_14_2(kind: EventKind) -> Value {
    let conversation = match kind {
        EventKind::MessageCreated | EventKind::MessageUpdated => "/conversation",
        _ => "",
    };
    ["account", "meta/assignee_type"]
        .iter()
        .fold(sample(kind), |payload, key| without(payload, &format!("{conversation}/{key}")))
}

fn receive(payload: &Value) -> Result<Received, PayloadError> {
    read(ACCOUNT, payload.to_string().as_bytes())
}

fn chat(payload: &Value) -> ChatEvent {
    match receive(payload) {
        Ok(Received::Chat { event, .. }) => event,
        other => panic!("no chat event: {other:?}"),
    }
}

fn message(payload: &Value) -> Message {
    chat(payload).message.unwrap()
}

fn error(payload: &Value) -> String {
    receive(payload).unwrap_err().to_string()
}

#[test]
fn a_renters_message_is_published_as_ids_times_classes_and_a_hash() {
    let text = sample(EventKind::MessageCreated)["content"].as_str().unwrap().to_owned();
    let renter = "3f1c9a5be27d4806f1b0c7a2e98d5341c60fb7e8a9d2136450cbe7f8d1a2b3c4";
    assert_eq!(
        serde_json::to_value(chat(&sample(EventKind::MessageCreated))).unwrap(),
        json!({
            "version": 1,
            "account": 1,
            "conversation": {
                "number": 42, "inbox": 3, "channel": "web-widget", "identity": "verified",
                "identifier": renter, "claimed_contract": "c-20931", "status": "open"
            },
            "message": {
                "id": 9001, "created_at": "2026-11-23T09:00:00Z", "direction": "incoming",
                "sender": {"kind": "contact", "id": 118},
                "content": {"of": "original", "sha256": content_hash(ACCOUNT, MessageId(9001), &text)}
            }
        })
    );
}

#[test]
fn every_subscribed_event_is_read_in_the_old_form_as_in_the_new() {
    for kind in EventKind::ALL {
        let new = receive(&sample(kind)).unwrap();
        assert_eq!(receive(&before_4_14_2(kind)).unwrap(), new);
        let Received::Chat { kind: read_as, event } = new else { panic!("{kind:?} ignored") };
        assert_eq!((read_as, event.version, event.account), (kind, chat::VERSION, ACCOUNT));
        assert_eq!(event.conversation.number.0, 42);
        assert!(event.message.is_some());
    }
}

#[test]
fn detail_types_on_the_bus_are_nouns_with_a_verb() {
    let pairs = EventKind::ALL.map(|kind| (kind.subscription(), kind.detail_type()));
    assert_eq!(
        pairs,
        [
            ("message_created", "message.created"),
            ("message_updated", "message.updated"),
            ("conversation_created", "conversation.created"),
            ("conversation_updated", "conversation.updated"),
            ("conversation_status_changed", "conversation.status-changed"),
        ]
    );
}

#[test]
fn what_is_published_fits_the_schema_which_names_everything_that_may_be_in_it() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for kind in EventKind::ALL {
        let event = serde_json::to_value(chat(&sample(kind))).unwrap();
        assert_eq!(validator.iter_errors(&event).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0]);
        let mut with_text = event;
        with_text["message"]["text"] = json!("hello");
        assert!(!validator.is_valid(&with_text));
    }
}

/// Every text in a payload that is somebody's: a name, an address, what was said, a credential.
fn personal_texts(payload: &Value, found: &mut BTreeSet<String>) {
    const KEYS: [&str; 13] = [
        "pubsub_token",
        "content",
        "processed_message_content",
        "name",
        "available_name",
        "email",
        "phone_number",
        "source_id",
        "avatar_url",
        "referer",
        "browser_name",
        "city",
        "created_at_ip",
    ];
    match payload {
        Value::Object(fields) => {
            for (key, value) in fields {
                if let (true, Some(text)) = (KEYS.contains(&key.as_str()), value.as_str()) {
                    found.insert(text.to_owned());
                }
                personal_texts(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| personal_texts(item, found)),
        _ => {}
    }
}

#[test]
fn no_text_no_name_no_address_and_no_token_gets_out() {
    for kind in EventKind::ALL {
        for payload in [sample(kind), before_4_14_2(kind)] {
            let mut personal = BTreeSet::new();
            personal_texts(&payload, &mut personal);
            assert!(personal.len() >= 8 && personal.contains("uRbPZ4hT2xYqLmN8vWc3KdFs"));
            let event = chat(&payload);
            let shown = format!("{} {event:?}", serde_json::to_string(&event).unwrap());
            for text in &personal {
                assert!(!shown.contains(text.as_str()), "{text} gets out");
            }
        }
    }
}

#[test]
fn a_message_reads_the_same_at_top_level_and_nested_in_its_conversation() {
    for (top, nested) in [
        (EventKind::MessageCreated, EventKind::ConversationCreated),
        (EventKind::MessageUpdated, EventKind::ConversationUpdated),
    ] {
        let (announced, shown) = (message(&sample(top)), message(&sample(nested)));
        let digest = |message: &Message| match message.content.clone() {
            Some(ContentHash::Original(digest) | ContentHash::Later(digest)) => digest,
            None => panic!("no hash"),
        };
        assert_eq!(digest(&announced), digest(&shown));
        assert_eq!(announced, Message { content: announced.content.clone(), ..shown });
    }
}

#[test]
fn only_the_announcement_of_a_message_has_its_original_text() {
    let original = |kind| matches!(message(&sample(kind)).content, Some(ContentHash::Original(_)));
    assert_eq!(EventKind::ALL.map(original), [true, false, false, false, false]);
}

#[test]
fn a_deleted_message_or_one_without_text_has_no_hash() {
    let deleted = sample_with(
        EventKind::MessageUpdated,
        [("/content", json!("This message was deleted")), ("/content_attributes", json!({"deleted": true}))],
    );
    let deleted = message(&deleted);
    assert_eq!((deleted.content, deleted.marks), (None, BTreeSet::from([Mark::Deleted])));
    for kind in [EventKind::MessageCreated, EventKind::MessageUpdated] {
        assert_eq!(message(&sample_with(kind, [("/content", Value::Null)])).content, None);
    }
}

#[test]
fn equal_texts_have_different_hashes_in_another_message_or_account() {
    let hash = |account, id, text| content_hash(AccountId(account), MessageId(id), text);
    // printf '1/2\nyes' | sha256sum
    assert_eq!(hash(1, 2, "yes"), "55b8be2cafd04776e526e2394f282f04f2ba5a3967c6265551a52e3e1565773f");
    assert_ne!(hash(1, 2, "yes"), hash(1, 3, "yes"));
    assert_ne!(hash(1, 2, "yes"), hash(2, 2, "yes"));
    assert_ne!(hash(1, 2, "yes"), hash(1, 2, "no"));
}

#[test]
fn marks_tell_what_is_no_plain_public_message() {
    for (pointer, value, expected) in [
        ("/private", json!(true), Some(Mark::Private)),
        ("/private", Value::Null, None),
        ("/content_attributes", json!({"automation_rule_id": 5}), Some(Mark::Automation)),
        ("/content_attributes", json!({"automation_rule_id": null}), None),
        ("/content_attributes", json!({"external_echo": true}), Some(Mark::ExternalEcho)),
        ("/content_attributes", json!({"external_echo": "yes"}), Some(Mark::ExternalEcho)),
        ("/content_attributes", json!({"external_echo": false}), None),
        ("/content_attributes", json!({"external_echo": ""}), None),
        ("/content_attributes", json!({"deleted": true}), Some(Mark::Deleted)),
        ("/content_attributes", json!({"deleted": null}), None),
        ("/content_attributes", Value::Null, None),
        ("/additional_attributes", json!({"campaign_id": 12}), Some(Mark::Campaign)),
        ("/additional_attributes", json!({"campaign_id": null}), None),
        ("/additional_attributes", Value::Null, None),
    ] {
        let expected: BTreeSet<Mark> = expected.into_iter().collect();
        let at_top = sample_with(EventKind::MessageUpdated, [(pointer, value.clone())]);
        assert_eq!(message(&at_top).marks, expected, "{pointer} {value}");
        let nested = format!("/messages/0{pointer}");
        let nested = sample_with(EventKind::ConversationUpdated, [(nested.as_str(), value.clone())]);
        assert_eq!(message(&nested).marks, expected, "nested {pointer} {value}");
    }
}

#[test]
fn senders_are_told_apart_in_both_forms() {
    use Sender::{Agent, Bot, Contact};
    for (at_top, sender_type, sender_id, expected) in [
        (
            json!({"id": 7, "name": "n", "email": "e", "type": "user"}),
            json!("User"),
            json!(7),
            Some(Agent(7)),
        ),
        (json!({"id": 7, "name": "n", "type": "agent_bot"}), json!("AgentBot"), json!(7), Some(Bot(7))),
        (json!({"id": 7, "type": "captain_assistant"}), json!("Captain::Assistant"), json!(7), Some(Bot(7))),
        (json!({"id": 7, "name": "n", "identifier": null}), json!("Contact"), json!(7), Some(Contact(7))),
        (json!({"id": 7, "type": "robot_vacuum"}), json!("RobotVacuum"), json!(7), None),
        (Value::Null, Value::Null, Value::Null, None),
    ] {
        let top = sample_with(EventKind::MessageUpdated, [("/sender", at_top)]);
        assert_eq!(message(&top).sender, expected);
        let nested = sample_with(
            EventKind::ConversationUpdated,
            [
                ("/messages/0/sender_type", sender_type),
                ("/messages/0/sender_id", sender_id),
                ("/messages/0/sender", Value::Null),
            ],
        );
        assert_eq!(message(&nested).sender, expected);
    }
}

#[test]
fn message_types_come_as_words_or_numbers_and_times_as_iso_or_unix() {
    for (number, word, direction) in [
        (0, "incoming", Direction::Incoming),
        (1, "outgoing", Direction::Outgoing),
        (2, "activity", Direction::Activity),
        (3, "template", Direction::Template),
    ] {
        for form in [json!(number), json!(word)] {
            let payload = sample_with(EventKind::MessageCreated, [("/message_type", form)]);
            assert_eq!(message(&payload).direction, direction);
        }
    }
    for time in [
        json!("2025-11-15T03:35:14.999Z"),
        json!("2025-11-15T03:35:14Z"),
        json!(1_763_177_714),
        json!(1_763_177_714.999),
    ] {
        let payload = sample_with(EventKind::MessageCreated, [("/created_at", time)]);
        assert_eq!(message(&payload).created_at.to_string(), "2025-11-15T03:35:14Z");
    }
}

#[test]
fn ids_that_a_browser_or_an_agent_wrote_are_well_formed_or_nothing() {
    for (written, read_as) in [
        (json!("c-1"), Some("c-1")),
        (json!(20931), Some("20931")),
        (json!(""), None),
        (json!("has a space"), None),
        (json!("x".repeat(129)), None),
        (json!(-1), None),
        (json!(1.5), None),
        (json!(true), None),
        (json!(["c-1"]), None),
        (json!({"id": {"id": "c-1"}}), None),
        (Value::Null, None),
    ] {
        let payload = sample_with(
            EventKind::ConversationUpdated,
            [
                ("/custom_attributes/contract_id", written.clone()),
                ("/meta/sender/identifier", written.clone()),
            ],
        );
        let seen = chat(&payload).conversation;
        assert_eq!(seen.claimed_contract.as_ref().map(ContractId::as_str), read_as, "{written}");
        assert_eq!(seen.identifier.as_ref().map(RenterId::as_str), read_as, "{written}");
    }
}

#[test]
fn a_contact_is_verified_only_where_chatwoot_says_so() {
    let seen = |payload: &Value| chat(payload).conversation.identity;
    let with = |value| seen(&sample_with(EventKind::ConversationUpdated, [("/meta/hmac_verified", value)]));
    assert_eq!(with(json!(true)), Identity::Verified);
    assert_eq!(with(json!(false)), Identity::Unverified);
    assert_eq!(with(Value::Null), Identity::Unverified);
    // What stands beside it, in the row of the contact's inbox, is not the same statement.
    for pointer in ["/meta/hmac_verified", "/meta"] {
        let payload = without(sample(EventKind::ConversationUpdated), pointer);
        assert_eq!(seen(&payload), Identity::Unverified);
    }
}

#[test]
fn channels_and_statuses_are_classed() {
    for (name, channel) in [
        ("Channel::WebWidget", Channel::WebWidget),
        ("Channel::Api", Channel::Api),
        ("Channel::Telegram", Channel::Other),
        ("Channel::FromTheFuture", Channel::Other),
    ] {
        let payload = sample_with(EventKind::ConversationCreated, [("/channel", json!(name))]);
        assert_eq!(chat(&payload).conversation.channel, channel);
    }
    for (name, status) in [
        ("open", ConversationStatus::Open),
        ("resolved", ConversationStatus::Resolved),
        ("pending", ConversationStatus::Pending),
        ("snoozed", ConversationStatus::Snoozed),
    ] {
        let payload = sample_with(EventKind::ConversationStatusChanged, [("/status", json!(name))]);
        assert_eq!(chat(&payload).conversation.status, status);
    }
}

#[test]
fn a_conversation_without_a_message_is_a_sighting_all_the_same() {
    for messages in [json!([]), Value::Null] {
        let payload = sample_with(EventKind::ConversationCreated, [("/messages", messages)]);
        let event = chat(&payload);
        assert_eq!((event.conversation.number.0, event.message), (42, None));
    }
}

#[test]
fn a_message_event_is_about_its_own_message_not_about_the_one_nested_in_its_conversation() {
    let mut payload = sample(EventKind::MessageCreated);
    payload["conversation"]["messages"] = sample(EventKind::ConversationUpdated)["messages"].clone();
    assert_eq!(message(&payload).id, MessageId(9001));
    payload["conversation"]["messages"] = json!("whatever");
    assert_eq!(message(&payload).id, MessageId(9001));
}

#[test]
fn keys_of_other_versions_and_editions_do_no_harm() {
    let payload = sample_with(
        EventKind::MessageCreated,
        [
            ("/performed_by", json!({"id": 7, "type": "user"})),
            ("/status", json!("sent")),
            (
                "/attachments",
                json!([{"id": 1, "file_type": "image", "data_url": "https://chat.example.com/x"}]),
            ),
            ("/conversation/applied_sla", json!({"id": 1})),
            ("/conversation/sla_events", json!([])),
            ("/conversation/meta/sender/company_id", json!(4)),
        ],
    );
    assert_eq!(receive(&payload), receive(&sample(EventKind::MessageCreated)));
}

#[test]
fn other_events_are_ignored_whatever_they_hold() {
    for (event, reason) in [
        ("contact_created", Ignored::Contact),
        ("contact_updated", Ignored::Contact),
        ("webwidget_triggered", Ignored::WidgetOpened),
        ("conversation_typing_on", Ignored::Typing),
        ("conversation_typing_off", Ignored::Typing),
        ("inbox_created", Ignored::Inbox),
        ("inbox_updated", Ignored::Inbox),
        ("automation_event.message_created", Ignored::Automation),
        ("macro.executed", Ignored::Automation),
        ("conversation_resolved", Ignored::Unknown),
        ("Message_created", Ignored::Unknown),
        ("", Ignored::Unknown),
    ] {
        let received = receive(&json!({"event": event, "account": {"id": 9}, "id": "anything"}));
        assert_eq!(received, Ok(Received::Ignored(reason)), "{event}");
    }
}

#[test]
fn a_document_about_another_account_is_refused() {
    for (kind, pointer, path) in [
        (EventKind::MessageCreated, "/account/id", "account.id"),
        (EventKind::MessageUpdated, "/conversation/account/id", "conversation.account.id"),
        (EventKind::ConversationCreated, "/account/id", "account.id"),
        (EventKind::ConversationUpdated, "/messages/0/account_id", "messages[0].account_id"),
    ] {
        let payload = sample_with(kind, [(pointer, json!(2))]);
        assert_eq!(receive(&payload), Err(PayloadError::OtherAccount { path }));
    }
    let other = read(AccountId(2), sample(EventKind::MessageCreated).to_string().as_bytes());
    assert_eq!(other, Err(PayloadError::OtherAccount { path: "account.id" }));
}

#[test]
fn a_document_without_what_carries_meaning_is_refused_by_the_name_of_the_field() {
    for (kind, pointer, path) in [
        (EventKind::MessageCreated, "/event", "event"),
        (EventKind::MessageCreated, "/id", "id"),
        (EventKind::MessageCreated, "/private", "private"),
        (EventKind::MessageCreated, "/created_at", "created_at"),
        (EventKind::MessageCreated, "/message_type", "message_type"),
        (EventKind::MessageCreated, "/conversation", "conversation"),
        (EventKind::MessageCreated, "/conversation/id", "conversation.id"),
        (EventKind::MessageCreated, "/conversation/channel", "conversation.channel"),
        (EventKind::ConversationCreated, "/inbox_id", "inbox_id"),
        (EventKind::ConversationUpdated, "/status", "status"),
        (EventKind::ConversationUpdated, "/messages/0/id", "messages[0].id"),
        (EventKind::ConversationUpdated, "/messages/0/private", "messages[0].private"),
    ] {
        let payload = without(sample(kind), pointer);
        assert_eq!(receive(&payload), Err(PayloadError::Missing { path: path.to_owned() }));
        assert_eq!(error(&payload), format!("{path} is missing"));
    }
}

#[test]
fn a_field_of_the_wrong_kind_is_named_and_not_quoted() {
    for (kind, pointer, value, path) in [
        (EventKind::MessageCreated, "/event", json!(5), "event"),
        (EventKind::MessageCreated, "/id", json!("canary"), "id"),
        (EventKind::MessageCreated, "/id", json!(-1), "id"),
        (EventKind::MessageCreated, "/private", json!("canary"), "private"),
        (EventKind::MessageCreated, "/created_at", json!("canary"), "created_at"),
        (EventKind::MessageCreated, "/created_at", json!(0), "created_at"),
        (EventKind::MessageCreated, "/created_at", json!(1e300), "created_at"),
        (EventKind::MessageCreated, "/created_at", Value::Null, "created_at"),
        (EventKind::MessageCreated, "/message_type", json!("canary"), "message_type"),
        (EventKind::MessageCreated, "/message_type", json!(4), "message_type"),
        (EventKind::MessageCreated, "/content", json!(["canary"]), "content"),
        (EventKind::MessageCreated, "/content_attributes", json!("canary"), "content_attributes"),
        (EventKind::MessageCreated, "/conversation/status", json!("canary"), "conversation.status"),
        (EventKind::MessageCreated, "/conversation/channel", Value::Null, "conversation.channel"),
        (EventKind::ConversationUpdated, "/meta/hmac_verified", json!("canary"), "meta.hmac_verified"),
        (EventKind::ConversationUpdated, "/messages", json!("canary"), "messages"),
        (EventKind::ConversationUpdated, "/messages/0/created_at", json!(0), "messages[0].created_at"),
        (EventKind::ConversationUpdated, "/messages/0/message_type", json!(9), "messages[0].message_type"),
    ] {
        let payload = sample_with(kind, [(pointer, value)]);
        assert_eq!(receive(&payload), Err(PayloadError::Unexpected { path: path.to_owned() }));
        assert!(!error(&payload).contains("canary"));
    }
}

#[test]
fn what_is_not_json_is_refused_by_its_place() {
    for body in ["", "{", "message_created", "{\"event\": \"message_created\"} x", "{\"event\": \"\u{1}\"}"] {
        let outcome = read(ACCOUNT, body.as_bytes());
        assert!(matches!(outcome, Err(PayloadError::NotJson { line: 0 | 1, .. })), "{body}: {outcome:?}");
    }
    assert!(matches!(read(ACCOUNT, b"\xff\xfe"), Err(PayloadError::NotJson { .. })));
    for body in ["[]", "null", "5", "\"message_created\""] {
        let outcome = read(ACCOUNT, body.as_bytes());
        assert_eq!(outcome, Err(PayloadError::Unexpected { path: "the document".to_owned() }), "{body}");
    }
    let deep = format!("{{\"event\": \"message_created\", \"id\": {}1", "[".repeat(100_000));
    assert!(read(ACCOUNT, deep.as_bytes()).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "canary.{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,12}", inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// The pointers to everything in a document.
fn places(payload: &Value, at: &str, found: &mut Vec<String>) {
    let mut child = |key: &str, value: &Value| {
        let pointer = format!("{at}/{key}");
        found.push(pointer.clone());
        places(value, &pointer, found);
    };
    match payload {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| child(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| child(&index.to_string(), value));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(ACCOUNT, &body);
    }

    #[test]
    fn any_json_is_answered_without_a_panic(payload in any_json(), kind in 0..5usize) {
        let _ = receive(&payload);
        let mut named = payload;
        if let Some(fields) = named.as_object_mut() {
            fields.insert("event".to_owned(), json!(EventKind::ALL[kind].subscription()));
        }
        let _ = receive(&named);
    }

    #[test]
    fn a_sample_cut_off_anywhere_is_not_json(kind in 0..5usize, cut in any::<prop::sample::Index>()) {
        let text = SAMPLES[kind].1.trim_end();
        let outcome = read(ACCOUNT, &text.as_bytes()[..cut.index(text.len())]);
        let not_json = matches!(outcome, Err(PayloadError::NotJson { .. }));
        prop_assert!(not_json);
    }

    /// Whatever stands anywhere in a document: it is read or refused, no error and no event quotes it, and what is read fits.
    #[test]
    fn anything_anywhere_in_a_document_neither_panics_nor_gets_out(
        kind in 0..5usize,
        place in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut payload = sample(EventKind::ALL[kind]);
        let mut pointers = Vec::new();
        places(&payload, "", &mut pointers);
        let pointer = place.get(&pointers);
        *payload.pointer_mut(pointer).unwrap() = value;
        let shown = match receive(&payload) {
            Ok(received) => format!("{received:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        let is_claim = pointer.ends_with("/identifier") || pointer.ends_with("/contract_id");
        prop_assert!(is_claim || !shown.contains("canary"), "{} at {}", shown, pointer);
    }
}
