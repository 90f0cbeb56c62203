//! Providers, their offerings, and the Chatwoot accounts that are theirs.

use std::collections::{BTreeMap, BTreeSet};

use trust::{
    id::{ConversationId, ConversationNumber, ProviderId, Region},
    marketplace::{ChatPlace, Offering},
    provider::Provider,
    source::mapping::Domain,
    time::Moment,
};

use crate::{
    Freshness, Stored, Table, TableError,
    item::{self, Order, Range},
    keys::{self, END, Key},
    ledger::{Link, Listed, Looked},
};

/// An offering as stored: the latest word on it.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct StoredOffering {
    said_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offering: Option<Offering>,
}

/// Conversations a page of an account's. More may not be told of in one invocation's time; fewer need more of them.
const CONVERSATIONS_A_PAGE: i32 = 100;

/// Whose an account or inbox is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub holder: ProviderId,
    /// Whether its conversations have been looked at since.
    pub conversations: Looked,
}

/// A page of an account's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InAccount {
    /// The conversations.
    pub conversations: Vec<ConversationId>,
    /// Behind which one the next page begins, if there is one.
    pub next: Option<ConversationNumber>,
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

    /// Notes that a provider says his website is at a domain. It stays noted when he moves: who looks there looks at what he says now.
    pub async fn note_domain(&self, domain: &Domain, provider: &ProviderId) -> Result<(), TableError> {
        let key = keys::at_domain(domain, provider);
        self.put(item::item(&key, &BTreeMap::<String, String>::new())?).await
    }

    /// The providers whose website is at a domain, as far as they say so now, in the order of their ids.
    pub async fn providers_at(&self, domain: &Domain) -> Result<Vec<ProviderId>, TableError> {
        let items = self.all(&Range { pk: keys::domain(domain), from: "!", to: END }).await?;
        let noted: Vec<ProviderId> = items
            .iter()
            .map(|item| {
                let key = item::sort_key(item);
                key.parse().map_err(|error| TableError::corrupt(key, &error))
            })
            .collect::<Result<_, _>>()?;
        if noted.is_empty() {
            return Ok(noted);
        }
        let known = self.providers_of(&noted).await?;
        let now_at =
            noted.into_iter().zip(known).filter(|(_, known)| known.domain().as_ref() == Some(domain));
        Ok(now_at.map(|(provider, _)| provider).collect())
    }

    /// Notes that an account, or an inbox of it, is a provider's since `since`.
    ///
    /// The earliest claim holds for ever, so that no later one takes a provider's conversations away. Answers whose it is now.
    pub async fn link(
        &self,
        place: ChatPlace,
        provider: &ProviderId,
        since: Moment,
    ) -> Result<Held, TableError> {
        let key = keys::link(place.account, place.inbox);
        let stored: Option<Stored<Link>> = self.stored(&key).await?;
        let read = stored.as_ref().map_or(0, |stored| stored.version);
        let mut conversations = Looked::Due;
        if let Some(Stored { value: held, .. }) = stored {
            if (held.since, &held.provider) <= (since, provider) {
                return Ok(Held { holder: held.provider, conversations: held.conversations });
            }
            if held.provider == *provider {
                conversations = held.conversations;
            }
        }
        let claim = Link { since, provider: provider.clone(), conversations };
        self.transact(vec![self.put_versioned(&key, &claim, read)?]).await?;
        Ok(Held { holder: claim.provider, conversations })
    }

    /// Notes that all conversations that were in an account or inbox have been asked to be looked at since it is this provider's. Where it is
    /// somebody else's by now, nothing is noted.
    pub async fn looked_at_conversations(
        &self,
        place: ChatPlace,
        holder: &ProviderId,
    ) -> Result<(), TableError> {
        let key = keys::link(place.account, place.inbox);
        let Some(Stored { value, version }) = self.stored::<Link>(&key).await? else { return Ok(()) };
        if value.provider != *holder || value.conversations == Looked::Done {
            return Ok(());
        }
        let link = Link { conversations: Looked::Done, ..value };
        self.transact(vec![self.put_versioned(&key, &link, version)?]).await
    }

    /// A page of the conversations that may be in an account, or in an inbox of it.
    pub async fn conversations_in(
        &self,
        place: ChatPlace,
        behind: Option<ConversationNumber>,
    ) -> Result<InAccount, TableError> {
        let account = place.account;
        let end = format!("{}{END}", keys::CONVERSATIONS);
        // A blank sorts below every character of a key, so this is the next possible one.
        let from = behind.map_or_else(
            || keys::CONVERSATIONS.to_owned(),
            |number| format!("{} ", keys::listed_conversation(ConversationId { account, number }).sk),
        );
        let range = Range { pk: keys::account(account), from: &from, to: &end };
        let (items, more) = self.page(&range, Order::Ascending, CONVERSATIONS_A_PAGE).await?;
        let (mut conversations, mut last) = (Vec::new(), None);
        for item in items {
            let key = item::sort_key(&item).to_owned();
            let number = key.trim_start_matches(keys::CONVERSATIONS).parse();
            let number = ConversationNumber(number.map_err(|error| TableError::corrupt(&key, &error))?);
            last = Some(number);
            let Listed { inbox } = item::read(item)?;
            if place.inbox.is_none() || inbox.is_none() || inbox == place.inbox {
                conversations.push(ConversationId { account, number });
            }
        }
        Ok(InAccount { conversations, next: last.filter(|_| more) })
    }

    /// What is known of these providers, in their order. A batch read of one item each, possibly a moment old.
    pub async fn providers_of(&self, ids: &[ProviderId]) -> Result<Vec<Provider>, TableError> {
        let keys: Vec<Key> = ids.iter().map(keys::profile).collect();
        let items = self.get_batch(&keys, Freshness::Recent).await?;
        items.into_iter().map(|item| item.map_or_else(|| Ok(Provider::default()), item::read)).collect()
    }

    /// A provider's offerings, of those that can be rented.
    pub async fn offerings(
        &self,
        of: &ProviderId,
        freshness: Freshness,
    ) -> Result<Vec<Offering>, TableError> {
        let range = Range { pk: keys::offerings(of), from: "!", to: END };
        let items = match freshness {
            Freshness::LastWrite => self.all(&range).await?,
            Freshness::Recent => self.all_relaxed(&range).await?,
        };
        let offered =
            items.into_iter().map(|item| item::read(item).map(|word: StoredOffering| word.offering));
        let offered: Vec<Option<Offering>> = offered.collect::<Result<_, _>>()?;
        Ok(offered.into_iter().flatten().collect())
    }

    /// Where a provider's offerings are, of those that can be rented.
    pub async fn regions(&self, of: &ProviderId) -> Result<BTreeSet<Region>, TableError> {
        let offerings = self.offerings(of, Freshness::LastWrite).await?;
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
