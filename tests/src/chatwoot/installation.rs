//! One Chatwoot with everything in it: whoever changes something does it here, and what that makes known is kept until the change is
//! complete. As in Chatwoot, an announcement shows how things stand when it is written, not how they stood when it was decided on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value, json};
use trust::id::{AccountId, ConversationId, ConversationNumber};

use super::{
    call::Call,
    clock::{Clock, Stamp, Stamps},
    delivery::Letter,
    payloads,
    refusal::Refusal,
    rows::{
        Account, Channel, ChannelKind, Contact, ContactInbox, Conversation, Inbox, Membership, Role, Status,
        User, Webhook,
    },
    tokens::Tokens,
};

/// The events of account webhooks. The first eight are what a webhook gets that names none.
pub(super) const EVENTS: [&str; 12] = [
    "conversation_status_changed",
    "conversation_updated",
    "conversation_created",
    "contact_created",
    "contact_updated",
    "message_created",
    "message_updated",
    "webwidget_triggered",
    "inbox_created",
    "inbox_updated",
    "conversation_typing_on",
    "conversation_typing_off",
];
pub(super) const DEFAULT_EVENTS: usize = 8;

/// Something that webhooks are told.
#[derive(Debug)]
pub(super) enum Occurrence {
    MessageCreated(ConversationId, u64),
    MessageUpdated(ConversationId, u64),
    ConversationCreated(ConversationId),
    ConversationUpdated(ConversationId, Vec<Change>),
    StatusChanged(ConversationId),
}

/// A column before and after.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    pub(super) column: &'static str,
    pub(super) before: Value,
    pub(super) after: Value,
}

/// Who makes a request to the application API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) account: u64,
    pub(super) user: u64,
    pub(super) role: Role,
}

impl Caller {
    pub(super) fn administrator(&self) -> Result<(), Refusal> {
        if self.role == Role::Administrator { Ok(()) } else { Err(Refusal::forbidden()) }
    }
}

/// Whether what it needs answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Services {
    pub(super) queue: bool,
    pub(super) data: bool,
}

/// A platform app: it sees what it made.
#[derive(Debug, Default)]
pub(super) struct PlatformApp {
    pub(super) accounts: HashSet<u64>,
    pub(super) users: HashSet<u64>,
}

#[derive(Debug)]
pub(super) struct Installation {
    pub(super) version: String,
    pub(super) services: Services,
    pub(super) clock: Clock,
    stamps: Stamps,
    pub(super) tokens: Tokens,
    ids: HashMap<&'static str, u64>,
    pub(super) apps: HashMap<String, PlatformApp>,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) user_of_token: HashMap<String, u64>,
    pub(super) user_of_email: HashMap<String, u64>,
    pub(super) accounts: BTreeMap<u64, Account>,
    pub(super) occurrences: Vec<Occurrence>,
}

impl Installation {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            version: "4.18.0".to_owned(),
            services: Services { queue: true, data: true },
            stamps: Stamps::of(clock.clone()),
            clock,
            tokens: Tokens::default(),
            ids: HashMap::new(),
            apps: HashMap::new(),
            users: BTreeMap::new(),
            user_of_token: HashMap::new(),
            user_of_email: HashMap::new(),
            accounts: BTreeMap::new(),
            occurrences: Vec::new(),
        }
    }

    pub(super) fn stamp(&mut self) -> Stamp {
        self.stamps.next()
    }

    /// The next id of this table.
    pub(super) fn id(&mut self, table: &'static str) -> u64 {
        let last = self.ids.entry(table).or_default();
        *last += 1;
        *last
    }

    /// Closes a change: what webhooks are to be told of it.
    pub(super) fn commit(&mut self) -> Vec<Letter> {
        let occurrences = std::mem::take(&mut self.occurrences);
        occurrences.iter().flat_map(|occurrence| payloads::letters(self, occurrence)).collect()
    }

    /// Who this token belongs to and what he may do in this account.
    pub(super) fn caller(&self, call: &Call, account: &str) -> Result<Caller, Refusal> {
        let user = self.signed_in(call)?;
        let account = account.parse().ok().and_then(|id| self.accounts.get(&id));
        let account = account.ok_or_else(Refusal::not_found)?;
        let membership = account.members.iter().find(|membership| membership.user == user.id);
        let membership = membership
            .ok_or_else(|| Refusal::unauthorized("You are not authorized to access this account"))?;
        Ok(Caller { account: account.id, user: user.id, role: membership.role })
    }

    pub(super) fn signed_in(&self, call: &Call) -> Result<&User, Refusal> {
        let user = call.token.as_ref().and_then(|token| self.user_of_token.get(token));
        user.and_then(|user| self.users.get(user))
            .ok_or_else(|| Refusal::unauthorized("Invalid Access Token"))
    }

    pub(super) fn account(&self, id: u64) -> Result<&Account, Refusal> {
        self.accounts.get(&id).ok_or_else(Refusal::not_found)
    }

    pub(super) fn account_mut(&mut self, id: u64) -> Result<&mut Account, Refusal> {
        self.accounts.get_mut(&id).ok_or_else(Refusal::not_found)
    }

    pub(super) fn conversation(&self, id: ConversationId) -> Result<&Conversation, Refusal> {
        self.account(id.account.0)?.conversation(id.number.0).ok_or_else(Refusal::not_found)
    }

    pub(super) fn conversation_mut(&mut self, id: ConversationId) -> Result<&mut Conversation, Refusal> {
        let index = id.number.0.checked_sub(1).ok_or_else(Refusal::not_found)?;
        let conversations = &mut self.account_mut(id.account.0)?.conversations;
        conversations.get_mut(index as usize).ok_or_else(Refusal::not_found)
    }

    /// Announces a change of a conversation's columns and dates the row.
    pub(super) fn changed(&mut self, id: ConversationId, mut changes: Vec<Change>) -> Result<(), Refusal> {
        changes.retain(|change| change.before != change.after);
        if changes.is_empty() {
            return Ok(());
        }
        let now = self.stamp();
        let conversation = self.conversation_mut(id)?;
        let before = std::mem::replace(&mut conversation.updated, now);
        let status = changes.iter().any(|change| change.column == "status");
        changes.push(Change { column: "updated_at", before: json!(before.iso()), after: json!(now.iso()) });
        if status {
            self.occurrences.push(Occurrence::StatusChanged(id));
        }
        self.occurrences.push(Occurrence::ConversationUpdated(id, changes));
        Ok(())
    }

    pub(super) fn add_account(&mut self, name: &str, settings: Map<String, Value>) -> u64 {
        let id = self.id("accounts");
        let account = Account {
            id,
            name: name.to_owned(),
            settings,
            members: Vec::new(),
            inboxes: BTreeMap::new(),
            webhooks: Vec::new(),
            contacts: BTreeMap::new(),
            by_identifier: HashMap::new(),
            contact_inboxes: BTreeMap::new(),
            by_source: HashMap::new(),
            conversations: Vec::new(),
            definitions: Vec::new(),
            hooks: Vec::new(),
        };
        self.accounts.insert(id, account);
        id
    }

    pub(super) fn add_user(&mut self, name: &str, email: &str, confirmed: bool) -> u64 {
        let id = self.id("users");
        let (access_token, pubsub_token) = (self.tokens.secure(), self.tokens.secure());
        self.user_of_token.insert(access_token.clone(), id);
        self.user_of_email.insert(email.to_lowercase(), id);
        let user = User {
            id,
            name: name.to_owned(),
            display_name: None,
            email: email.to_lowercase(),
            confirmed,
            access_token,
            pubsub_token,
            custom_attributes: Map::new(),
        };
        self.users.insert(id, user);
        id
    }

    /// Gives a user another token; the one before is nobody's from now on.
    pub(super) fn rotate_token(&mut self, user: u64) -> Result<String, Refusal> {
        let token = self.tokens.secure();
        let row = self.users.get_mut(&user).ok_or_else(Refusal::not_found)?;
        let before = std::mem::replace(&mut row.access_token, token.clone());
        self.user_of_token.remove(&before);
        self.user_of_token.insert(token.clone(), user);
        Ok(token)
    }

    pub(super) fn add_membership(
        &mut self,
        account: u64,
        user: u64,
        role: Role,
        inviter: Option<u64>,
    ) -> Result<(), Refusal> {
        let (id, created) = (self.id("account_users"), self.stamp());
        let membership = Membership { id, user, role, inviter, created, updated: created };
        self.account_mut(account)?.members.push(membership);
        Ok(())
    }

    pub(super) fn add_inbox(
        &mut self,
        account: u64,
        name: &str,
        kind: ChannelKind,
        settings: Map<String, Value>,
        channel: Map<String, Value>,
    ) -> Result<u64, Refusal> {
        let (id, created) = (self.id("inboxes"), self.stamp());
        let channel = Channel {
            id: self.id(kind.class()),
            kind,
            identifier: self.tokens.secure(),
            hmac_token: self.tokens.secure(),
            hmac_mandatory: false,
            secret: self.tokens.secure(),
            settings: channel,
        };
        let members = BTreeSet::new();
        let name = name.to_owned();
        let inbox = Inbox { id, name, channel, settings, members, created, updated: created };
        self.account_mut(account)?.inboxes.insert(id, inbox);
        Ok(id)
    }

    pub(super) fn add_webhook(
        &mut self,
        account: u64,
        name: Option<String>,
        url: &str,
        inbox: Option<u64>,
        subscriptions: Vec<String>,
    ) -> Result<u64, Refusal> {
        let (id, secret) = (self.id("webhooks"), self.tokens.secure());
        let webhook = Webhook { id, name, url: url.to_owned(), inbox, subscriptions, secret };
        self.account_mut(account)?.webhooks.push(webhook);
        Ok(id)
    }

    pub(super) fn add_contact(
        &mut self,
        account: u64,
        name: &str,
        email: Option<String>,
        identifier: Option<String>,
    ) -> Result<u64, Refusal> {
        let (id, created) = (self.id("contacts"), self.stamp());
        let contact = Contact {
            id,
            name: name.to_owned(),
            email,
            phone_number: None,
            identifier: identifier.clone(),
            blocked: false,
            additional_attributes: Map::new(),
            custom_attributes: Map::new(),
            inboxes: Vec::new(),
            last_activity: None,
            created,
        };
        let account = self.account_mut(account)?;
        if let Some(identifier) = identifier {
            account.by_identifier.insert(identifier, id);
        }
        account.contacts.insert(id, contact);
        Ok(id)
    }

    pub(super) fn add_contact_inbox(
        &mut self,
        account: u64,
        contact: u64,
        inbox: u64,
        source_id: String,
        hmac_verified: bool,
    ) -> Result<u64, Refusal> {
        let (id, created) = (self.id("contact_inboxes"), self.stamp());
        let pubsub_token = self.tokens.secure();
        let account = self.account_mut(account)?;
        account.by_source.insert((inbox, source_id.clone()), id);
        account.contacts.get_mut(&contact).ok_or_else(Refusal::not_found)?.inboxes.push(id);
        let row = ContactInbox {
            id,
            contact,
            inbox,
            source_id,
            hmac_verified,
            pubsub_token,
            created,
            updated: created,
        };
        account.contact_inboxes.insert(id, row);
        Ok(id)
    }

    /// Opens a conversation for one of a contact's sessions and announces it. A blocked contact's is resolved from the start.
    pub(super) fn add_conversation(
        &mut self,
        account: u64,
        contact_inbox: u64,
        status: Status,
        custom_attributes: Map<String, Value>,
        additional_attributes: Map<String, Value>,
    ) -> Result<ConversationId, Refusal> {
        let (created, uuid) = (self.stamp(), self.tokens.uuid());
        let account = self.account_mut(account)?;
        let session = account.contact_inboxes.get(&contact_inbox).ok_or_else(Refusal::not_found)?;
        let (inbox, contact) = (session.inbox, session.contact);
        let blocked = account.contacts.get(&contact).is_some_and(|contact| contact.blocked);
        let number = ConversationNumber(account.conversations.len() as u64 + 1);
        let id = ConversationId { account: AccountId(account.id), number };
        account.conversations.push(Conversation {
            id,
            uuid,
            inbox,
            contact,
            contact_inbox,
            status: if blocked { Status::Resolved } else { status },
            assignee: None,
            additional_attributes,
            custom_attributes,
            snoozed_until: None,
            first_reply: None,
            // Whoever opens it, and whether or not he says anything.
            waiting_since: Some(created),
            agent_last_seen: None,
            contact_last_seen: None,
            last_activity: created,
            created,
            updated: created,
            messages: Vec::new(),
        });
        self.occurrences.push(Occurrence::ConversationCreated(id));
        Ok(id)
    }
}

impl Account {
    pub(super) fn conversation(&self, number: u64) -> Option<&Conversation> {
        self.conversations.get(number.checked_sub(1)? as usize)
    }

    /// The inboxes this user sees: an administrator all of them, an agent those he is a member of.
    pub(super) fn sees(&self, caller: &Caller, inbox: u64) -> bool {
        let member = |inbox: &Inbox| inbox.members.contains(&caller.user);
        let inbox = self.inboxes.get(&inbox);
        inbox.is_some_and(|inbox| caller.role == Role::Administrator || member(inbox))
    }
}
