//! Rows as webhooks show them. One message has two forms: at the top with a word for its type and an ISO time, and inside its
//! conversation with a number and Unix seconds.

use serde_json::{Value, json};
use trust::id::ConversationId;

use super::{
    clock::{iso_or_null, seconds_or_zero},
    delivery::Letter,
    installation::{Change, Installation, Occurrence},
    rows::{Account, Contact, Conversation, Message, Sender, User},
};

/// What an occurrence makes known to the webhooks of its account that want to hear of it.
pub(super) fn letters(installation: &Installation, occurrence: &Occurrence) -> Vec<Letter> {
    let (event, id) = match occurrence {
        Occurrence::MessageCreated(id, _) => ("message_created", id),
        Occurrence::MessageUpdated(id, _) => ("message_updated", id),
        Occurrence::ConversationCreated(id) => ("conversation_created", id),
        Occurrence::ConversationUpdated(id, _) => ("conversation_updated", id),
        Occurrence::StatusChanged(id) => ("conversation_status_changed", id),
    };
    let Some(account) = installation.accounts.get(&id.account.0) else { return Vec::new() };
    let wants = |subscriptions: &[String]| subscriptions.iter().any(|subscription| subscription == event);
    let webhooks: Vec<_> = account.webhooks.iter().filter(|webhook| wants(&webhook.subscriptions)).collect();
    if webhooks.is_empty() {
        return Vec::new();
    }
    let Some(mut payload) = payload(installation, account, *id, occurrence) else { return Vec::new() };
    payload["event"] = json!(event);
    let body = escaped(&payload);
    let letter = |webhook: &super::rows::Webhook| Letter {
        account: id.account,
        webhook: webhook.id,
        url: webhook.url.clone(),
        secret: webhook.secret.clone(),
        event,
        body: body.clone(),
    };
    webhooks.into_iter().map(letter).collect()
}

fn payload(
    installation: &Installation,
    account: &Account,
    id: ConversationId,
    occurrence: &Occurrence,
) -> Option<Value> {
    let row = account.conversation(id.number.0)?;
    match occurrence {
        Occurrence::MessageCreated(_, message) | Occurrence::MessageUpdated(_, message) => {
            let message = row.messages.iter().rev().find(|row| row.id == *message)?;
            Some(top_message(installation, account, row, message))
        }
        Occurrence::ConversationCreated(_) => Some(conversation(installation, account, row)),
        Occurrence::ConversationUpdated(_, changes) => {
            let mut payload = conversation(installation, account, row);
            payload["changed_attributes"] = changes.iter().map(change).collect();
            Some(payload)
        }
        Occurrence::StatusChanged(_) => {
            let mut payload = conversation(installation, account, row);
            payload["changed_attributes"] = Value::Null;
            Some(payload)
        }
    }
}

fn change(change: &Change) -> Value {
    json!({ change.column: { "previous_value": change.before, "current_value": change.after } })
}

/// Rails escapes what could end a script element. Outside of strings JSON has none of these characters.
fn escaped(payload: &Value) -> String {
    payload.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn account_form(account: &Account) -> Value {
    json!({ "id": account.id, "name": account.name })
}

fn contact_form(account: &Account, contact: &Contact) -> Value {
    json!({
        "account": account_form(account), "additional_attributes": contact.additional_attributes, "avatar": "",
        "custom_attributes": contact.custom_attributes, "email": contact.email, "id": contact.id,
        "identifier": contact.identifier, "name": contact.name, "phone_number": contact.phone_number,
        "thumbnail": "", "blocked": contact.blocked,
    })
}

pub(super) fn pushed_contact(contact: &Contact) -> Value {
    json!({
        "additional_attributes": contact.additional_attributes, "custom_attributes": contact.custom_attributes,
        "email": contact.email, "id": contact.id, "identifier": contact.identifier, "name": contact.name,
        "phone_number": contact.phone_number, "thumbnail": "", "blocked": contact.blocked, "type": "contact",
    })
}

pub(super) fn pushed_user(user: &User) -> Value {
    let available = user.display_name.as_ref().unwrap_or(&user.name);
    json!({
        "id": user.id, "name": user.name, "available_name": available, "avatar_url": "", "type": "user",
        "availability_status": "offline", "thumbnail": "",
    })
}

/// The sender as the webhook's top level shows him.
fn sender_form(installation: &Installation, account: &Account, sender: Sender) -> Value {
    match sender {
        Sender::Nobody => Value::Null,
        Sender::Contact(id) => json!(account.contacts.get(&id).map(|contact| contact_form(account, contact))),
        Sender::User(id) => json!(
            installation
                .users
                .get(&id)
                .map(|user| json!({ "id": user.id, "name": user.name, "email": user.email, "type": "user" }))
        ),
        Sender::Bot(id) => json!({ "id": id, "name": "Bot", "type": "agent_bot" }),
    }
}

pub(super) fn pushed_sender(installation: &Installation, account: &Account, sender: Sender) -> Option<Value> {
    match sender {
        Sender::Nobody => None,
        Sender::Contact(id) => account.contacts.get(&id).map(pushed_contact),
        Sender::User(id) => installation.users.get(&id).map(pushed_user),
        Sender::Bot(id) => Some(json!({ "id": id, "name": "Bot", "avatar_url": "", "type": "agent_bot" })),
    }
}

fn top_message(
    installation: &Installation,
    account: &Account,
    row: &Conversation,
    message: &Message,
) -> Value {
    let inbox = account.inboxes.get(&row.inbox);
    json!({
        "account": account_form(account), "additional_attributes": message.additional_attributes,
        "content_attributes": message.content_attributes, "content_type": message.content_type,
        "content": message.content, "conversation": conversation(installation, account, row),
        "created_at": message.created.iso(), "id": message.id,
        "inbox": inbox.map(|inbox| json!({ "id": inbox.id, "name": inbox.name })),
        "message_type": message.kind.name(), "private": message.private,
        "sender": sender_form(installation, account, message.sender), "source_id": message.source_id,
    })
}

fn conversation(installation: &Installation, account: &Account, row: &Conversation) -> Value {
    let session = account.contact_inboxes.get(&row.contact_inbox);
    let inbox = account.inboxes.get(&row.inbox);
    let last = row.last_chat().map(|last| pushed_message(installation, account, row, last));
    let assignee = row.assignee.and_then(|user| installation.users.get(&user));
    json!({
        "account": account_form(account), "additional_attributes": row.additional_attributes, "can_reply": true,
        "channel": inbox.map(|inbox| inbox.channel.kind.class()),
        "contact_inbox": session.map(|session| json!({
            "id": session.id, "contact_id": session.contact, "inbox_id": session.inbox,
            "source_id": session.source_id, "created_at": session.created.iso(),
            "updated_at": session.updated.iso(), "hmac_verified": session.hmac_verified,
            "pubsub_token": session.pubsub_token,
        })),
        "id": row.id.number, "inbox_id": row.inbox, "messages": last.into_iter().collect::<Vec<_>>(), "labels": [],
        "meta": {
            "sender": account.contacts.get(&row.contact).map(pushed_contact), "assignee": assignee.map(pushed_user),
            "assignee_type": assignee.map(|_| "User"), "team": null,
            "hmac_verified": session.map(|session| session.hmac_verified),
        },
        "status": row.status.name(), "custom_attributes": row.custom_attributes,
        "snoozed_until": iso_or_null(row.snoozed_until), "unread_count": row.unread(),
        "first_reply_created_at": iso_or_null(row.first_reply), "priority": null,
        "waiting_since": seconds_or_zero(row.waiting_since),
        "agent_last_seen_at": seconds_or_zero(row.agent_last_seen),
        "contact_last_seen_at": seconds_or_zero(row.contact_last_seen),
        "last_activity_at": row.last_activity.seconds(), "timestamp": row.last_activity.seconds(),
        "created_at": row.created.seconds(), "updated_at": row.updated.float(),
    })
}

/// A message inside its conversation.
pub(super) fn pushed_message(
    installation: &Installation,
    account: &Account,
    row: &Conversation,
    message: &Message,
) -> Value {
    let source = account.contact_inboxes.get(&row.contact_inbox).map(|session| session.source_id.as_str());
    let mut view = json!({
        "id": message.id, "content": message.content, "account_id": account.id, "inbox_id": row.inbox,
        "conversation_id": row.id.number, "message_type": message.kind.number(),
        "created_at": message.created.seconds(), "updated_at": message.updated.iso(), "private": message.private,
        "status": "sent", "source_id": message.source_id, "content_type": message.content_type,
        "content_attributes": message.content_attributes, "sender_type": message.sender.class(),
        "sender_id": message.sender.id(), "external_source_ids": {},
        "additional_attributes": message.additional_attributes, "processed_message_content": message.content,
        "sentiment": {},
        "conversation": {
            "assignee_id": row.assignee, "unread_count": row.unread(),
            "last_activity_at": row.last_activity.seconds(), "contact_inbox": { "source_id": source },
        },
    });
    if let Some(sender) = pushed_sender(installation, account, message.sender) {
        view["sender"] = sender;
    }
    view
}
