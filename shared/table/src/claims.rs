//! What offerings claimed, what renters measured of them, and what was found of each.
//!
//! A claim is kept by the moment it was made, so that a run is held against what was claimed when its contract was requested, whatever has been
//! claimed since, and whatever is heard of late. What a renter measured is written together with what it changes in the provider's signal and in
//! what is known of the offerings.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use trust::{
    claims::{
        Evidence, KEPT_DAYS,
        measured::{ClaimDelta, Measurements, Rented, Seen},
    },
    contract::Contract,
    id::{ContractId, OfferingId, ProviderId, RenterId},
    offering::Specification,
    source::PageId,
    time::Moment,
};

use crate::{
    PageFacts, Stored, Table, TableError,
    item::{self, Item, Order, Range},
    keys::{self, END},
};

/// Renters whose measurements are read at once. More of them cost more memory, fewer more requests.
const RENTERS_AT_ONCE: i32 = 16;

/// What an offering claimed from a moment on; nothing, where it was withdrawn or did not say.
#[derive(Serialize, Deserialize)]
struct Claimed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Specification>,
}

/// What a page of an independent site says of an offering's machine.
#[derive(Serialize, Deserialize)]
struct Said {
    said: Vec<Evidence>,
}

/// What a page of an independent site said of an offering's machine when it was read last, whoever's it is by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Which page.
    pub page: PageId,
    /// The offering whose it was then.
    pub offering: OfferingId,
    /// What it said.
    pub said: Vec<Evidence>,
}

/// What others than a provider and this service say of his offerings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Independent {
    /// What renters found of each offering.
    pub evidence: BTreeMap<OfferingId, Vec<Evidence>>,
    /// What pages said of the machine of one: evidence only where the page is of that offering by today's configuration.
    pub published: Vec<Published>,
    /// What pages say of his machines, to be shown, in JSON for the readers of the source to know.
    pub rated: Vec<(PageId, PageFacts)>,
}

/// What a renter has measured at a provider, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measuring {
    /// At whom.
    pub provider: ProviderId,
    /// Who.
    pub renter: RenterId,
    /// What.
    pub measurements: Stored<Measurements>,
}

/// What a renter has measured at a provider, as it is kept.
fn measured(provider: &ProviderId, item: Item) -> Result<Measuring, TableError> {
    let key = item::sort_key(&item).to_owned();
    let renter = key.strip_prefix(keys::MEASURED).and_then(|renter| renter.parse().ok());
    let renter = renter.ok_or_else(|| TableError::corrupt(&key, "not a renter"))?;
    Ok(Measuring { provider: provider.clone(), renter, measurements: item::versioned(item)? })
}

impl Table {
    /// Notes what an offering claims from a moment on. Of two words of the same second the one that orders last holds.
    pub async fn note_claim(
        &self,
        (provider, offering): (&ProviderId, &OfferingId),
        since: Moment,
        claim: Option<&Specification>,
    ) -> Result<(), TableError> {
        let key = keys::claimed(provider, offering, since);
        let stored: Option<Stored<Claimed>> = self.stored(&key).await?;
        if stored.as_ref().is_some_and(|stored| stored.value.claim.as_ref() >= claim) {
            return Ok(());
        }
        let read = stored.map_or(0, |stored| stored.version);
        self.put_if(item::item(&key, &Claimed { claim: claim.cloned() })?, read).await
    }

    /// What an offering claimed at a moment, as far as it is known.
    pub async fn claimed_at(
        &self,
        provider: &ProviderId,
        offering: &OfferingId,
        at: Moment,
    ) -> Result<Option<Specification>, TableError> {
        let (from, to) = (format!("claimed#{offering}#"), keys::claimed(provider, offering, at).sk);
        let range = Range { pk: keys::claims(provider), from: &from, to: &to };
        let (items, _) = self.page(&range, Order::Descending, 1).await?;
        let latest = items.into_iter().next().map(item::read::<Claimed>).transpose()?;
        Ok(latest.and_then(|latest| latest.claim))
    }

    /// What a contract's machine is held against, as far as it is known; `None` before its terms are.
    pub async fn rented(&self, contract: &Contract) -> Result<Option<Rented>, TableError> {
        let Some((requested_at, terms)) = &contract.requested else { return Ok(None) };
        let claim = self.claimed_at(&terms.provider_id, &terms.offering_id, *requested_at).await?;
        Ok(Rented::of(contract, claim))
    }

    /// What a contract's renter has measured at its provider; `None` before its terms are known.
    pub async fn measuring(&self, contract: &Contract) -> Result<Option<Measuring>, TableError> {
        match contract.terms() {
            Some(terms) => Ok(Some(self.measured_by(&terms.provider_id, &terms.renter_id).await?)),
            None => Ok(None),
        }
    }

    async fn measured_by(&self, provider: &ProviderId, renter: &RenterId) -> Result<Measuring, TableError> {
        let stored = self.stored(&keys::measurements(provider, renter)).await?;
        let measurements = stored.unwrap_or(Stored { value: Measurements::default(), version: 0 });
        Ok(Measuring { provider: provider.clone(), renter: renter.clone(), measurements })
    }

    /// Writes what a renter has measured, together with what changes in the provider's signal and in what is known of his offerings, on
    /// condition that nobody else has written any of it meanwhile. Where nothing changes, nothing is written.
    pub async fn write_measurements(
        &self,
        before: &Measuring,
        after: &Measurements,
    ) -> Result<(), TableError> {
        let Measuring { provider, renter, measurements } = before;
        if measurements.value == *after {
            return Ok(());
        }
        let mut delta = ClaimDelta::default();
        measurements.value.difference(after, provider, &mut delta);
        let key = keys::measurements(provider, renter);
        let mut writes: Vec<TransactWriteItem> =
            vec![self.put_versioned(&key, &after.without_old(), measurements.version)?];
        let (seen_before, mut seen_after) = (measurements.value.sightings(), after.sightings());
        let offerings: BTreeSet<&OfferingId> = seen_before.keys().chain(seen_after.keys()).collect();
        let changed: Vec<OfferingId> = offerings
            .into_iter()
            .filter(|offering| seen_before.get(*offering) != seen_after.get(*offering))
            .cloned()
            .collect();
        for offering in changed {
            let key = keys::seen(provider, &offering);
            let stored = self.stored(&key).await?.unwrap_or(Stored { value: Seen::default(), version: 0 });
            let seen = stored.value.with(renter, seen_after.remove(&offering));
            writes.push(self.put_versioned(&key, &seen, stored.version)?);
        }
        writes.extend(self.claim_changes(&delta)?);
        self.transact(writes).await
    }

    /// Decides once more what was measured within a contract, by what is known of it now, and says what all of its renter's is then. `None`
    /// where nothing was measured.
    pub async fn settle_measurements(
        &self,
        id: &ContractId,
        contract: &Contract,
    ) -> Result<Option<Measuring>, TableError> {
        let Some(mut measuring) = self.measuring(contract).await? else { return Ok(None) };
        if measuring.measurements.value.about(id).is_none() {
            return Ok(None);
        }
        let Some(rented) = self.rented(contract).await? else { return Ok(None) };
        let parties = self.parties(&measuring.provider, &measuring.renter).await?;
        let known = measuring.measurements.value.known(parties, id, rented);
        self.write_measurements(&measuring, &known).await?;
        measuring.measurements.value = known;
        Ok(Some(measuring))
    }

    /// Decides once more what was measured of an offering, after something was heard of what it claims or claimed since a moment: whoever has
    /// measured it within a contract that was requested from then on, whether it counts and is kept with the offering or not. What of a renter
    /// can not be read is passed over, so that it keeps nobody else's from being decided.
    pub async fn reclaim(
        &self,
        (provider, offering): (&ProviderId, &OfferingId),
        since: Moment,
    ) -> Result<(), TableError> {
        let to = format!("{}{END}", keys::MEASURED);
        let mut from = keys::MEASURED.to_owned();
        loop {
            let range = Range { pk: keys::claims(provider), from: &from, to: &to };
            let (page, more) = self.page(&range, Order::Ascending, RENTERS_AT_ONCE).await?;
            let last = page.last().map(|item| item::sort_key(item).to_owned());
            for item in page {
                match measured(provider, item) {
                    Ok(measuring) => self.reclaim_of(measuring, offering, since).await?,
                    Err(error) => tracing::error!(%provider, %error, "what a renter measured is passed over"),
                }
            }
            match last {
                // No key holds a character below '!', so this is the next possible key.
                Some(last) if more => from = format!("{last} "),
                _ => return Ok(()),
            }
        }
    }

    async fn reclaim_of(
        &self,
        measuring: Measuring,
        offering: &OfferingId,
        since: Moment,
    ) -> Result<(), TableError> {
        let measurements = &measuring.measurements.value;
        let mut known = measurements.clone();
        for (contract, measured) in measurements.iter() {
            if measured.offering() == offering && measured.requested_at() >= since {
                let claim = self.claimed_at(&measuring.provider, offering, measured.requested_at()).await?;
                known = known.claimed(contract, claim);
            }
        }
        self.write_measurements(&measuring, &known).await
    }

    /// Keeps what an independent site says of an offering's machine on a page, in place of what it said there before. Nothing said is nothing kept.
    pub async fn write_published(
        &self,
        (provider, offering): (&ProviderId, &OfferingId),
        page: &PageId,
        said: &[Evidence],
        now: Moment,
    ) -> Result<(), TableError> {
        let key = keys::published(provider, offering, page);
        let mut item = item::item(&key, &Said { said: said.to_vec() })?;
        let expires_at = now.plus(i64::from(KEPT_DAYS) * 86_400);
        item.insert("expires_at".to_owned(), item::number(expires_at.unix()));
        self.put(item).await
    }

    /// Keeps what people are shown of a page about a provider's machines, in place of what it said before.
    pub async fn write_rated(
        &self,
        provider: &ProviderId,
        page: &PageId,
        said: &PageFacts,
    ) -> Result<(), TableError> {
        self.put(item::item(&keys::rated(provider, page), said)?).await
    }

    /// Notes that a page was read and says what it said before. Where nothing of it is kept to be shown, nothing happens.
    pub async fn rated_as_before(
        &self,
        provider: &ProviderId,
        page: &PageId,
        now: Moment,
    ) -> Result<(), TableError> {
        let Some(item) = self.get(&keys::rated(provider, page)).await? else { return Ok(()) };
        let said: PageFacts = item::read(item)?;
        self.write_rated(provider, page, &PageFacts { read_at: said.read_at.max(now), ..said }).await
    }

    /// What others than a provider and this service say of his offerings, as of a moment ago. One query: all of it stands side by side.
    pub async fn independent_of(&self, provider: &ProviderId) -> Result<Independent, TableError> {
        let to = format!("{}{END}", keys::RATED);
        let range = Range { pk: keys::claims(provider), from: keys::SEEN, to: &to };
        let mut found = Independent::default();
        for item in self.all_relaxed(&range).await? {
            let key = item::sort_key(&item).to_owned();
            if key.starts_with(keys::RATED) {
                let page = keys::rated_page(&key).ok_or_else(|| TableError::corrupt(&key, "not a page"))?;
                found.rated.push((page, item::read(item)?));
                continue;
            }
            let offering = |id: &str| id.parse().map_err(|error| TableError::corrupt(&key, &error));
            if let Some(id) = key.strip_prefix(keys::SEEN) {
                let seen: Seen = item::read(item)?;
                found.evidence.insert(offering(id)?, seen.evidence().collect());
            } else {
                let (id, page) =
                    keys::published_page(&key).ok_or_else(|| TableError::corrupt(&key, "not a page"))?;
                let Said { said } = item::read(item)?;
                found.published.push(Published { page, offering: offering(id)?, said });
            }
        }
        Ok(found)
    }
}
