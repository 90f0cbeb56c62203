//! What the ledger is checked against: conversations that have changed, and their messages, read as the webhook would have been.

use serde::Deserialize;
use trust::{
    chat::{ConversationSighting, Message},
    id::{AccountId, ConversationNumber, MessageId},
    time::Moment,
};

use super::{By, Chatwoot, ClientError};
use crate::webhook::{self, RestConversation, RestMessage};

/// The widest window that is asked for in one unpaged list, in seconds. Wider ones, after an outage, are read page by page.
const UNPAGED: u32 = 6 * 3600;

/// Conversations a page.
const CONVERSATIONS_A_PAGE: usize = 25;

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
    payload: Vec<RestConversation>,
}

#[derive(Deserialize)]
struct Messages {
    payload: Vec<RestMessage>,
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
        let mut changed = Vec::new();
        for page in 1_u32.. {
            let found = self.list(account, &format!("sort_by=last_activity_at_desc&page={page}")).await?;
            let full = found.len() >= CONVERSATIONS_A_PAGE;
            let older = found.iter().any(|listed| listed.last_activity_at < since);
            changed.extend(found.into_iter().filter(|listed| listed.last_activity_at >= since));
            if older || !full {
                break;
            }
        }
        Ok(changed)
    }

    async fn list(&self, account: AccountId, query: &str) -> Result<Vec<Listed>, ClientError> {
        let path = format!("/api/v1/accounts/{account}/conversations?status=all&{query}");
        let found: List = self.get(By::User, &path).await?;
        Ok(found.data.payload.iter().map(webhook::listed).collect())
    }

    /// The messages of a conversation that came after this one, in order.
    pub async fn messages_after(
        &self,
        account: AccountId,
        number: ConversationNumber,
        after: MessageId,
    ) -> Result<Vec<Message>, ClientError> {
        let (mut messages, mut after) = (Vec::new(), after);
        loop {
            let path = format!("/api/v1/accounts/{account}/conversations/{number}/messages?after={after}");
            let found: Messages = self.get(By::User, &path).await?;
            let full = found.payload.len() >= MESSAGES_A_PAGE;
            let page = found.payload.iter().map(|message| webhook::found(account, message));
            let before = after;
            for message in page {
                after = after.max(message.id);
                messages.push(message);
            }
            if !full || after == before {
                return Ok(messages);
            }
        }
    }
}
