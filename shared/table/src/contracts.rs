//! Contracts, and the conversations that claim them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use trust::{
    contract::{Contract, ContractDelta},
    id::{ContractId, ConversationId},
};

use crate::{
    Stored, Table, TableError,
    item::{self, Range},
    keys::{self, END},
};

impl Table {
    /// What is known of a contract.
    pub async fn contract(&self, id: &ContractId) -> Result<Option<Stored<Contract>>, TableError> {
        self.stored(&keys::contract_itself(id)).await
    }

    /// Writes what is known of a contract, together with what changes in its provider's signal.
    pub async fn write_contract(
        &self,
        id: &ContractId,
        contract: &Contract,
        read: u64,
        delta: &ContractDelta,
    ) -> Result<(), TableError> {
        let mut writes: Vec<TransactWriteItem> =
            vec![self.put_versioned(&keys::contract_itself(id), contract, read)?];
        writes.extend(self.contract_changes(delta)?);
        self.transact(writes).await
    }

    /// The conversations that have claimed a contract.
    pub async fn claimants(&self, id: &ContractId) -> Result<Vec<ConversationId>, TableError> {
        let end = format!("{}{END}", keys::CHAT);
        let range = Range { pk: keys::contract(id), from: keys::CHAT, to: &end };
        let items = self.all(&range).await?;
        items
            .iter()
            .map(|item| {
                let key = item::sort_key(item);
                keys::conversation_of(key).ok_or_else(|| TableError::corrupt(key, "not a conversation"))
            })
            .collect()
    }
}
