//! What a webhook says, and no more of it than we keep.
//!
//! Chatwoot writes the state at sending time, sends twice or never, in any order, and gives one message in two forms: at the top
//! level of `message_*` with a word for its type and an ISO time, nested in a conversation with a number and Unix seconds. Both
//! forms read as the same [`Message`], so that any event about a conversation can stand in for a lost one. Reading is lenient about
//! what changes between versions (unknown keys, `account` inside a conversation since 4.14.2, `null` for empty) and strict about
//! what carries meaning: a document that lacks it is refused with the name of the field, never with its content.

use sha2::{Digest, Sha256};
use trust::{
    chat::{
        self, ChatEvent, ContentHash, ConversationSighting, Direction, Identity, Mark, Message, Sender,
    },
    id::{AccountId, MessageId},
};

mod payload;

use payload::{
    ConversationPayload, ConversationEvent, MessageEvent, MessageFields, Named, NestedMessage, NoMessages,
    TopLevelSender,
};

/// What came of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// Something about a conversation.
    Chat {
        /// What happened.
        kind: EventKind,
        /// What is to be published.
        event: ChatEvent,
    },
    /// Nothing that is ours to know.
    Ignored(Ignored),
}

/// The events we subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A message was written; a private note, too.
    MessageCreated,
    /// Something about a message changed: its delivery, its attributes, or it was deleted.
    MessageUpdated,
    /// A conversation began.
    ConversationCreated,
    /// Something about a conversation changed.
    ConversationUpdated,
    /// A conversation was opened, resolved, snoozed or given to a bot.
    ConversationStatusChanged,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::MessageCreated,
        Self::MessageUpdated,
        Self::ConversationCreated,
        Self::ConversationUpdated,
        Self::ConversationStatusChanged,
    ];

    /// Chatwoot's name, in `event` and in a webhook's `subscriptions`.
    pub fn subscription(self) -> &'static str {
        match self {
            Self::MessageCreated => "message_created",
            Self::MessageUpdated => "message_updated",
            Self::ConversationCreated => "conversation_created",
            Self::ConversationUpdated => "conversation_updated",
            Self::ConversationStatusChanged => "conversation_status_changed",
        }
    }

    /// The `detail-type` on the bus.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::MessageCreated => "message.created",
            Self::MessageUpdated => "message.updated",
            Self::ConversationCreated => "conversation.created",
            Self::ConversationUpdated => "conversation.updated",
            Self::ConversationStatusChanged => "conversation.status-changed",
        }
    }

    fn of(event: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.subscription() == event)
    }
}

/// Why a webhook needs no further look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ignored {
    /// A contact was created or changed; a conversation will show what matters of it.
    Contact,
    /// Somebody opened the widget's bubble.
    WidgetOpened,
    /// Somebody is typing.
    Typing,
    /// An inbox was created or changed.
    Inbox,
    /// An automation rule or a macro called.
    Automation,
    /// An event this code does not know.
    Unknown,
}

impl Ignored {
    fn of(event: &str) -> Self {
        match event {
            "contact_created" | "contact_updated" => Self::Contact,
            "webwidget_triggered" => Self::WidgetOpened,
            "conversation_typing_on" | "conversation_typing_off" => Self::Typing,
            "inbox_created" | "inbox_updated" => Self::Inbox,
            "macro.executed" => Self::Automation,
            rule if rule.starts_with("automation_event.") => Self::Automation,
            _ => Self::Unknown,
        }
    }

    /// The reason in one word, for a log line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::WidgetOpened => "widget-opened",
            Self::Typing => "typing",
            Self::Inbox => "inbox",
            Self::Automation => "automation",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a webhook can not be read. Holds places, never content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The body is not JSON.
    #[error("not JSON at line {line}, column {column}")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1; 0 before the first one.
        column: usize,
    },
    /// A field that is needed is not there.
    #[error("{path} is missing")]
    Missing {
        /// Where it should be, such as `conversation.inbox_id`.
        path: String,
    },
    /// A field is not of the kind it has to be.
    #[error("{path} is not of the expected kind")]
    Unexpected {
        /// Where it is, such as `conversation.messages[0].created_at`.
        path: String,
    },
    /// The document speaks of another account than the one it was sent to.
    #[error("{path} is not the account this was sent to")]
    OtherAccount {
        /// Where it does.
        path: &'static str,
    },
}

/// Reads a webhook that was sent to this account.
///
/// The account is the one of the address, whose secret signed the body; ids of conversations repeat between accounts, so a
/// document that names another one is refused.
pub fn read(account: AccountId, body: &[u8]) -> Result<Received, PayloadError> {
    let Named { event } = payload::read(body)?;
    let Some(kind) = EventKind::of(&event) else {
        return Ok(Received::Ignored(Ignored::of(&event)));
    };
    let event = match kind {
        EventKind::MessageCreated | EventKind::MessageUpdated => {
            message_event(account, kind, payload::read(body)?)?
        }
        EventKind::ConversationCreated
        | EventKind::ConversationUpdated
        | EventKind::ConversationStatusChanged => conversation_event(account, payload::read(body)?)?,
    };
    Ok(Received::Chat { kind, event })
}

fn message_event(
    account: AccountId,
    kind: EventKind,
    event: MessageEvent,
) -> Result<ChatEvent, PayloadError> {
    expect_account(account, event.account.map(|named| named.id), "account.id")?;
    let named = event.conversation.account.as_ref().map(|named| named.id);
    expect_account(account, named, "conversation.account.id")?;
    let sighting = match kind {
        EventKind::MessageCreated => ContentHash::Original,
        _ => ContentHash::Later,
    };
    let sender = event.sender.and_then(TopLevelSender::sender);
    Ok(ChatEvent {
        version: chat::VERSION,
        account,
        message: Some(message(account, event.fields, sender, sighting)),
        conversation: conversation::<NoMessages>(&event.conversation),
    })
}

/// The message shown in a conversation is its last one that is neither a note nor an activity: one may be learnt of that was
/// never announced.
fn conversation_event(account: AccountId, event: ConversationEvent) -> Result<ChatEvent, PayloadError> {
    expect_account(account, event.account.as_ref().map(|named| named.id), "account.id")?;
    let sighting = conversation(&event);
    let last = event.messages.unwrap_or_default().into_iter().next();
    let message = match last {
        None => None,
        Some(NestedMessage { fields, account_id, sender }) => {
            expect_account(account, account_id, "messages[0].account_id")?;
            Some(message(account, fields, sender.sender(), ContentHash::Later))
        }
    };
    Ok(ChatEvent { version: chat::VERSION, account, conversation: sighting, message })
}
