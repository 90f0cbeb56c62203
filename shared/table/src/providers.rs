//! Providers, their offerings, and the Chatwoot accounts that are theirs.

use std::collections::BTreeSet;

use trust::{
    id::{AccountId, ConversationId, ConversationNumber, ProviderId, Region},
    marketplace::{ChatPlace, Offering},
    provider::Provider,
    time::Moment,
};

use crate::{
    Freshness, Stored, Table, TableError,
    item::{self, Range},
    keys::{self, END, Key},
    ledger::Link,
};

/// An offering as stored: the latest word on it.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredOffering {
    said_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offering: Option<Offering>,
}

/// The offering, where it can be rented.
pub(crate) fn offered(word: StoredOffering) -> Option<Offering> {
    word.offering
}

impl Table {
    /// What is known of a provider.
    pub async fn provider(&self, id: &ProviderId) -> Result<Stored<Provider>, TableError> {
        let stored = self.stored(&keys::profile(id)).await?;
        Ok(stored.unwrap_or(Stored { value: Provider::default(), version: 0 }))
    }

    /// Writes what is known of a provider.
    pub async fn write_provider(
        &self,
        id: &ProviderId,
        provider: &Provider,
        read: u64,
    ) -> Result<(), TableError> {
        self.transact(vec![self.put_versioned(&keys::profile(id), provider, read)?]).await
    }

    /// Notes that an account, or an inbox of it, is a provider's since `since`.
    ///
    /// The earliest claim holds for ever, so that no later one takes a provider's conversations away. Answers whose it is now.
    pub async fn link(
        &self,
        place: ChatPlace,
        provider: &ProviderId,
        since: Moment,
    ) -> Result<ProviderId, TableError> {
        let key = keys::link(place.account, place.inbox);
        let stored: Option<Stored<Link>> = self.stored(&key).await?;
        let read = stored.as_ref().map_or(0, |stored| stored.version);
        let claim = Link { since, provider: provider.clone() };
        if let Some(Stored { value: held, .. }) = stored
            && (held.since, &held.provider) <= (claim.since, &claim.provider)
        {
            return Ok(held.provider);
        }
        self.transact(vec![self.put_versioned(&key, &claim, read)?]).await?;
        Ok(claim.provider)
    }

    /// The conversations of an account.
    pub async fn conversations_of(&self, account: AccountId) -> Result<Vec<ConversationId>, TableError> {
        let end = format!("{}{END}", keys::CONVERSATIONS);
        let range = Range { pk: keys::account(account), from: keys::CONVERSATIONS, to: &end };
        let items = self.all(&range).await?;
        items
            .iter()
            .map(|item| {
                let key = item::sort_key(item);
                let number = key
                    .trim_start_matches(keys::CONVERSATIONS)
                    .parse()
                    .map_err(|error| TableError::corrupt(key, &error))?;
                Ok(ConversationId { account, number: ConversationNumber(number) })
            })
            .collect()
    }

    /// What is known of these providers, in their order. A batch read of one item each, possibly a moment old.
    pub async fn providers_of(&self, ids: &[ProviderId]) -> Result<Vec<Provider>, TableError> {
        let keys: Vec<Key> = ids.iter().map(keys::profile).collect();
        let items = self.get_batch(&keys, Freshness::Recent).await?;
        items.into_iter().map(|item| item.map_or_else(|| Ok(Provider::default()), item::read)).collect()
    }

    /// A provider's offerings, of those that can be rented.
    pub async fn offerings(&self, of: &ProviderId) -> Result<Vec<Offering>, TableError> {
        let items = self.all(&Range { pk: keys::offerings(of), from: "!", to: END }).await?;
        let offered =
            items.into_iter().map(|item| item::read(item).map(|word: StoredOffering| word.offering));
        let offered: Vec<Option<Offering>> = offered.collect::<Result<_, _>>()?;
        Ok(offered.into_iter().flatten().collect())
    }

    /// Where a provider's offerings are, of those that can be rented.
    pub async fn regions(&self, of: &ProviderId) -> Result<BTreeSet<Region>, TableError> {
        let offerings = self.offerings(of).await?;
        Ok(offerings.into_iter().filter_map(|offering| offering.region).collect())
    }

    /// Keeps the latest word on an offering: what it is, or (`None`) that it was withdrawn.
    pub async fn write_offering(
        &self,
        key: (&ProviderId, &trust::id::OfferingId),
        said_at: Moment,
        offering: Option<&Offering>,
    ) -> Result<(), TableError> {
        let key: Key = keys::offering(key.0, key.1);
        let stored: Option<Stored<StoredOffering>> = self.stored(&key).await?;
        let read = stored.as_ref().map_or(0, |stored| stored.version);
        let word = StoredOffering { said_at, offering: offering.cloned() };
        if let Some(Stored { value: held, .. }) = stored
            && (held.said_at, &held.offering) >= (word.said_at, &word.offering)
        {
            return Ok(());
        }
        self.transact(vec![self.put_versioned(&key, &word, read)?]).await
    }
}
