//! What a message does to its conversation: it reopens it, dates it, starts the customer's wait or ends it.

use serde_json::{Map, Value, json};
use trust::id::ConversationId;

use super::{
    clock::{Stamp, iso_or_null},
    installation::{Change, Installation, Occurrence},
    refusal::Refusal,
    rows::{Kind, Message, Sender, Status},
};

/// A message before it is written.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: Kind,
    pub(super) private: bool,
    pub(super) sender: Sender,
    pub(super) content: Option<String>,
    pub(super) content_type: &'static str,
    pub(super) content_attributes: Map<String, Value>,
    pub(super) additional_attributes: Map<String, Value>,
    pub(super) source_id: Option<String>,
}

impl Draft {
    pub(super) fn text(kind: Kind, sender: Sender, content: &str) -> Self {
        Self {
            kind,
            private: false,
            sender,
            content: Some(content.to_owned()),
            content_type: "text",
            content_attributes: Map::new(),
            additional_attributes: Map::new(),
            source_id: None,
        }
    }
}

impl Installation {
    /// Adds a message without any of its consequences. Good for filling.
    pub(super) fn append(
        &mut self,
        id: ConversationId,
        draft: Draft,
        created: Stamp,
    ) -> Result<u64, Refusal> {
        let message = self.id("messages");
        let conversation = self.conversation_mut(id)?;
        conversation.last_activity = created;
        conversation.updated = created;
        conversation.messages.push(Message {
            id: message,
            kind: draft.kind,
            private: draft.private,
            sender: draft.sender,
            content: draft.content,
            content_type: draft.content_type,
            content_attributes: draft.content_attributes,
            additional_attributes: draft.additional_attributes,
            source_id: draft.source_id,
            created,
            updated: created,
        });
        Ok(message)
    }

    /// Writes a message, with all that follows from it.
    pub(super) fn write(&mut self, id: ConversationId, draft: Draft) -> Result<u64, Refusal> {
        let (kind, private, sender) = (draft.kind, draft.private, draft.sender);
        let reopens = kind == Kind::Incoming && self.reopen(id)?;
        let now = self.stamp();
        let message = self.append(id, draft, now)?;
        if kind == Kind::Activity {
            return Ok(message);
        }
        self.occurrences.push(Occurrence::MessageCreated(id, message));
        if let Sender::Contact(contact) = sender
            && let Some(contact) = self.account_mut(id.account.0)?.contacts.get_mut(&contact)
        {
            contact.last_activity = Some(now);
        }
        if kind == Kind::Incoming {
            self.start_wait(id, now)?;
        } else if !private {
            self.answer(id, now)?;
        }
        if reopens {
            let text = "System reopened the conversation due to a new incoming message.";
            self.write(id, Draft::text(Kind::Activity, Sender::Nobody, text))?;
        }
        Ok(message)
    }

    /// Moves a conversation to a status; says so in it where somebody did it.
    pub(super) fn set_status(
        &mut self,
        id: ConversationId,
        status: Status,
        snoozed_until: Option<Stamp>,
        by: Option<&str>,
    ) -> Result<(), Refusal> {
        let conversation = self.conversation_mut(id)?;
        let (before, snoozed_before) = (conversation.status, conversation.snoozed_until);
        conversation.status = status;
        conversation.snoozed_until = snoozed_until.filter(|_| status == Status::Snoozed);
        let snoozed_after = conversation.snoozed_until;
        let changes = vec![
            Change { column: "status", before: json!(before.name()), after: json!(status.name()) },
            Change {
                column: "snoozed_until",
                before: iso_or_null(snoozed_before),
                after: iso_or_null(snoozed_after),
            },
        ];
        self.changed(id, changes)?;
        if before == status {
            return Ok(());
        }
        if status == Status::Resolved {
            // Written straight to the column: no announcement of its own.
            self.conversation_mut(id)?.waiting_since = None;
        }
        if let Some(by) = by {
            let deed = match status {
                Status::Open => "was reopened by",
                Status::Resolved => "was marked resolved by",
                Status::Pending => "was marked as pending by",
                Status::Snoozed => "was snoozed by",
            };
            let text = format!("Conversation {deed} {by}");
            self.write(id, Draft::text(Kind::Activity, Sender::Nobody, &text))?;
        }
        Ok(())
    }

    /// Takes a message's text away. Its row stays.
    pub(super) fn delete_text(&mut self, id: ConversationId, message: u64) -> Result<(), Refusal> {
        let now = self.stamp();
        let conversation = self.conversation_mut(id)?;
        let row = conversation.messages.iter_mut().find(|row| row.id == message);
        let row = row.ok_or_else(Refusal::not_found)?;
        row.content = Some("This message was deleted".to_owned());
        row.content_type = "text";
        row.content_attributes = Map::from_iter([("deleted".to_owned(), json!(true))]);
        row.updated = now;
        conversation.updated = now;
        self.occurrences.push(Occurrence::MessageUpdated(id, message));
        Ok(())
    }

    pub(super) fn set_custom_attributes(
        &mut self,
        id: ConversationId,
        attributes: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        let conversation = self.conversation_mut(id)?;
        let before = std::mem::replace(&mut conversation.custom_attributes, attributes.clone());
        let change = Change { column: "custom_attributes", before: json!(before), after: json!(attributes) };
        self.changed(id, vec![change])
    }

    /// Opens a conversation that was closed, and tells whether it was.
    fn reopen(&mut self, id: ConversationId) -> Result<bool, Refusal> {
        let closed = matches!(self.conversation(id)?.status, Status::Resolved | Status::Snoozed);
        if closed {
            self.set_status(id, Status::Open, None, None)?;
        }
        Ok(closed)
    }

    fn start_wait(&mut self, id: ConversationId, now: Stamp) -> Result<(), Refusal> {
        let conversation = self.conversation_mut(id)?;
        if conversation.waiting_since.is_some() {
            return Ok(());
        }
        conversation.waiting_since = Some(now);
        self.changed(
            id,
            vec![Change { column: "waiting_since", before: Value::Null, after: json!(now.iso()) }],
        )
    }

    fn answer(&mut self, id: ConversationId, now: Stamp) -> Result<(), Refusal> {
        let conversation = self.conversation_mut(id)?;
        let Some(message) = conversation.messages.last() else { return Ok(()) };
        let (human, bot) = (message.is_human_response(), message.is_bot_response());
        if !human && !bot {
            return Ok(());
        }
        let (first_before, waiting_before) = (conversation.first_reply, conversation.waiting_since);
        if human && first_before.is_none() && !conversation.was_answered_before() {
            conversation.first_reply = Some(now);
        }
        conversation.waiting_since = None;
        let first_after = conversation.first_reply;
        let changes = vec![
            Change {
                column: "first_reply_created_at",
                before: iso_or_null(first_before),
                after: iso_or_null(first_after),
            },
            Change { column: "waiting_since", before: iso_or_null(waiting_before), after: Value::Null },
        ];
        self.changed(id, changes)
    }
}

impl super::rows::Conversation {
    /// Whether there is an outgoing message that counts before the last one: then the last is no first reply.
    fn was_answered_before(&self) -> bool {
        let campaign = |message: &Message| message.additional_attributes.contains_key("campaign_id");
        let counts = |message: &&Message| {
            message.kind == Kind::Outgoing
                && !message.private
                && !matches!(message.sender, Sender::Nobody | Sender::Bot(_))
                && !campaign(message)
        };
        self.messages.iter().filter(counts).count() > 1
    }
}
