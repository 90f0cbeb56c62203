//! Contracts, and the conversations that claim them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use trust::{
    contract::{Contract, ContractDelta},
    id::{ContractId, ConversationId, ProviderId, RenterId},
    marketplace::Terms,
    renters::Served,
};

use crate::{
    Stored, Table, TableError,
    item::{self, Range},
    keys::{self, END},
    signals,
};

/// A renter of a provider.
#[derive(Debug, Serialize, Deserialize)]
struct ServedRenter {
    /// In how many contracts he was served.
    contracts: u64,
}

impl Table {
    /// What is known of a contract.
    pub async fn contract(&self, id: &ContractId) -> Result<Option<Stored<Contract>>, TableError> {
        self.stored(&keys::contract_itself(id)).await
    }

    /// Writes what is known of a contract, together with what changes in its provider's signals.
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
        for ((provider, renter), by) in &delta.served {
            writes.extend(self.serve(provider, renter, *by).await?);
        }
        self.transact(writes).await
    }

    /// Moves a renter from the class of those served so often to the next.
    async fn serve(
        &self,
        provider: &ProviderId,
        renter: &RenterId,
        by: i64,
    ) -> Result<Vec<TransactWriteItem>, TableError> {
        let key = keys::renter(provider, renter);
        let stored = self.stored::<ServedRenter>(&key).await?;
        let (before, read) = stored.map_or((0, 0), |stored| (stored.value.contracts, stored.version));
        let after = before.saturating_add_signed(by);
        let mut writes = vec![self.put_versioned(&key, &ServedRenter { contracts: after }, read)?];
        let (left, entered) = (Served::of(before), Served::of(after));
        let large = keys::large_renter(provider, renter);
        if entered.is_some_and(Served::is_open) {
            writes.push(self.put_any(item::item(&large, &ServedRenter { contracts: after })?)?);
        } else if left.is_some_and(Served::is_open) {
            writes.push(self.delete(&large)?);
        }
        if left != entered {
            let classes = [(left, -1), (entered, 1)];
            let counters =
                classes.into_iter().filter_map(|(class, by)| Some((signals::served_name(class?), by)));
            writes.push(self.add(&keys::renters(provider), counters, None)?);
        }
        Ok(writes)
    }

    /// Notes a contract with both its sides, so that it is found when it becomes known who is behind one of them.
    pub async fn list_deal(&self, terms: &Terms) -> Result<(), TableError> {
        for side in [terms.provider_id.as_str(), terms.renter_id.as_str()] {
            self.put(item::keyed(&keys::deal(side, &terms.contract_id))).await?;
        }
        Ok(())
    }

    /// The contracts in which a provider is one side or the other.
    pub async fn deals_of(&self, provider: &ProviderId) -> Result<Vec<ContractId>, TableError> {
        let pk = keys::deals(provider.as_str());
        let items = self.all(&Range { pk, from: "!", to: END }).await?;
        let contract = |item: &item::Item| {
            let key = item::sort_key(item);
            key.parse().map_err(|error| TableError::corrupt(key, &error))
        };
        items.iter().map(contract).collect()
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
