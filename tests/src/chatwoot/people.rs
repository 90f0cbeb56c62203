//! What people do in Chatwoot that no client of ours does: renters in the widget, agents in the dashboard, bots and rules on their own.

use anyhow::{Context, bail, ensure};
use serde_json::{Map, Value, json};
use trust::id::{AccountId, ConversationId, ConversationNumber, InboxId, MessageId};

use super::{
    Chatwoot,
    contacts::session_of,
    installation::Installation,
    refusal::Refusal,
    rows::{ContactInbox, Conversation, Kind, Sender, Status},
    writing::Draft,
};

/// Who a widget's visitor says he is, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// `setUser` with the right hash.
    Verified,
    /// `setUser` with this hash, which may be wrong.
    Hash(String),
    /// `setUser` without a hash. Refused where the inbox demands one.
    Claimed,
    /// The e-mail address of the contact with this identifier, in the form before the chat: Chatwoot takes the visitor for that
    /// contact, whatever the inbox demands.
    ByEmail,
    /// Nothing.
    Anonymous,
}

/// A browser in which an inbox's widget is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The account.
    pub account: AccountId,
    /// The widget's inbox.
    pub inbox: InboxId,
    /// The identifier of the renter.
    pub renter: String,
    /// How he shows that he is.
    pub identity: Identity,
}

/// Where a visitor writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thread {
    /// Where the widget lets him go on: in the last conversation it shows him, or in a new one where it shows none.
    Latest,
    /// In a new one.
    New,
    /// In this one. The widget has to show it to him.
    Number(ConversationNumber),
}

/// Where a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub message: MessageId,
}

/// Who writes in a conversation on the provider's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// An agent, in the dashboard.
    Agent(u64),
    /// An agent, a note only his colleagues see.
    Note(u64),
    /// An agent, from the channel's own app: nobody is named as its sender.
    Echo,
    /// A bot.
    Bot,
    /// An automation rule.
    Automation,
    /// A campaign of this agent's.
    Campaign(u64),
    /// A greeting or an out-of-office message of the inbox.
    Template,
}

/// The bot that writes here, and the rule, and the campaign.
const BOT: u64 = 1;
const RULE: u64 = 1;
const CAMPAIGN: u64 = 1;

impl Chatwoot {
    /// A renter opens the widget and writes.
    pub fn renter_writes(&self, visit: &Visit, thread: Thread, text: &str) -> anyhow::Result<Written> {
        self.change(|installation| {
            let session = identify(installation, visit)?;
            let shown = shown_to(installation, visit.account, session)?;
            let conversation = match thread {
                Thread::Latest => shown.last().copied(),
                Thread::New => None,
                Thread::Number(number) => {
                    let id = ConversationId { account: visit.account, number };
                    ensure!(
                        shown.contains(&id),
                        "the widget does not show conversation {number} to this visitor"
                    );
                    Some(id)
                }
            };
            let conversation = match conversation {
                Some(conversation) => conversation,
                None => open(installation, visit.account, session)?,
            };
            let contact = installation.conversation(conversation).map_err(|refusal| told(&refusal))?.contact;
            let draft = Draft::text(Kind::Incoming, Sender::Contact(contact), text);
            let message = installation.write(conversation, draft).map_err(|refusal| told(&refusal))?;
            let now = installation.stamp();
            installation
                .conversation_mut(conversation)
                .map_err(|refusal| told(&refusal))?
                .contact_last_seen = Some(now);
            Ok(Written { conversation, message: MessageId(message) })
        })
    }

    /// Somebody writes in a conversation on the provider's side.
    pub fn writes(
        &self,
        conversation: ConversationId,
        author: Author,
        text: &str,
    ) -> anyhow::Result<MessageId> {
        let mut draft = Draft::text(Kind::Outgoing, Sender::Nobody, text);
        let mark = |key: &str, value: Value| Map::from_iter([(key.to_owned(), value)]);
        match author {
            Author::Agent(user) | Author::Note(user) => {
                draft.sender = Sender::User(user);
                draft.private = matches!(author, Author::Note(_));
                draft.content_attributes = mark("in_reply_to", Value::Null);
            }
            Author::Echo => draft.content_attributes = mark("external_echo", json!(true)),
            Author::Bot => draft.sender = Sender::Bot(BOT),
            Author::Automation => draft.content_attributes = mark("automation_rule_id", json!(RULE)),
            Author::Campaign(user) => {
                draft.sender = Sender::User(user);
                draft.additional_attributes = mark("campaign_id", json!(CAMPAIGN));
            }
            Author::Template => draft.kind = Kind::Template,
        }
        self.change(|installation| {
            if let Author::Agent(user) | Author::Note(user) = author {
                let now = installation.stamp();
                installation.users.get(&user).with_context(|| format!("there is no user {user}"))?;
                installation
                    .conversation_mut(conversation)
                    .map_err(|refusal| told(&refusal))?
                    .agent_last_seen = Some(now);
            }
            Ok(MessageId(installation.write(conversation, draft).map_err(|refusal| told(&refusal))?))
        })
    }

    /// An agent deletes a message: its text is gone, its row stays.
    pub fn deletes_message(&self, conversation: ConversationId, message: MessageId) -> anyhow::Result<()> {
        self.change(|installation| {
            installation.delete_text(conversation, message.0).map_err(|refusal| told(&refusal))
        })
    }

    /// An agent resolves a conversation.
    pub fn resolves(&self, conversation: ConversationId, agent: u64) -> anyhow::Result<()> {
        self.moves(conversation, Status::Resolved, agent)
    }

    /// An agent moves a conversation to a status.
    pub fn moves(&self, conversation: ConversationId, status: Status, agent: u64) -> anyhow::Result<()> {
        self.change(|installation| {
            let name = installation.users.get(&agent).with_context(|| format!("there is no user {agent}"))?;
            let name = name.name.clone();
            installation.set_status(conversation, status, None, Some(&name)).map_err(|refusal| told(&refusal))
        })
    }

    /// A browser replaces all custom attributes of a conversation. Nobody asks it who it is.
    pub fn browser_replaces_attributes(
        &self,
        conversation: ConversationId,
        attributes: &Value,
    ) -> anyhow::Result<()> {
        let attributes = attributes.as_object().context("attributes are an object")?;
        self.change(|installation| {
            installation.set_custom_attributes(conversation, attributes).map_err(|refusal| told(&refusal))
        })
    }

    /// An agent gives the contact of a conversation another identifier, as every agent may.
    pub fn changes_identifier(&self, conversation: ConversationId, identifier: &str) -> anyhow::Result<()> {
        self.change(|installation| {
            let contact = installation.conversation(conversation).map_err(|refusal| told(&refusal))?.contact;
            let account =
                installation.account_mut(conversation.account.0).map_err(|refusal| told(&refusal))?;
            ensure!(
                !account.by_identifier.contains_key(identifier),
                "that identifier has already been taken"
            );
            let contact = account.contacts.get_mut(&contact).context("the conversation has no contact")?;
            if let Some(before) = contact.identifier.replace(identifier.to_owned()) {
                account.by_identifier.remove(&before);
            }
            account.by_identifier.insert(identifier.to_owned(), contact.id);
            Ok(())
        })
    }
}

pub(super) fn told(refusal: &Refusal) -> anyhow::Error {
    anyhow::anyhow!("Chatwoot refuses: {refusal:?}")
}

/// The session the visitor's browser has after it said who he is.
fn identify(installation: &mut Installation, visit: &Visit) -> anyhow::Result<u64> {
    let account = installation.account(visit.account.0).map_err(|refusal| told(&refusal))?;
    let inbox = account.inboxes.get(&visit.inbox.0).context("there is no such inbox")?;
    let (inbox, mandatory) = (inbox.id, inbox.channel.hmac_mandatory);
    let known = account.by_identifier.get(&visit.renter).copied();
    let verified = match &visit.identity {
        Identity::Verified => true,
        Identity::Hash(hash) => {
            let renter = visit.renter.parse()?;
            let token = account.inboxes.get(&inbox).map(|inbox| inbox.channel.hmac_token.as_str());
            let right = token.map(|token| chatwoot::identity::identifier_hash(token, &renter));
            ensure!(right.as_ref() == Some(hash), "HMAC failed: Invalid Identifier Hash Provided");
            true
        }
        Identity::Claimed if mandatory => bail!("HMAC failed: Invalid Identifier Hash Provided"),
        Identity::Claimed | Identity::ByEmail | Identity::Anonymous => false,
    };
    let contact = match (&visit.identity, known) {
        (Identity::Anonymous, _) => {
            let name = format!("quiet-river-{}", installation.tokens.next() % 100);
            installation.add_contact(visit.account.0, &name, None, None).map_err(|refusal| told(&refusal))?
        }
        (Identity::ByEmail, None) => bail!("there is no contact whose e-mail address could be given"),
        (_, Some(contact)) => contact,
        (_, None) => {
            let identifier = Some(visit.renter.clone());
            installation
                .add_contact(visit.account.0, &visit.renter, None, identifier)
                .map_err(|refusal| told(&refusal))?
        }
    };
    let account = installation.account(visit.account.0).map_err(|refusal| told(&refusal))?;
    let same = |session: &&ContactInbox| session.inbox == inbox && session.hmac_verified == verified;
    let sessions = account.contacts.get(&contact).into_iter().flat_map(|contact| &contact.inboxes);
    match sessions.filter_map(|session| account.contact_inboxes.get(session)).find(same) {
        Some(session) => Ok(session.id),
        None => session_of(installation, visit.account.0, contact, inbox, None, verified)
            .map_err(|refusal| told(&refusal)),
    }
}

/// The conversations the widget shows: to who is verified those of all his verified sessions in the inbox, to others those of the one
/// session their browser has.
fn shown_to(
    installation: &Installation,
    account: AccountId,
    session: u64,
) -> anyhow::Result<Vec<ConversationId>> {
    let account = installation.account(account.0).map_err(|refusal| told(&refusal))?;
    let own = account.contact_inboxes.get(&session).context("there is no such session")?;
    let verified = |row: &Conversation| {
        let session = account.contact_inboxes.get(&row.contact_inbox);
        session.is_some_and(|session| session.hmac_verified && session.inbox == own.inbox)
    };
    let shows = |row: &&Conversation| {
        row.contact == own.contact && (row.contact_inbox == session || own.hmac_verified && verified(row))
    };
    Ok(account.conversations.iter().filter(shows).map(|row| row.id).collect())
}

/// What a widget sends along with a first message.
fn open(installation: &mut Installation, account: AccountId, session: u64) -> anyhow::Result<ConversationId> {
    let browser = json!({
        "browser": {
            "device_name": "Unknown", "browser_name": "Firefox", "platform_name": "Generic Linux",
            "browser_version": "140.0", "platform_version": "0",
        },
        "referer": "https://market.example.org/", "browser_language": "en",
        "initiated_at": { "timestamp": "Sat Nov 15 2025 04:35:12 GMT+0100 (Central European Standard Time)" },
    });
    let additional = browser.as_object().cloned().unwrap_or_default();
    installation
        .add_conversation(account.0, session, Status::Open, Map::new(), additional)
        .map_err(|refusal| told(&refusal))
}
