//! What the bus says of a chat: sightings of conversations and messages, without their text.
//!
//! A sighting may come late, twice, out of order or never, and Chatwoot writes the state at sending time, not
//! at the time of the event. So a message is the *join* of all its sightings ([`Message::join`]): commutative,
//! associative, idempotent. Whatever the order, the same sightings give the same message.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ContractId, ConversationId, ConversationNumber, InboxId, MessageId, RenterId},
    time::Moment,
    wait::{Side, Turn},
};

/// The `source` of chat events on the bus.
pub const SOURCE: &str = "chat";

/// The version of [`ChatEvent`] this code writes and reads.
pub const VERSION: u32 = 1;

/// The detail of every `chat` event on the bus. Schema: `events/schemas/chat.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatEvent {
    /// [`VERSION`].
    pub version: u32,
    /// The Chatwoot account.
    pub account: AccountId,
    /// The conversation as it was when Chatwoot sent the event.
    pub conversation: ConversationSighting,
    /// The message the event is about, or the one its conversation showed as last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

impl ChatEvent {
    /// The conversation's full id.
    pub fn conversation_id(&self) -> ConversationId {
        ConversationId { account: self.account, number: self.conversation.number }
    }

    /// Marks the message as automatic if this user wrote it: he is ours, and what we write for a provider is no reply of his.
    pub fn mark_own(&mut self, user: u64) {
        if let Some(message) =
            self.message.as_mut().filter(|message| message.sender == Some(Sender::Agent(user)))
        {
            message.marks.insert(Mark::Automation);
        }
    }
}

/// The type of the event that asks for a new look at what a conversation counts as: its account's owner, its contract or our own
/// record of it became known or changed.
pub const STANDING_CHANGED: &str = "conversation.standing-changed";

/// The detail of a [`STANDING_CHANGED`] event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPointer {
    /// Which conversation.
    pub conversation: ConversationId,
}

/// A conversation as one event showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSighting {
    /// Chatwoot's `display_id`.
    pub number: ConversationNumber,
    /// The inbox it runs in.
    pub inbox: InboxId,
    /// The kind of inbox.
    pub channel: Channel,
    /// Whether Chatwoot checked the identity hash of this browser's contact.
    pub identity: Identity,
    /// `meta.sender.identifier`, where it is a well-formed renter id. Any agent can edit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<RenterId>,
    /// `custom_attributes.contract_id`, where well-formed. A browser can set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_contract: Option<ContractId>,
    /// Open, resolved, pending or snoozed. None of them closes a wait.
    pub status: ConversationStatus,
}

/// Which kind of inbox a conversation runs in, as far as it matters for evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The website widget: a renter's message needs his browser's token.
    WebWidget,
    /// An API inbox: any agent can write messages in the renter's name, so they prove nothing.
    Api,
    /// Mail, WhatsApp, Telegram and the like.
    Other,
}

/// Whether Chatwoot verified who the contact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// `meta.hmac_verified` is true.
    Verified,
    /// It is false, null or absent.
    Unverified,
}

/// Chatwoot's conversation status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationStatus {
    /// Waiting for an agent or for the contact.
    Open,
    /// Closed by somebody or by a timer.
    Resolved,
    /// With a bot.
    Pending,
    /// Put off.
    Snoozed,
}

/// A message, as far as it has been seen. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Chatwoot's id.
    pub id: MessageId,
    /// When Chatwoot's server stored it.
    pub created_at: Moment,
    /// Who it goes to.
    pub direction: Direction,
    /// Who wrote it; absent for templates, automation and deleted users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Sender>,
    /// What sets it apart from a plain public message.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marks: BTreeSet<Mark>,
    /// A hash that lets somebody who has the text recognise it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentHash>,
}

/// Chatwoot's message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the contact.
    Incoming,
    /// To the contact, or a private note.
    Outgoing,
    /// "Conversation was resolved by …".
    Activity,
    /// Greeting, out-of-office, survey.
    Template,
}

/// Who wrote a message. Ids of the three kinds overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "id")]
pub enum Sender {
    /// The renter or another visitor.
    Contact(u64),
    /// A person of the provider.
    Agent(u64),
    /// A bot of any kind.
    Bot(u64),
}

/// What sets a message apart. Marks are only ever added: a later sighting may have lost some, because deleting a message
/// erases its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// A note among agents.
    Private,
    /// Written by an automation rule, or by us.
    Automation,
    /// Part of a campaign.
    Campaign,
    /// Written by the provider outside Chatwoot, in the channel's own app.
    ExternalEcho,
    /// Deleted afterwards.
    Deleted,
}

/// SHA-256 over the message's place and text, 64 hex digits, and which sighting it comes from.
///
/// The first sighting outranks later ones, because a deleted message shows another text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "of", content = "sha256")]
pub enum ContentHash {
    /// The text as `message_created` had it.
    Original(String),
    /// The text as another event had it.
    Later(String),
}

/// What kind of message one is: each is exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// From the contact.
    Message,
    /// By a person of the provider.
    Reply,
    /// By a person of the provider, outside Chatwoot.
    Echo,
    /// Among agents.
    Note,
    /// Part of a campaign.
    Campaign,
    /// By a rule, by us, or by nobody who is known any more.
    Automation,
    /// By a bot.
    Bot,
    /// Greeting, out-of-office, survey.
    Template,
    /// What was done to the conversation.
    Activity,
}

impl Class {
    /// Which party wrote it, where a person of one did.
    pub fn side(self) -> Option<Side> {
        match self {
            Self::Message => Some(Side::Renter),
            Self::Reply | Self::Echo | Self::Note => Some(Side::Provider),
            Self::Campaign | Self::Automation | Self::Bot | Self::Template | Self::Activity => None,
        }
    }
}

impl Message {
    /// What both sightings together say of the message.
    ///
    /// Commutative, associative and idempotent. Sightings of one message agree on its time and direction; should they
    /// not, the smaller value wins, so that the order still makes no difference.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            id: self.id.min(other.id),
            created_at: self.created_at.min(other.created_at),
            direction: self.direction.min(other.direction),
            sender: smaller_known(self.sender, other.sender),
            marks: self.marks.into_iter().chain(other.marks).collect(),
            content: smaller_known(self.content, other.content),
        }
    }

    /// Whose turn this message is in the exchange, if it is one at all.
    ///
    /// The renter's side takes any incoming message: deleting one later, which only agents can do, undoes nothing. The
    /// provider's side takes human replies only (DESIGN §5), and not those deleted again, because the renter has no answer then.
    pub fn turn(&self) -> Option<Turn> {
        let side = match self.direction {
            Direction::Incoming => Side::Renter,
            Direction::Outgoing if self.is_human_reply() => Side::Provider,
            Direction::Outgoing | Direction::Activity | Direction::Template => return None,
        };
        Some(Turn { at: self.created_at, message: self.id, side })
    }

    /// What kind of message this is, as a log tells it.
    ///
    /// Deleting one changes nothing of that: [`Mark::Deleted`] says so beside.
    pub fn class(&self) -> Class {
        let marked = |mark| self.marks.contains(&mark);
        match self.direction {
            Direction::Incoming => Class::Message,
            Direction::Activity => Class::Activity,
            Direction::Template => Class::Template,
            // What a rule or we note for agents is nobody's note.
            Direction::Outgoing if marked(Mark::Private) && !marked(Mark::Automation) => Class::Note,
            Direction::Outgoing if marked(Mark::Campaign) => Class::Campaign,
            Direction::Outgoing if marked(Mark::Automation) => Class::Automation,
            Direction::Outgoing if marked(Mark::ExternalEcho) => Class::Echo,
            Direction::Outgoing => match self.sender {
                Some(Sender::Agent(_)) => Class::Reply,
                Some(Sender::Bot(_)) => Class::Bot,
                Some(Sender::Contact(_)) | None => Class::Automation,
            },
        }
    }

    fn is_human_reply(&self) -> bool {
        let disqualified = [Mark::Private, Mark::Automation, Mark::Campaign, Mark::Deleted];
        let by_a_person =
            matches!(self.sender, Some(Sender::Agent(_))) || self.marks.contains(&Mark::ExternalEcho);
        by_a_person && !disqualified.iter().any(|mark| self.marks.contains(mark))
    }
}

fn smaller_known<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: Option<Sender> = Some(Sender::Agent(3));
    const BOT: Option<Sender> = Some(Sender::Bot(3));
    const CONTACT: Option<Sender> = Some(Sender::Contact(3));

    fn message(direction: Direction, sender: Option<Sender>, marks: &[Mark]) -> Message {
        let marks = marks.iter().copied().collect();
        Message { id: MessageId(1), created_at: Moment::EPOCH, direction, sender, marks, content: None }
    }

    #[test]
    fn each_message_has_one_class_and_the_side_of_the_person_who_wrote_it() {
        use {Direction::*, Mark::*};
        let (renter, provider) = (Some(Side::Renter), Some(Side::Provider));
        for (direction, sender, marks, class, side) in [
            (Incoming, CONTACT, vec![], Class::Message, renter),
            (Incoming, None, vec![Deleted], Class::Message, renter),
            (Outgoing, AGENT, vec![], Class::Reply, provider),
            (Outgoing, AGENT, vec![Deleted], Class::Reply, provider),
            (Outgoing, AGENT, vec![Private], Class::Note, provider),
            (Outgoing, None, vec![Private, Automation], Class::Automation, None),
            (Outgoing, AGENT, vec![Automation], Class::Automation, None),
            (Outgoing, AGENT, vec![Campaign, Automation], Class::Campaign, None),
            (Outgoing, None, vec![ExternalEcho], Class::Echo, provider),
            (Outgoing, None, vec![ExternalEcho, Automation], Class::Automation, None),
            (Outgoing, BOT, vec![], Class::Bot, None),
            (Outgoing, None, vec![], Class::Automation, None),
            (Template, None, vec![], Class::Template, None),
            (Activity, None, vec![], Class::Activity, None),
        ] {
            let found = message(direction, sender, &marks).class();
            assert_eq!((found, found.side()), (class, side), "{direction:?} {sender:?} {marks:?}");
        }
    }

    #[test]
    fn what_a_log_calls_a_message_or_a_reply_is_what_counts_as_a_turn() {
        let directions = [Direction::Incoming, Direction::Outgoing, Direction::Activity, Direction::Template];
        let all = [Mark::Private, Mark::Automation, Mark::Campaign, Mark::ExternalEcho, Mark::Deleted];
        for direction in directions {
            for sender in [AGENT, BOT, CONTACT, None] {
                for chosen in 0..1 << all.len() {
                    let marks: Vec<Mark> =
                        (0..all.len()).filter(|bit| chosen >> bit & 1 == 1).map(|bit| all[bit]).collect();
                    let message = message(direction, sender, &marks);
                    let expected = match message.class() {
                        Class::Message => Some(Side::Renter),
                        Class::Reply | Class::Echo if !marks.contains(&Mark::Deleted) => Some(Side::Provider),
                        _ => None,
                    };
                    assert_eq!(message.turn().map(|turn| turn.side), expected, "{message:?}");
                }
            }
        }
    }
}
