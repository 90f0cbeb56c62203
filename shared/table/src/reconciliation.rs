//! How far the ledger has been checked against Chatwoot: a watermark an account, a mark a conversation.
//!
//! Accounts stand in the sparse index `refresh` by the time of their next check.

use serde::{Deserialize, Serialize};
use trust::{
    id::{AccountId, ConversationId, MessageId},
    time::Moment,
};

use crate::{Stored, Table, TableError, due, item, keys};

const ACCOUNTS: &str = "reconcile";

/// How far an account has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// What changed before this is in the ledger.
    pub since: Moment,
    /// When it is to be checked again.
    pub due: Moment,
}

/// How far a conversation has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Messages up to this one will not change any more, as far as we look.
    pub after: MessageId,
    /// The state of the conversation that was checked whole: Chatwoot's `updated_at`, in microseconds; 0 where none was.
    #[serde(default)]
    pub whole: u64,
}

impl Default for Checked {
    fn default() -> Self {
        Self { after: MessageId(0), whole: 0 }
    }
}

impl Table {
    /// Lets an account be checked from now on, if it is not yet.
    pub async fn begin_reconciling(&self, account: AccountId, now: Moment) -> Result<(), TableError> {
        match self.write_watermark(account, &Watermark { since: now, due: now }, 0).await {
            Err(TableError::Conflict) => Ok(()),
            outcome => outcome,
        }
    }

    /// How far an account has been checked; `None` where it is nobody's.
    pub async fn watermark(&self, account: AccountId) -> Result<Option<Stored<Watermark>>, TableError> {
        self.stored(&keys::watermark(account)).await
    }

    /// Writes how far an account has been checked, on condition that nobody else has meanwhile.
    pub async fn write_watermark(
        &self,
        account: AccountId,
        watermark: &Watermark,
        read: u64,
    ) -> Result<(), TableError> {
        let mut item = item::item(&keys::watermark(account), watermark)?;
        due::look_again(&mut item, ACCOUNTS, watermark.due, account);
        self.put_if(item, read).await
    }

    /// The accounts that were to be checked by now, the longest due first, as of a moment ago.
    pub async fn accounts_due(&self, now: Moment) -> Result<Vec<AccountId>, TableError> {
        let items = self.index_all(due::INDEX, ACCOUNTS, &due::bound(now)).await?;
        items
            .iter()
            .map(|item| {
                let key = item::partition_key(item);
                keys::account_of(key).ok_or_else(|| TableError::corrupt(key, "not an account"))
            })
            .collect()
    }

    /// How far a conversation has been checked.
    pub async fn checked(&self, id: ConversationId) -> Result<Stored<Checked>, TableError> {
        let stored = self.stored(&keys::checked(id)).await?;
        Ok(stored.unwrap_or(Stored { value: Checked::default(), version: 0 }))
    }

    /// Writes how far a conversation has been checked, on condition that nobody else has meanwhile.
    pub async fn write_checked(
        &self,
        id: ConversationId,
        checked: &Checked,
        read: u64,
    ) -> Result<(), TableError> {
        self.put_if(item::item(&keys::checked(id), checked)?, read).await
    }
}
