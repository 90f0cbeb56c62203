//! Chatwoot's documents, as far as we read them.
//!
//! What has no field here is skipped while reading: names, mail addresses, phone numbers, `contact_inbox` with its `pubsub_token`. The
//! one text that is held for a moment, a message's content, is held to be hashed; no type here has a debug form that could show it.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::error::Category;
use trust::{
    chat::{Channel, ConversationStatus, Direction, Sender},
    id::{AccountId, ContractId, ConversationNumber, InboxId, MessageId, RenterId},
    time::Moment,
};

use super::PayloadError;

/// Reads a whole body as one document.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, PayloadError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let document = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(document)
}

/// Says where a document is wrong.
///
/// The reader's own message quotes what it found, so it stays here: only its kind, the place and a field's own name get out. A place
/// is made of names from this file as well, because what is skipped can not be of the wrong kind.
fn explain(path: &str, error: &serde_json::Error) -> PayloadError {
    if error.classify() != Category::Data {
        return not_json(error);
    }
    let message = error.to_string();
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match (missing, path) {
        (Some((field, _)), ".") => PayloadError::Missing { path: field.to_owned() },
        (Some((field, _)), parent) => PayloadError::Missing { path: format!("{parent}.{field}") },
        (None, ".") => PayloadError::Unexpected { path: "the document".to_owned() },
        (None, path) => PayloadError::Unexpected { path: path.to_owned() },
    }
}

fn not_json(error: &serde_json::Error) -> PayloadError {
    PayloadError::NotJson { line: error.line(), column: error.column() }
}

/// Every document: what it is about.
#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) event: String,
}

/// `message_created` and `message_updated`.
pub(super) type MessageEvent = MessagePayload<ConversationPayload<Option<IgnoredAny>>>;

/// `conversation_created`, `conversation_updated` and `conversation_status_changed`, with at most one message.
pub(super) type ConversationEvent = ConversationPayload<Option<Vec<NestedMessage>>>;

/// A message within a conversation. Its own `conversation` is only a stub.
pub(crate) type NestedMessage = MessagePayload<Option<IgnoredAny>>;

/// An account.
#[derive(Deserialize)]
pub(super) struct AccountPayload {
    pub(super) id: AccountId,
}

/// A message in either form. `C` is what it says of its conversation.
#[derive(Deserialize)]
pub(crate) struct MessagePayload<C> {
    pub(super) id: MessageId,
    pub(super) created_at: Time,
    pub(super) message_type: MessageType,
    #[serde(deserialize_with = "null_is_false")]
    pub(super) private: bool,
    pub(super) content: Option<String>,
    pub(super) content_attributes: Option<ContentAttributes>,
    pub(super) additional_attributes: Option<AdditionalAttributes>,
    pub(super) conversation: C,
    /// At top level.
    pub(super) account: Option<AccountPayload>,
    /// Nested.
    pub(super) account_id: Option<AccountId>,
    sender: Option<SenderPayload>,
    /// Nested.
    sender_type: Option<String>,
    /// Nested.
    sender_id: Option<u64>,
}

impl<C> MessagePayload<C> {
    /// Who wrote it, as far as the message says.
    pub(super) fn sender(&self) -> Option<Sender> {
        match (self.sender_type.as_deref(), self.sender_id, &self.sender) {
            (Some(kind), Some(id), _) => sender(kind, id),
            (_, _, Some(sender)) => sender.sender(),
            (_, _, None) => None,
        }
    }
}

#[derive(Deserialize)]
struct SenderPayload {
    id: Option<u64>,
    /// Contacts at top level have none.
    r#type: Option<String>,
}

impl SenderPayload {
    fn sender(&self) -> Option<Sender> {
        sender(self.r#type.as_deref().unwrap_or("contact"), self.id?)
    }
}

/// Words in capitals stand in nested messages, the others at top level. A kind unknown here is nobody: taking it for a person
/// could close a wait that no person ended.
fn sender(kind: &str, id: u64) -> Option<Sender> {
    match kind {
        "contact" | "Contact" => Some(Sender::Contact(id)),
        "user" | "User" => Some(Sender::Agent(id)),
        "agent_bot" | "AgentBot" | "captain_assistant" | "Captain::Assistant" => Some(Sender::Bot(id)),
        _ => None,
    }
}

#[derive(Default, Deserialize)]
pub(super) struct ContentAttributes {
    /// `null` is the same as absent.
    pub(super) automation_rule_id: Option<IgnoredAny>,
    pub(super) external_echo: Option<Flag>,
    pub(super) deleted: Option<Flag>,
}

#[derive(Default, Deserialize)]
pub(super) struct AdditionalAttributes {
    /// `null` is the same as absent.
    pub(super) campaign_id: Option<IgnoredAny>,
}

/// A conversation. `M` is what is read of its messages.
#[derive(Deserialize)]
pub(super) struct ConversationPayload<M> {
    /// The `display_id`.
    pub(super) id: ConversationNumber,
    pub(super) inbox_id: InboxId,
    pub(super) channel: ChannelName,
    pub(super) status: ConversationStatus,
    pub(super) meta: Option<Meta>,
    pub(super) custom_attributes: Option<CustomAttributes>,
    /// Since 4.14.2.
    pub(super) account: Option<AccountPayload>,
    pub(super) messages: M,
}

/// A conversation as the REST API has it: the class of its inbox stands in `meta`.
#[cfg(feature = "client")]
#[derive(Deserialize)]
pub(crate) struct RestConversation {
    /// The `display_id`.
    pub(super) id: ConversationNumber,
    pub(super) inbox_id: InboxId,
    pub(super) status: ConversationStatus,
    pub(super) meta: RestMeta,
    pub(super) custom_attributes: Option<CustomAttributes>,
    pub(super) last_activity_at: Time,
    pub(super) updated_at: Option<f64>,
}

#[cfg(feature = "client")]
#[derive(Deserialize)]
pub(super) struct RestMeta {
    pub(super) channel: ChannelName,
    #[serde(flatten)]
    pub(super) meta: Meta,
}

#[derive(Default, Deserialize)]
pub(super) struct Meta {
    pub(super) hmac_verified: Option<bool>,
    pub(super) sender: Option<MetaSender>,
}

#[derive(Deserialize)]
pub(super) struct MetaSender {
    pub(super) identifier: Option<Claim<RenterId>>,
}

#[derive(Default, Deserialize)]
pub(super) struct CustomAttributes {
    pub(super) contract_id: Option<Claim<ContractId>>,
}

/// An id that somebody else wrote: well formed or nothing. A browser that writes nonsense must not lose us the event.
pub(super) struct Claim<T>(pub(super) Option<T>);

impl<'de, T: std::str::FromStr> Deserialize<'de> for Claim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Number(u64),
            Other(IgnoredAny),
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::Text(text) => text.parse().ok(),
            Form::Number(number) => number.to_string().parse().ok(),
            Form::Other(IgnoredAny) => None,
        }))
    }
}

/// True for whatever Ruby calls present: not `false`, not `null`, not empty.
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Bool(bool),
            Text(String),
            Other(IgnoredAny),
        }
        Ok(Self(match Form::deserialize(deserializer)? {
            Form::Bool(set) => set,
            Form::Text(text) => !text.is_empty(),
            Form::Other(IgnoredAny) => true,
        }))
    }
}

/// A time: ISO 8601 or Unix seconds, whole or not. 0 is Chatwoot's way of writing none, so it is refused where one is needed.
#[derive(Deserialize)]
#[serde(try_from = "TimeForm")]
pub(super) struct Time(pub(super) Moment);

#[derive(Deserialize)]
#[serde(untagged)]
enum TimeForm {
    Seconds(i64),
    Fraction(f64),
    Text(String),
}

impl TryFrom<TimeForm> for Time {
    type Error = &'static str;
    fn try_from(form: TimeForm) -> Result<Self, Self::Error> {
        let moment = match form {
            TimeForm::Seconds(seconds) => Moment::from_unix(seconds),
            TimeForm::Fraction(seconds) => Moment::from_unix(seconds.floor() as i64),
            TimeForm::Text(text) => Moment::parse(&text).ok(),
        };
        moment.filter(|moment| *moment != Moment::EPOCH).map(Self).ok_or("no time")
    }
}

/// A message's type: a word at top level, a number when nested.
#[derive(Deserialize)]
#[serde(try_from = "MessageTypeForm")]
pub(super) struct MessageType(pub(super) Direction);

#[derive(Deserialize)]
#[serde(untagged)]
enum MessageTypeForm {
    Number(u64),
    Word(String),
}

impl TryFrom<MessageTypeForm> for MessageType {
    type Error = &'static str;
    fn try_from(form: MessageTypeForm) -> Result<Self, Self::Error> {
        let direction = match &form {
            MessageTypeForm::Number(number) => match number {
                0 => Some(Direction::Incoming),
                1 => Some(Direction::Outgoing),
                2 => Some(Direction::Activity),
                3 => Some(Direction::Template),
                _ => None,
            },
            MessageTypeForm::Word(word) => match word.as_str() {
                "incoming" => Some(Direction::Incoming),
                "outgoing" => Some(Direction::Outgoing),
                "activity" => Some(Direction::Activity),
                "template" => Some(Direction::Template),
                _ => None,
            },
        };
        direction.map(Self).ok_or("no message type")
    }
}

/// The class of the inbox. It has to be there: an API inbox taken for another kind would let an agent's words pass for a renter's.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct ChannelName(pub(super) Channel);

impl From<String> for ChannelName {
    fn from(class: String) -> Self {
        Self(match class.as_str() {
            "Channel::WebWidget" => Channel::WebWidget,
            "Channel::Api" => Channel::Api,
            _ => Channel::Other,
        })
    }
}

/// A message's `private` has to be there, because a note taken for a reply would end a wait; but the database allows `null`.
fn null_is_false<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(false))
}
