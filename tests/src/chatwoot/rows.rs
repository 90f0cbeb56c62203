//! What the fake keeps: Chatwoot's tables, as far as they are seen from outside.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};
use trust::id::ConversationId;

use super::clock::Stamp;

/// What somebody may do in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Answers in the inboxes he is a member of.
    Agent,
    /// Does everything.
    Administrator,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Administrator => "administrator",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Agent, Self::Administrator].into_iter().find(|role| role.name() == name)
    }
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is being talked in.
    Open,
    /// Somebody has called it done.
    Resolved,
    /// A bot has it.
    Pending,
    /// It is put off.
    Snoozed,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Pending => "pending",
            Self::Snoozed => "snoozed",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Resolved, Self::Pending, Self::Snoozed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) display_name: Option<String>,
    pub(super) email: String,
    pub(super) confirmed: bool,
    pub(super) access_token: String,
    pub(super) pubsub_token: String,
    pub(super) custom_attributes: Map<String, Value>,
}

/// A user's place in an account.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) id: u64,
    pub(super) user: u64,
    pub(super) role: Role,
    pub(super) inviter: Option<u64>,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
}

#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: u64,
    pub(super) name: String,
    /// What the Platform API sets and nothing here acts upon.
    pub(super) settings: Map<String, Value>,
    pub(super) members: Vec<Membership>,
    pub(super) inboxes: BTreeMap<u64, Inbox>,
    pub(super) webhooks: Vec<Webhook>,
    pub(super) contacts: BTreeMap<u64, Contact>,
    pub(super) by_identifier: HashMap<String, u64>,
    pub(super) contact_inboxes: BTreeMap<u64, ContactInbox>,
    pub(super) by_source: HashMap<(u64, String), u64>,
    /// In the order of their numbers, which begin at 1 in each account.
    pub(super) conversations: Vec<Conversation>,
    pub(super) definitions: Vec<Definition>,
    pub(super) hooks: Vec<Hook>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelKind {
    WebWidget,
    Api,
}

impl ChannelKind {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::WebWidget => "Channel::WebWidget",
            Self::Api => "Channel::Api",
        }
    }
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: u64,
    pub(super) kind: ChannelKind,
    /// A widget's `website_token`, an API inbox's `inbox_identifier`.
    pub(super) identifier: String,
    pub(super) hmac_token: String,
    pub(super) hmac_mandatory: bool,
    /// Signs the callbacks of an API inbox.
    pub(super) secret: String,
    pub(super) settings: Map<String, Value>,
}

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) channel: Channel,
    pub(super) settings: Map<String, Value>,
    pub(super) members: BTreeSet<u64>,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
}

impl Inbox {
    pub(super) fn is_set(&self, setting: &str) -> bool {
        self.settings.get(setting).and_then(Value::as_bool).unwrap_or(false)
    }
}

#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) id: u64,
    pub(super) name: Option<String>,
    pub(super) url: String,
    pub(super) inbox: Option<u64>,
    pub(super) subscriptions: Vec<String>,
    pub(super) secret: String,
}

#[derive(Debug)]
pub(super) struct Contact {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) identifier: Option<String>,
    pub(super) blocked: bool,
    pub(super) additional_attributes: Map<String, Value>,
    pub(super) custom_attributes: Map<String, Value>,
    pub(super) inboxes: Vec<u64>,
    pub(super) last_activity: Option<Stamp>,
    pub(super) created: Stamp,
}

/// One browser, or one backend's session, of a contact in an inbox.
#[derive(Debug)]
pub(super) struct ContactInbox {
    pub(super) id: u64,
    pub(super) contact: u64,
    pub(super) inbox: u64,
    pub(super) source_id: String,
    pub(super) hmac_verified: bool,
    pub(super) pubsub_token: String,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
}

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) uuid: String,
    pub(super) inbox: u64,
    pub(super) contact: u64,
    pub(super) contact_inbox: u64,
    pub(super) status: Status,
    pub(super) assignee: Option<u64>,
    pub(super) additional_attributes: Map<String, Value>,
    pub(super) custom_attributes: Map<String, Value>,
    pub(super) snoozed_until: Option<Stamp>,
    pub(super) first_reply: Option<Stamp>,
    pub(super) waiting_since: Option<Stamp>,
    pub(super) agent_last_seen: Option<Stamp>,
    pub(super) contact_last_seen: Option<Stamp>,
    pub(super) last_activity: Stamp,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
    /// In the order of their ids.
    pub(super) messages: Vec<Message>,
}

impl Conversation {
    /// The last message a customer could see.
    pub(super) fn last_chat(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.kind != Kind::Activity && !message.private)
    }

    pub(super) fn last_non_activity(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.kind != Kind::Activity)
    }

    /// Incoming messages no agent has seen, up to ten.
    pub(super) fn unread(&self) -> usize {
        let unseen = |message: &&Message| self.agent_last_seen.is_none_or(|seen| message.created > seen);
        let incoming = self.messages.iter().rev().filter(|message| message.kind == Kind::Incoming);
        incoming.take_while(unseen).take(10).count()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Incoming,
    Outgoing,
    Activity,
    Template,
}

impl Kind {
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Incoming => 0,
            Self::Outgoing => 1,
            Self::Activity => 2,
            Self::Template => 3,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Activity => "activity",
            Self::Template => "template",
        }
    }
}

/// Ids of contacts, users and bots overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Nobody,
    Contact(u64),
    User(u64),
    Bot(u64),
}

impl Sender {
    pub(super) fn class(self) -> Option<&'static str> {
        match self {
            Self::Nobody => None,
            Self::Contact(_) => Some("Contact"),
            Self::User(_) => Some("User"),
            Self::Bot(_) => Some("AgentBot"),
        }
    }

    pub(super) fn id(self) -> Option<u64> {
        match self {
            Self::Nobody => None,
            Self::Contact(id) | Self::User(id) | Self::Bot(id) => Some(id),
        }
    }
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: u64,
    pub(super) kind: Kind,
    pub(super) private: bool,
    pub(super) sender: Sender,
    pub(super) content: Option<String>,
    pub(super) content_type: &'static str,
    pub(super) content_attributes: Map<String, Value>,
    pub(super) additional_attributes: Map<String, Value>,
    pub(super) source_id: Option<String>,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
}

impl Message {
    /// Whether Chatwoot takes it for the answer of a human.
    pub(super) fn is_human_response(&self) -> bool {
        let set = |map: &Map<String, Value>, key| map.get(key).is_some_and(|value| !value.is_null());
        self.kind == Kind::Outgoing
            && !set(&self.content_attributes, "automation_rule_id")
            && !set(&self.additional_attributes, "campaign_id")
            && (matches!(self.sender, Sender::User(_)) || set(&self.content_attributes, "external_echo"))
    }

    pub(super) fn is_bot_response(&self) -> bool {
        self.kind == Kind::Outgoing && matches!(self.sender, Sender::Bot(_))
    }
}

/// A custom attribute's definition.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) model: String,
    pub(super) display_name: String,
    pub(super) display_type: String,
    pub(super) given: Map<String, Value>,
    pub(super) created: Stamp,
    pub(super) updated: Stamp,
}

/// An integration.
#[derive(Debug)]
pub(super) struct Hook {
    pub(super) id: u64,
    pub(super) app: String,
    pub(super) inbox: Option<u64>,
    pub(super) settings: Value,
    pub(super) enabled: bool,
}
