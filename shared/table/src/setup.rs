//! Chat setups: how far a provider's place in Chatwoot and a contract's conversation have come.
//!
//! An unfinished one also stands in the sparse index `refresh`, by the time at which it is to be worked on: what is left to do is found
//! without looking at what is done.

use serde::Serialize;
use trust::{
    id::{ContractId, ProviderId},
    setup::{Attempts, ContractChat, ProviderChat, Wanted},
    time::Moment,
};

use crate::{
    Stored, Table, TableError, due, item,
    keys::{self, Key},
};

const SETUPS: &str = "chat-setup";

impl Table {
    /// How far a provider's place in Chatwoot has come; `None` where nobody has asked for one.
    pub async fn provider_chat(&self, of: &ProviderId) -> Result<Option<Stored<ProviderChat>>, TableError> {
        self.stored(&keys::provider_chat(of)).await
    }

    /// Writes how far it has come, on condition that nobody else has meanwhile.
    pub async fn write_provider_chat(
        &self,
        of: &ProviderId,
        chat: &ProviderChat,
        read: u64,
    ) -> Result<(), TableError> {
        self.write_setup(&keys::provider_chat(of), chat, &chat.attempts, read).await
    }

    /// How far a contract's conversation has come; `None` where nobody has asked for one.
    pub async fn contract_chat(&self, of: &ContractId) -> Result<Option<Stored<ContractChat>>, TableError> {
        self.stored(&keys::contract_chat(of)).await
    }

    /// Writes how far it has come, on condition that nobody else has meanwhile.
    pub async fn write_contract_chat(
        &self,
        of: &ContractId,
        chat: &ContractChat,
        read: u64,
    ) -> Result<(), TableError> {
        self.write_setup(&keys::contract_chat(of), chat, &chat.attempts, read).await
    }

    /// The setups that are to be worked on by now, the longest due first, as of a moment ago.
    pub async fn setups_due(&self, now: Moment, limit: u16) -> Result<Vec<Wanted>, TableError> {
        let items = self.items_due(SETUPS, now, limit).await?;
        items
            .iter()
            .map(|item| {
                let key = item::partition_key(item);
                keys::provider_of(key)
                    .map(Wanted::Provider)
                    .or_else(|| keys::contract_of(key).map(Wanted::Contract))
                    .ok_or_else(|| TableError::corrupt(key, "neither a provider nor a contract"))
            })
            .collect()
    }

    async fn write_setup(
        &self,
        key: &Key,
        setup: &impl Serialize,
        attempts: &Attempts,
        read: u64,
    ) -> Result<(), TableError> {
        let mut item = item::item(key, setup)?;
        if let Some(due) = attempts.due {
            due::look_again(&mut item, SETUPS, due, &key.pk);
        }
        self.put_if(item, read).await
    }
}
