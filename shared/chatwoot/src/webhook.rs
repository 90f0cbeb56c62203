//! What a webhook says, and no more of it than we keep.
//!
//! Chatwoot writes the state at sending time, sends twice or never, in any order, and gives one message in two forms: at the top
//! level of `message_*` with a word for its type and an ISO time, nested in a conversation with a number and Unix seconds. Both
//! forms read as the same [`Message`], so that any event about a conversation can stand in for a lost one. Reading is lenient about
//! what changes between versions (unknown keys, `account` inside a conversation since 4.14.2, `null` for empty) and strict about
//! what carries meaning: a document that lacks it is refused with the name of the field, never with its content.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use trust::{
    chat::{
        self, Channel, ChatEvent, ContentHash, ConversationSighting, ConversationStatus, Identity, Mark,
        Message,
    },
    id::{AccountId, ConversationNumber, InboxId, MessageId},
};

mod payload;

use payload::{
    AccountPayload, ConversationEvent, ConversationPayload, CustomAttributes, Flag, MessageEvent,
    MessagePayload, Meta, Named,
};
#[cfg(feature = "client")]
pub(crate) use payload::{NestedMessage as RestMessage, RestConversation};

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
            message_event(account, kind, &payload::read(body)?)?
        }
        EventKind::ConversationCreated
        | EventKind::ConversationUpdated
        | EventKind::ConversationStatusChanged => conversation_event(account, &payload::read(body)?)?,
    };
    Ok(Received::Chat { kind, event })
}

fn message_event(
    account: AccountId,
    kind: EventKind,
    payload: &MessageEvent,
) -> Result<ChatEvent, PayloadError> {
    expect_account(account, named(payload.account.as_ref()), "account.id")?;
    let conversation = &payload.conversation;
    expect_account(account, named(conversation.account.as_ref()), "conversation.account.id")?;
    let seen = if kind == EventKind::MessageCreated { ContentHash::Original } else { ContentHash::Later };
    Ok(ChatEvent {
        version: chat::VERSION,
        account,
        conversation: sighting(conversation),
        message: Some(message(account, payload, seen)),
    })
}

/// A conversation shows its last message that is neither a note nor an activity: its announcement may have been lost.
fn conversation_event(account: AccountId, payload: &ConversationEvent) -> Result<ChatEvent, PayloadError> {
    expect_account(account, named(payload.account.as_ref()), "account.id")?;
    let last = payload.messages.as_ref().and_then(|messages| messages.first());
    expect_account(account, last.and_then(|message| message.account_id), "messages[0].account_id")?;
    Ok(ChatEvent {
        version: chat::VERSION,
        account,
        conversation: sighting(payload),
        message: last.map(|last| message(account, last, ContentHash::Later)),
    })
}

/// A conversation as the REST API lists it: what a webhook would show of it now.
#[cfg(feature = "client")]
pub(crate) fn listed(payload: &RestConversation) -> crate::client::Listed {
    let microseconds = |seconds: f64| (seconds * 1e6).round() as u64;
    crate::client::Listed {
        sighting: seen(
            (payload.id, payload.inbox_id, payload.meta.channel.0, payload.status),
            Some(&payload.meta.meta),
            payload.custom_attributes.as_ref(),
        ),
        last_activity_at: payload.last_activity_at.0,
        version: payload.updated_at.filter(|seconds| *seconds > 0.0).map(microseconds),
    }
}

/// A message as the REST API has it. It leaves out by which campaign a message came, if by one.
#[cfg(feature = "client")]
pub(crate) fn found(account: AccountId, payload: &RestMessage) -> Message {
    message(account, payload, ContentHash::Later)
}

fn named(account: Option<&AccountPayload>) -> Option<AccountId> {
    account.map(|account| account.id)
}

/// Not every version names the account everywhere; where it does, it has to be this one.
fn expect_account(
    account: AccountId,
    named: Option<AccountId>,
    path: &'static str,
) -> Result<(), PayloadError> {
    if named.is_none_or(|named| named == account) { Ok(()) } else { Err(PayloadError::OtherAccount { path }) }
}

fn sighting<M>(payload: &ConversationPayload<M>) -> ConversationSighting {
    let itself = (payload.id, payload.inbox_id, payload.channel.0, payload.status);
    seen(itself, payload.meta.as_ref(), payload.custom_attributes.as_ref())
}

fn seen(
    (number, inbox, channel, status): (ConversationNumber, InboxId, Channel, ConversationStatus),
    meta: Option<&Meta>,
    attributes: Option<&CustomAttributes>,
) -> ConversationSighting {
    let verified = meta.and_then(|meta| meta.hmac_verified).unwrap_or(false);
    ConversationSighting {
        number,
        inbox,
        channel,
        identity: if verified { Identity::Verified } else { Identity::Unverified },
        identifier: meta.and_then(|meta| meta.sender.as_ref()?.identifier.as_ref()?.0.clone()),
        claimed_contract: attributes.and_then(|attributes| attributes.contract_id.as_ref()?.0.clone()),
        status,
    }
}

fn message<C>(account: AccountId, payload: &MessagePayload<C>, seen: fn(String) -> ContentHash) -> Message {
    let marks = marks(payload);
    // A deleted message shows "This message was deleted" in the account's language.
    let text = payload.content.as_deref().filter(|_| !marks.contains(&Mark::Deleted));
    Message {
        id: payload.id,
        created_at: payload.created_at.0,
        direction: payload.message_type.0,
        sender: payload.sender(),
        content: text.map(|text| seen(content_hash(account, payload.id, text))),
        marks,
    }
}

fn marks<C>(payload: &MessagePayload<C>) -> BTreeSet<Mark> {
    let set = |flag: Option<&Flag>| flag.is_some_and(|flag| flag.0);
    let content = payload.content_attributes.as_ref();
    let additional = payload.additional_attributes.as_ref();
    [
        (Mark::Private, payload.private),
        (Mark::Automation, content.is_some_and(|attributes| attributes.automation_rule_id.is_some())),
        (Mark::Campaign, additional.is_some_and(|attributes| attributes.campaign_id.is_some())),
        (Mark::ExternalEcho, content.is_some_and(|attributes| set(attributes.external_echo.as_ref()))),
        (Mark::Deleted, content.is_some_and(|attributes| set(attributes.deleted.as_ref()))),
    ]
    .into_iter()
    .filter_map(|(mark, is_set)| is_set.then_some(mark))
    .collect()
}

/// The hash by which somebody who has a message's text can recognise it in the ledger: SHA-256 over
/// `"{account}/{message id}\n{text}"`, 64 lower-case hex digits.
///
/// Account and id are part of it, so that equal texts do not show as equal hashes. It proves a text, it does not seal it: whoever can
/// read the ledger can try out what a short message may have said.
pub fn content_hash(account: AccountId, message: MessageId, text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{account}/{message}\n"));
    hasher.update(text);
    hex::encode(hasher.finalize())
}
