//! The chat ledger: conversations, their messages, and what ties them to providers and contracts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use trust::{
    chat::Message,
    contract::Contract,
    conversation::Conversation,
    id::{AccountId, ContractId, ConversationId, InboxId, MessageId, ProviderId},
    renter_week::RenterWeek,
    replies::{ReplyDelta, Standing},
    time::Moment,
    wait::{Turn, Wait, waits},
};

use crate::{
    Stored, Table, TableError,
    item::{self, Order, Range, TRANSACTION_LIMIT},
    keys::{self, END},
    signals, silence,
};

/// What the ledger knows of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationState {
    /// The join of its sightings.
    pub conversation: Conversation,
    /// What its waits count as; absent while nobody knows whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Its last message so far; absent before the first. A message that comes in order finds none after it, unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<MessageKey>,
    /// Whether the renter waits behind that; absent where it was written before this was kept: then the messages say it. So a message
    /// that comes in order costs the same however many before it nobody has replied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// What its later waits still count as, while a change of standing is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
}

/// How an exchange stands at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exchange {
    /// Nobody waits: the last turn is the provider's, or there is none.
    Answered,
    /// The renter waits since this turn.
    Waiting(Turn),
}

impl Exchange {
    /// As these turns leave it, if they are as [`waits`] wants them and reach the conversation's end.
    pub fn after(turns: &[Turn]) -> Self {
        match waits(turns).last() {
            Some(Wait { opened, closed: None }) => Self::Waiting(*opened),
            _ => Self::Answered,
        }
    }

    /// The turns that matter for what comes next.
    pub fn turns(self) -> Option<Turn> {
        match self {
            Self::Answered => None,
            Self::Waiting(opened) => Some(opened),
        }
    }
}

/// The rest of a change of standing that touches more days than one transaction can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// Waits opened by this turn or a later one still count as before.
    pub from: Turn,
    /// What they count as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
}

/// A message's place in its conversation: by time, then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageKey {
    /// When it was written.
    pub at: Moment,
    /// Its id.
    pub id: MessageId,
}

impl From<&Message> for MessageKey {
    fn from(message: &Message) -> Self {
        Self { at: message.created_at, id: message.id }
    }
}

impl From<Turn> for MessageKey {
    fn from(turn: Turn) -> Self {
        Self { at: turn.at, id: turn.message }
    }
}

/// Whose an account and its inboxes are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<Option<InboxId>, ProviderId>);

impl Links {
    /// The provider of a conversation in this inbox: the inbox's own, else the account's.
    pub fn owner(&self, inbox: Option<InboxId>) -> Option<&ProviderId> {
        inbox.and_then(|inbox| self.0.get(&Some(inbox))).or_else(|| self.0.get(&None))
    }
}

/// One step of the ledger, written as a whole or not at all.
#[derive(Debug)]
pub struct LedgerWrite<'a> {
    /// The conversation.
    pub id: ConversationId,
    /// Its state after the step.
    pub state: &'a ConversationState,
    /// The version of the state it was decided on.
    pub read: u64,
    /// The message after the step, if it changes.
    pub message: Option<&'a Message>,
    /// What changes in the reply signals.
    pub delta: &'a ReplyDelta,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) since: Moment,
    pub(crate) provider: ProviderId,
    #[serde(default)]
    pub(crate) conversations: Looked,
}

/// Whether the conversations that were in an account before it was somebody's have been asked to be looked at again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// Not all of them.
    #[default]
    Due,
    /// All of them.
    Done,
}

/// A conversation in the list of its account's.
#[derive(Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Absent where it was listed before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) inbox: Option<InboxId>,
}

/// Messages a page when walking a conversation. Larger reads more than needed, smaller asks more often.
const PAGE: i32 = 25;

impl Table {
    /// The most provider days, open waits included, that one [`LedgerWrite`] can change.
    pub const LEDGER_STEP: usize = TRANSACTION_LIMIT - 2;

    /// The most of those that one wait can change: as it was and as it is, each with its renter's week and another wait of it that counts
    /// for less or more by it, which takes two.
    pub const A_WAIT: usize = 8;

    /// A conversation's state.
    pub async fn conversation(&self, id: ConversationId) -> Result<Stored<ConversationState>, TableError> {
        let stored = self.stored(&keys::conversation(id)).await?;
        Ok(stored.unwrap_or(Stored { value: ConversationState::default(), version: 0 }))
    }

    /// The message of this key, if it is in the ledger.
    pub async fn message(&self, id: ConversationId, key: MessageKey) -> Result<Option<Message>, TableError> {
        self.get(&keys::message(id, key)).await?.map(item::read).transpose()
    }

    /// The message of this key, if it is in the ledger, and those after it up to and including the first one that `last`
    /// accepts.
    pub async fn messages_from(
        &self,
        id: ConversationId,
        from: MessageKey,
        last: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>, TableError> {
        let end = format!("{}{END}", keys::MESSAGE);
        self.walk(id, (keys::message_sort(from), end), Order::Ascending, last).await
    }

    /// The messages after this key, up to and including the first one that `last` accepts.
    pub async fn messages_after(
        &self,
        id: ConversationId,
        after: MessageKey,
        last: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>, TableError> {
        let end = format!("{}{END}", keys::MESSAGE);
        self.walk(id, (behind(&keys::message_sort(after)), end), Order::Ascending, last).await
    }

    /// The messages before this key, latest first, up to and including the first one that `last` accepts.
    pub async fn messages_before(
        &self,
        id: ConversationId,
        before: MessageKey,
        last: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>, TableError> {
        // '!' sorts below every character of a key, so this bound leaves out `before` itself.
        let bound = before_key(&keys::message_sort(before));
        self.walk(id, (keys::MESSAGE.to_owned(), bound), Order::Descending, last).await
    }

    /// All messages of a conversation, in order.
    pub async fn messages(&self, id: ConversationId) -> Result<Vec<Message>, TableError> {
        let end = format!("{}{END}", keys::MESSAGE);
        self.walk(id, (keys::MESSAGE.to_owned(), end), Order::Ascending, |_| false).await
    }

    async fn walk(
        &self,
        id: ConversationId,
        (mut from, mut to): (String, String),
        order: Order,
        last: impl Fn(&Message) -> bool,
    ) -> Result<Vec<Message>, TableError> {
        let mut found: Vec<Message> = Vec::new();
        loop {
            if from > to {
                return Ok(found);
            }
            let range = Range { pk: keys::chat(id), from: &from, to: &to };
            let (page, more) = self.page(&range, order, PAGE).await?;
            let reached = page.last().map(|item| item::sort_key(item).to_owned());
            for item in page {
                let message: Message = item::read(item)?;
                let stop = last(&message);
                found.push(message);
                if stop {
                    return Ok(found);
                }
            }
            match (reached, more, order) {
                (Some(reached), true, Order::Ascending) => from = behind(&reached),
                (Some(reached), true, Order::Descending) => to = before_key(&reached),
                _ => return Ok(found),
            }
        }
    }

    /// Notes that a conversation exists, and in which inbox, so that it is found when the owner of that becomes known.
    pub async fn list_conversation(
        &self,
        id: ConversationId,
        inbox: Option<InboxId>,
    ) -> Result<(), TableError> {
        self.put(item::item(&keys::listed_conversation(id), &Listed { inbox })?).await
    }

    /// Notes that a conversation claims a contract, so that it is found when the contract becomes known.
    pub async fn list_claimant(&self, contract: &ContractId, id: ConversationId) -> Result<(), TableError> {
        self.put(item::keyed(&keys::claimant(contract, id))).await
    }

    /// Records that a conversation belongs to a contract: our own knowledge, which no browser can set.
    pub async fn record_contract(&self, id: ConversationId, contract: &ContractId) -> Result<(), TableError> {
        self.put(item::keyed(&keys::record(id, contract))).await
    }

    /// The contracts that our own record ties a conversation to.
    pub async fn recorded_contracts(&self, id: ConversationId) -> Result<BTreeSet<ContractId>, TableError> {
        let end = format!("{}{END}", keys::RECORD);
        let range = Range { pk: keys::chat(id), from: keys::RECORD, to: &end };
        let items = self.all(&range).await?;
        items
            .iter()
            .map(|item| {
                let key = item::sort_key(item);
                key.trim_start_matches(keys::RECORD).parse().map_err(|error| TableError::corrupt(key, &error))
            })
            .collect()
    }

    /// What is known of these contracts.
    pub async fn contracts(
        &self,
        ids: &BTreeSet<ContractId>,
    ) -> Result<BTreeMap<ContractId, Contract>, TableError> {
        let mut found = BTreeMap::new();
        for id in ids {
            if let Some(stored) = self.contract(id).await? {
                found.insert(id.clone(), stored.value);
            }
        }
        Ok(found)
    }

    /// Whose an account and its inboxes are.
    pub async fn links(&self, account: AccountId) -> Result<Links, TableError> {
        let end = format!("{}{END}", keys::LINK);
        let range = Range { pk: keys::account(account), from: keys::LINK, to: &end };
        let mut links = Links::default();
        for item in self.all(&range).await? {
            let key = item::sort_key(&item).to_owned();
            let inbox = match key.trim_start_matches(keys::LINK) {
                "" => None,
                inbox => Some(inbox.parse().map_err(|error| TableError::corrupt(&key, &error))?),
            };
            links.0.insert(inbox, item::read::<Link>(item)?.provider);
        }
        Ok(links)
    }

    /// Writes one step of the ledger.
    pub async fn write_ledger(&self, step: &LedgerWrite<'_>) -> Result<(), TableError> {
        let mut writes = vec![self.put_versioned(&keys::conversation(step.id), step.state, step.read)?];
        if let Some(message) = step.message {
            writes.push(self.put_any(item::item(&keys::message(step.id, message.into()), message)?)?);
        }
        let mut delta = ReplyDelta { of_renters: BTreeMap::new(), ..step.delta.clone() };
        for ((provider, renter, week), changes) in &step.delta.of_renters {
            let key = keys::renter_week(provider, renter, *week);
            let stored = self.stored::<RenterWeek>(&key).await?;
            let (before, read) =
                stored.map_or((RenterWeek::default(), 0), |stored| (stored.value, stored.version));
            let after = before.change(provider, changes, &mut delta);
            let mut item = item::item(&key, &after)?;
            let expires_at = week.start().unix() + signals::REPLIES_KEPT_DAYS * 86_400;
            item.insert("expires_at".to_owned(), item::number(expires_at));
            writes.push(self.put_item_versioned(item, read)?);
        }
        // An open wait whose rank or promise changes keeps its key: it is replaced, not deleted and put.
        let opened: BTreeMap<_, _> =
            delta.opened.iter().map(|(provider, wait)| (keys::waiting(provider, wait), wait)).collect();
        for (provider, wait) in &delta.ended {
            let key = keys::waiting(provider, wait);
            if !opened.contains_key(&key) {
                writes.push(self.delete(&key)?);
            }
        }
        for (key, wait) in &opened {
            writes.push(self.put_any(silence::waiting_item(key, wait)?)?);
        }
        writes.extend(self.reply_changes(&delta.closed)?);
        self.transact(writes).await
    }
}

/// The bound of a range that begins just after `key`: a blank sorts below every character of a key.
fn behind(key: &str) -> String {
    format!("{key} ")
}

/// The bound of a range that ends just before `key`.
fn before_key(key: &str) -> String {
    // Keys end in a padded number, so cutting the last digit's predecessor is exact: `…5` becomes `…4~`.
    let (rest, last) = key.split_at(key.len().saturating_sub(1));
    match last.bytes().next() {
        Some(byte) if byte > b' ' => format!("{rest}{}{END}", char::from(byte - 1)),
        _ => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_before_a_key_leaves_out_that_key_and_no_earlier_one() {
        let sort = |at: i64, id: u64| {
            keys::message_sort(MessageKey { at: Moment::from_unix(at).unwrap(), id: MessageId(id) })
        };
        for (at, id) in [(100, 7), (100, 10), (100, 0), (1_700_000_000, 99)] {
            let key = sort(at, id);
            let bound = before_key(&key);
            assert!(bound < key);
            let earlier = if id > 0 { sort(at, id - 1) } else { sort(at - 1, u64::MAX) };
            assert!(earlier <= bound, "{earlier} {bound}");
        }
    }
}
