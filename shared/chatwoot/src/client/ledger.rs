//! What the ledger is checked against: conversations that have changed, and their messages, read as the webhook would have been.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use trust::{
    chat::{ConversationSighting, Message},
    id::{AccountId, ConversationNumber, MessageId},
    time::Moment,
};

use super::{By, Chatwoot, ClientError};
use crate::webhook::{self, RestConversation, RestMessage};

/// The widest window that is asked for in one unpaged list, in seconds. Beyond it conversations are read page by page, by when
/// something was last written: what was only deleted or changed so long ago is not found any more.
const UNPAGED: u32 = 30 * 86_400;

/// By how many ids two pages of messages overlap.
const PAGES_OVERLAP: u64 = 8;

/// Messages that come at a time after a given one.
const MESSAGES_A_PAGE: usize = 100;

/// A conversation as Chatwoot shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What it shows.
    pub sighting: ConversationSighting,
    /// When something last happened in it.
    pub last_activity_at: Moment,
    /// Chatwoot's version of it: `updated_at` in microseconds; absent where it says none. Every message, changed or new, makes it later.
    pub version: Option<u64>,
}

#[derive(Deserialize)]
struct List {
    data: ListData,
}

#[derive(Deserialize)]
struct ListData {
    payload: Vec<Readable<RestConversation>>,
}

#[derive(Deserialize)]
struct Messages {
    payload: Vec<Readable<RestMessage>>,
}

/// One of several, of which one that can not be read must not hide the others.
struct Readable<T>(Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let id = value["id"].as_u64();
        // The error could quote the document.
        let read =
            serde_json::from_value(value).inspect_err(|_| tracing::error!(id, "an entry can not be read"));
        Ok(Self(read.ok()))
    }
}

impl Chatwoot {
    /// The conversations of an account that have changed since then; some that have not may be among them.
    pub async fn changed_since(
        &self,
        account: AccountId,
        since: Moment,
        now: Moment,
    ) -> Result<Vec<Listed>, ClientError> {
        let window = now.since(since);
        if window <= UNPAGED {
            return self.list(account, &format!("updated_within={window}")).await;
        }
        let mut changed: BTreeMap<ConversationNumber, Listed> = BTreeMap::new();
        for page in 1_u32.. {
            let found = self.list(account, &format!("sort_by=last_activity_at_desc&page={page}")).await?;
            let before = changed.len();
            let older = found.iter().any(|listed| listed.last_activity_at < since);
            let recent = found.into_iter().filter(|listed| listed.last_activity_at >= since);
            changed.extend(recent.map(|listed| (listed.sighting.number, listed)));
            // A page that brings nothing new is the last, or no page at all.
            if older || changed.len() == before {
                break;
            }
        }
        Ok(changed.into_values().collect())
    }

    async fn list(&self, account: AccountId, query: &str) -> Result<Vec<Listed>, ClientError> {
        let path = format!("/api/v1/accounts/{account}/conversations?status=all&{query}");
        let found: List = self.get(By::User, &path).await?;
        Ok(found.data.payload.iter().filter_map(|entry| entry.0.as_ref()).map(webhook::listed).collect())
    }

    /// The messages of a conversation that came after this one, in order.
    pub async fn messages_after(
        &self,
        account: AccountId,
        number: ConversationNumber,
        after: MessageId,
    ) -> Result<Vec<Message>, ClientError> {
        let (mut messages, mut after) = (BTreeMap::new(), after);
        loop {
            let path = format!("/api/v1/accounts/{account}/conversations/{number}/messages?after={after}");
            let found: Messages = self.get(By::User, &path).await?;
            let full = found.payload.len() >= MESSAGES_A_PAGE;
            let found = found.payload.iter().filter_map(|entry| entry.0.as_ref());
            messages.extend(found.map(|message| {
                let message = webhook::found(account, message);
                (message.id, message)
            }));
            let Some((&last, _)) = messages.last_key_value() else { break };
            // A few are read again: a message with a smaller id may have been stored a moment later.
            let next = MessageId(last.0.saturating_sub(PAGES_OVERLAP)).max(after);
            if !full || next == after {
                break;
            }
            after = next;
        }
        Ok(messages.into_values().collect())
    }
}
