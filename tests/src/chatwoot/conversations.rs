//! Conversations and their messages.

use serde_json::{Value, json};
use trust::id::ConversationId;

use super::{
    call::{Call, as_text},
    clock::{Stamp, iso_or_null},
    contacts,
    installation::{Caller, Change, Installation},
    payloads,
    refusal::Refusal,
    rows::{ChannelKind, Conversation, Kind, Message, Role, Sender, Status},
    server::Answer,
    views,
    writing::Draft,
};

type Outcome = Result<Answer, Refusal>;

const PER_PAGE: usize = 25;
/// How many messages are shown: the last ones or those before one, those after one, those between two.
const LATEST: usize = 20;
const AFTER: usize = 100;
const BETWEEN: usize = 1000;
const LONGEST: usize = 150_000;

const CONTENT_TYPES: [&str; 13] = [
    "text",
    "input_text",
    "input_textarea",
    "input_email",
    "input_select",
    "cards",
    "form",
    "article",
    "incoming_email",
    "input_csat",
    "integrations",
    "sticker",
    "voice_call",
];

/// The conversation of this number, if the caller sees its inbox.
pub(super) fn find(
    installation: &Installation,
    caller: &Caller,
    number: &str,
) -> Result<ConversationId, Refusal> {
    let account = installation.account(caller.account)?;
    let row = number.parse().ok().and_then(|number| account.conversation(number));
    let row = row.ok_or_else(Refusal::not_found)?;
    if account.sees(caller, row.inbox) { Ok(row.id) } else { Err(Refusal::forbidden()) }
}

pub(super) fn show(installation: &Installation, id: ConversationId) -> Outcome {
    let account = installation.account(id.account.0)?;
    Ok(Answer::Json(views::conversation(installation, account, installation.conversation(id)?)))
}

pub(super) fn list(installation: &Installation, caller: &Caller, call: &Call) -> Outcome {
    let account = installation.account(caller.account)?;
    let status = call.text("status").unwrap_or_else(|| "open".to_owned());
    let (inbox, source) = (call.number("inbox_id"), call.text("source_id"));
    let source_of =
        |row: &Conversation| account.contact_inboxes.get(&row.contact_inbox).map(|it| &it.source_id);
    let unattended = call.text("conversation_type").as_deref() == Some("unattended");
    let mut rows: Vec<&Conversation> = account
        .conversations
        .iter()
        .filter(|row| account.sees(caller, row.inbox))
        .filter(|row| status == "all" || row.status.name() == status)
        .filter(|row| inbox.is_none_or(|inbox| row.inbox == inbox))
        .filter(|row| source.is_none() || source_of(row) == source.as_ref())
        .filter(|row| !unattended || row.first_reply.is_none() || row.waiting_since.is_some())
        .collect();
    let mine = |row: &&&Conversation| row.assignee == Some(caller.user);
    let assigned = |row: &&&Conversation| row.assignee.is_some();
    let (all, assigned_count) = (rows.len(), rows.iter().filter(assigned).count());
    let meta = json!({
        "mine_count": rows.iter().filter(mine).count(), "assigned_count": assigned_count,
        "unassigned_count": all - assigned_count, "all_count": all,
    });
    match call.text("assignee_type").as_deref() {
        Some("me") => rows.retain(|row| mine(&row)),
        Some("assigned") => rows.retain(|row| assigned(&row)),
        Some("unassigned") => rows.retain(|row| !assigned(&row)),
        _ => {}
    }
    sort(&mut rows, call.text("sort_by").as_deref());
    let shown: Vec<&Conversation> = if let Some(seconds) = call.number("updated_within") {
        let since = Stamp::new(installation.clock.now().unix() - seconds as i64, 0);
        rows.into_iter().filter(|row| row.updated > since).collect()
    } else {
        let page = call.number("page").map_or(1, |page| page.max(1) as usize);
        rows.into_iter().skip((page - 1).saturating_mul(PER_PAGE)).take(PER_PAGE).collect()
    };
    let payload: Vec<Value> =
        shown.into_iter().map(|row| views::conversation(installation, account, row)).collect();
    Ok(Answer::Json(json!({ "data": { "meta": meta, "payload": payload } })))
}

fn sort(rows: &mut [&Conversation], by: Option<&str>) {
    match by {
        Some("last_activity_at_asc") => rows.sort_by_key(|row| row.last_activity),
        Some("created_at_asc") => rows.sort_by_key(|row| row.created),
        Some("created_at_desc") => rows.sort_by_key(|row| std::cmp::Reverse(row.created)),
        // Who does not wait comes last in both.
        Some("waiting_since_asc") => {
            rows.sort_by_key(|row| (row.waiting_since.is_none(), row.waiting_since, row.created));
        }
        Some("waiting_since_desc") => {
            rows.sort_by_key(|row| {
                (row.waiting_since.is_none(), std::cmp::Reverse(row.waiting_since), row.created)
            });
        }
        _ => rows.sort_by_key(|row| std::cmp::Reverse(row.last_activity)),
    }
}

pub(super) fn create(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    let first = call.given("message").filter(|message| !message.is_null()).cloned();
    let session = session(installation, caller, call)?;
    let account = installation.account(caller.account)?;
    let inbox = account.contact_inboxes.get(&session).map(|session| session.inbox);
    let inbox = inbox.and_then(|inbox| account.inboxes.get(&inbox)).ok_or_else(Refusal::not_found)?;
    if !account.sees(caller, inbox.id) {
        return Err(Refusal::forbidden());
    }
    let status = match call.text("status") {
        Some(status) => Status::named(&status).ok_or_else(Refusal::crash)?,
        None => Status::Open,
    };
    let draft = match &first {
        Some(first) => {
            let call = Call { body: first.clone(), ..call.clone() };
            Some(draft(caller, &call, inbox.channel.kind)?)
        }
        None => None,
    };
    let of_session = |row: &&Conversation| row.contact_inbox == session;
    let locked = inbox.is_set("lock_to_single_conversation");
    let there = account.conversations.iter().find(of_session).filter(|_| locked).map(|row| row.id);
    let id = match there {
        Some(id) => id,
        None => installation.add_conversation(
            caller.account,
            session,
            status,
            call.object("custom_attributes"),
            call.object("additional_attributes"),
        )?,
    };
    if there.is_none() {
        let assignee = call.number("assignee_id");
        installation.conversation_mut(id)?.assignee = assignee;
    }
    if let Some(mut draft) = draft {
        draft.of_contact(installation.conversation(id)?.contact);
        installation.write(id, draft)?;
    }
    show(installation, id)
}

/// The session a conversation is to belong to. Inbox and contact make a new one where no source id names one; a source id alone is
/// looked for everywhere.
fn session(installation: &mut Installation, caller: &Caller, call: &Call) -> Result<u64, Refusal> {
    let account = installation.account(caller.account)?;
    let inbox = match call.number("inbox_id") {
        Some(inbox) => Some(account.inboxes.get(&inbox).ok_or_else(Refusal::not_found)?.id),
        None => None,
    };
    if inbox.is_some_and(|inbox| !account.sees(caller, inbox)) {
        return Err(Refusal::forbidden());
    }
    let contact = match call.number("contact_id") {
        Some(contact) => Some(contacts::find(account, &contact.to_string())?.id),
        None => None,
    };
    let source = call.text("source_id");
    if let (Some(inbox), Some(contact)) = (inbox, contact) {
        let verified = call.flag("hmac_verified");
        return contacts::session_of(installation, caller.account, contact, inbox, source, verified);
    }
    let source = source.ok_or_else(Refusal::not_found)?;
    let mut sessions = account.contact_inboxes.values();
    sessions.find(|session| session.source_id == source).map(|it| it.id).ok_or_else(Refusal::not_found)
}

pub(super) fn toggle_status(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    id: ConversationId,
) -> Outcome {
    let before = installation.conversation(id)?.status;
    let status = match call.text("status") {
        Some(status) => Status::named(&status).ok_or_else(Refusal::crash)?,
        None if before == Status::Open => Status::Resolved,
        None => Status::Open,
    };
    let until = call.number("snoozed_until").map(|seconds| Stamp::new(seconds as i64, 0));
    let name = installation.users.get(&caller.user).map(|user| user.name.clone()).unwrap_or_default();
    installation.set_status(id, status, until, Some(&name))?;
    if status == Status::Open && caller.role == Role::Agent {
        let conversation = installation.conversation_mut(id)?;
        let before = conversation.assignee.replace(caller.user);
        let change = Change { column: "assignee_id", before: json!(before), after: json!(caller.user) };
        installation.changed(id, vec![change])?;
    }
    let conversation = installation.conversation(id)?;
    Ok(Answer::Json(json!({
        "meta": {},
        "payload": {
            "success": true, "conversation_id": id.number, "current_status": conversation.status.name(),
            "snoozed_until": iso_or_null(conversation.snoozed_until),
        },
    })))
}

pub(super) fn set_attributes(installation: &mut Installation, call: &Call, id: ConversationId) -> Outcome {
    let mut attributes = call.object("custom_attributes");
    if call.flag("merge") {
        let mut merged = installation.conversation(id)?.custom_attributes.clone();
        merged.append(&mut attributes);
        attributes = merged;
    }
    installation.set_custom_attributes(id, &attributes)?;
    let attributes = &installation.conversation(id)?.custom_attributes;
    Ok(Answer::Json(json!({ "custom_attributes": attributes })))
}

pub(super) fn list_messages(installation: &Installation, call: &Call, id: ConversationId) -> Outcome {
    let account = installation.account(id.account.0)?;
    let row = installation.conversation(id)?;
    let shown = window(&row.messages, call.number("after"), call.number("before"));
    let payload: Vec<Value> =
        shown.iter().map(|message| views::message(installation, account, row, message)).collect();
    let contact = account.contacts.get(&row.contact).map(payloads::pushed_contact);
    let mut meta = json!({
        "labels": [], "additional_attributes": row.additional_attributes, "contact": contact,
        "agent_last_seen_at": iso_or_null(row.agent_last_seen), "assignee_last_seen_at": null,
    });
    if let Some(assignee) = row.assignee.and_then(|user| installation.users.get(&user)) {
        meta["assignee"] = payloads::pushed_user(assignee);
    }
    Ok(Answer::Json(json!({ "meta": meta, "payload": payload })))
}

/// The messages that are shown, oldest first.
fn window(messages: &[Message], after: Option<u64>, before: Option<u64>) -> &[Message] {
    let position = |id: u64| messages.partition_point(|message| message.id < id);
    let end = before.map_or(messages.len(), position);
    match after {
        Some(after) => {
            // Two bounds hold the lower one, one bound does not.
            let (start, most) = match before {
                Some(_) => (position(after), BETWEEN),
                None => (position(after.saturating_add(1)), AFTER),
            };
            &messages[start.min(end)..end.min(start + most)]
        }
        None => &messages[end.saturating_sub(LATEST)..end],
    }
}

pub(super) fn create_message(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    id: ConversationId,
) -> Outcome {
    let account = installation.account(id.account.0)?;
    let row = installation.conversation(id)?;
    let kind = account.inboxes.get(&row.inbox).map(|inbox| inbox.channel.kind);
    let mut draft = draft(caller, call, kind.ok_or_else(Refusal::not_found)?)?;
    draft.of_contact(row.contact);
    let message = installation.write(id, draft)?;
    let mut view = message_view(installation, id, message)?;
    if let Some(echo) = call.text("echo_id") {
        view["echo_id"] = json!(echo);
    }
    Ok(Answer::Json(view))
}

fn message_view(installation: &Installation, id: ConversationId, message: u64) -> Result<Value, Refusal> {
    let row = installation.conversation(id)?;
    let message = row.messages.iter().rev().find(|row| row.id == message).ok_or_else(Refusal::not_found)?;
    Ok(views::message(installation, installation.account(id.account.0)?, row, message))
}

pub(super) fn delete_message(installation: &mut Installation, id: ConversationId, message: &str) -> Outcome {
    let message = message.parse().map_err(|_| Refusal::not_found())?;
    installation.delete_text(id, message)?;
    Ok(Answer::Json(message_view(installation, id, message)?))
}

/// Reads a message from a request. An agent may call it a bot's, a campaign's or an automation's.
fn draft(caller: &Caller, call: &Call, channel: ChannelKind) -> Result<Draft, Refusal> {
    let kind = match call.text("message_type").as_deref() {
        None | Some("outgoing") => Kind::Outgoing,
        Some("incoming") if channel == ChannelKind::Api => Kind::Incoming,
        Some("incoming") => {
            return Err(Refusal::unprocessable("Incoming messages are only allowed in Api inboxes"));
        }
        Some("template") => Kind::Template,
        Some("activity") => Kind::Activity,
        Some(other) => return Err(Refusal::unprocessable(&format!("'{other}' is not a valid message_type"))),
    };
    let content = call.given("content").and_then(as_text);
    if content.as_ref().is_some_and(|content| content.chars().count() > LONGEST) {
        let error = "Validation failed: Content is too long (maximum is 150000 characters)";
        return Err(Refusal::unprocessable(error));
    }
    let content_type = call.text("content_type").unwrap_or_else(|| "text".to_owned());
    let content_type = CONTENT_TYPES.into_iter().find(|known| *known == content_type);
    let content_type =
        content_type.ok_or_else(|| Refusal::unprocessable("that is not a valid content_type"))?;
    // Taken over as they are, but an automation rule's id drops all others.
    let mut content_attributes = call.object("content_attributes");
    let in_reply_to = content_attributes.get("in_reply_to").cloned().unwrap_or_default();
    if content_attributes.get("automation_rule_id").is_some_and(|rule| !rule.is_null()) {
        content_attributes.retain(|key, _| key == "automation_rule_id");
    }
    content_attributes.insert("in_reply_to".to_owned(), in_reply_to);
    if let Some(at) = call.given("external_created_at") {
        content_attributes.insert("external_created_at".to_owned(), at.clone());
    }
    let additional = ["campaign_id", "template_params"].into_iter();
    let additional = additional.filter_map(|key| Some((key.to_owned(), call.given(key)?.clone())));
    let sender = match (kind, call.text("sender_type").as_deref()) {
        (Kind::Outgoing, Some("AgentBot")) => {
            call.number("sender_id").map_or(Sender::User(caller.user), Sender::Bot)
        }
        _ => Sender::User(caller.user),
    };
    Ok(Draft {
        kind,
        private: call.flag("private"),
        sender,
        content,
        content_type,
        content_attributes,
        additional_attributes: additional.collect(),
        source_id: call.text("source_id"),
    })
}

impl Draft {
    /// What is not outgoing is the contact's.
    fn of_contact(&mut self, contact: u64) {
        if self.kind != Kind::Outgoing {
            self.sender = Sender::Contact(contact);
        }
    }
}
