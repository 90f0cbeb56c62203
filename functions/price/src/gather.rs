//! The daily gathering: every source's offers and every provider's offerings into a market a class, and every offering to its place.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, FuturesUnordered},
};
use serde::Serialize;
use table::{Cursor, Freshness, Table, TableError};
use trust::{
    id::{OperatorId, ProviderId},
    marketplace::Currency,
    offering::Class,
    price::{DropReason, Market, Offer, Rates, Seller, Slug},
    provider::Provider,
    time::{Day, Moment},
};

use crate::{
    App, PriceError,
    names::{self, readable},
    place::{InForce, Offerer, operator, write},
};

/// Providers of a page: what DynamoDB reads in a batch.
const PAGE: u16 = 100;

/// Providers read or written at the same time.
const AT_ONCE: usize = 16;

/// What a gathering came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gathered {
    /// Sources whose offers were read.
    pub sources: usize,
    /// Offers of each class that can be compared.
    pub offers: BTreeMap<Class, usize>,
    /// Offers that can not, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Registered providers.
    pub providers: usize,
    /// Those of them whose offerings could not be placed.
    pub failed: usize,
}

/// A provider as he was read.
struct Read {
    id: ProviderId,
    operator: Option<OperatorId>,
    /// His offerings that say enough to be compared.
    offers: Vec<Offer>,
}

/// Gathers the markets, puts them in force, and places every offering in them.
///
/// What can not be read, a source's prices or a provider, is left out and logged, and stops nothing else.
pub async fn gather(app: &App, now: Moment) -> Result<Gathered, PriceError> {
    let App { table, configuration, policy, .. } = app;
    let on = now.day();
    let mut gathered = Gathered::default();
    let mut offers: Vec<Offer> = Vec::new();
    for list in listed(table).await? {
        gathered.sources += 1;
        offers.extend(list);
    }
    let (mut providers, unread) = everybody(table, on).await?;
    (gathered.providers, gathered.failed) = (unread, unread);
    let names = names::of_all(table, configuration).await?;
    attribute(&mut offers, &names::owners(&names), &providers);
    offers.extend(providers.iter_mut().flat_map(|provider| std::mem::take(&mut provider.offers)));
    let rates = readable(table.rates(on).await, &"exchange rates")?.flatten();
    let rates = rates.unwrap_or_else(|| no_rates(on));
    let mut markets: BTreeMap<Class, Market> = BTreeMap::new();
    for (class, offers) in by_class(offers) {
        let (market, dropped) = Market::gather(policy, offers, rates.clone(), on);
        for one in &dropped {
            tracing::info!(seller = one.offer.seller.name(), name = one.offer.name.as_str(), reason = ?one.reason, "dropped");
        }
        for (reason, count) in market.dropped() {
            *gathered.dropped.entry(*reason).or_default() += count;
        }
        gathered.offers.insert(class, market.offers().len());
        table.write_market(class, &market, now).await?;
        markets.insert(class, market);
    }
    let in_force =
        InForce { markets: markets.iter().map(|(class, market)| (*class, market)).collect(), today: on };
    let mut providers = providers.iter();
    let mut placing = FuturesUnordered::new();
    loop {
        let room = AT_ONCE - placing.len();
        placing.extend(
            providers
                .by_ref()
                .take(room)
                .map(|provider| place_one(app, provider, names.get(&provider.id), &in_force)),
        );
        let Some(placed) = placing.next().await else { break };
        gathered.providers += 1;
        gathered.failed += usize::from(placed.is_err());
    }
    Ok(gathered)
}

/// One that can not be placed is logged, and stops no other. What he offers is read again: others are placed for minutes before his turn
/// comes, and what he has changed meanwhile is not to be written over.
async fn place_one(
    app: &App,
    Read { id, operator, .. }: &Read,
    names: Option<&BTreeSet<Slug>>,
    in_force: &InForce<'_>,
) -> Result<(), TableError> {
    let nameless = BTreeSet::new();
    let names = names.unwrap_or(&nameless);
    let placed = async {
        let offerings = app.table.offerings(id, Freshness::LastWrite).await?;
        let offerer =
            Offerer { id, operator: operator.as_ref(), names, offerings: &offerings, stay: Vec::new() };
        write(&app.table, &app.policy, &offerer, in_force).await
    };
    placed.await.inspect_err(|error| tracing::error!(provider = %id, %error, "offerings not placed"))
}

/// The offers of all sources that can be read.
async fn listed(table: &Table) -> Result<Vec<Vec<Offer>>, TableError> {
    let mut lists = Vec::new();
    for kept in table.price_lists().await? {
        let Some(kept) = readable(kept, &"a source's prices")? else { continue };
        match table.price_list(&kept).await {
            Err(error @ TableError::Unavailable(_)) => return Err(error),
            Err(error) => tracing::error!(source = %kept.source, %error, "prices that can not be read"),
            Ok(list) => lists.push(list),
        }
    }
    Ok(lists)
}

/// Has what lists say of a registered provider under a name that is his be his own, so that he and his operator have one vote.
fn attribute(offers: &mut [Offer], owners: &BTreeMap<&Slug, &ProviderId>, providers: &[Read]) {
    let operators: BTreeMap<&ProviderId, &Option<OperatorId>> =
        providers.iter().map(|provider| (&provider.id, &provider.operator)).collect();
    for offer in offers {
        let Seller::Elsewhere(slug) = &offer.seller else { continue };
        let owner = owners.get(slug).and_then(|owner| operators.get_key_value(owner));
        if let Some((id, operator)) = owner {
            offer.seller = Seller::Here((*id).clone(), (*operator).clone());
        }
    }
}

/// The offers of every class, of those too that have none: what was offered before is withdrawn by that.
fn by_class(offers: Vec<Offer>) -> BTreeMap<Class, Vec<Offer>> {
    let mut classes: BTreeMap<Class, Vec<Offer>> =
        Class::ALL.into_iter().map(|class| (class, Vec::new())).collect();
    for offer in offers {
        classes.entry(offer.machine.class).or_default().push(offer);
    }
    classes
}

/// Without rates only prices in euro can be compared.
fn no_rates(on: Day) -> Rates {
    let a_euro: BTreeMap<Currency, u64> = BTreeMap::new();
    Rates { day: on, source: "none".to_owned(), a_euro }
}

/// All registered providers that can be read, with what each offers, and how many can not be.
async fn everybody(table: &Table, on: Day) -> Result<(Vec<Read>, usize), TableError> {
    let (mut all, mut unread, mut after): (Vec<Read>, usize, Option<Cursor>) = (Vec::new(), 0, None);
    loop {
        let page = table.registered(after.as_ref(), PAGE).await?;
        let known = known(table, &page.items).await?;
        let read = stream::iter(page.items.into_iter().zip(known))
            .map(|(id, known)| read_one(table, id, known, on))
            .buffered(AT_ONCE)
            .try_collect::<Vec<_>>()
            .await?;
        unread += read.iter().filter(|read| read.is_none()).count();
        all.extend(read.into_iter().flatten());
        after = page.next;
        if after.is_none() {
            return Ok((all, unread));
        }
    }
}

/// What is known of these providers, in their order; `None` of one that can not be read.
async fn known(table: &Table, ids: &[ProviderId]) -> Result<Vec<Option<Provider>>, TableError> {
    match table.providers_of(ids).await {
        // One of them, so that each is read by himself.
        Err(TableError::Corrupt { .. }) => {}
        known => return Ok(known?.into_iter().map(Some).collect()),
    }
    let mut all = Vec::with_capacity(ids.len());
    for id in ids {
        all.push(readable(table.provider(id).await, id)?.map(|stored| stored.value));
    }
    Ok(all)
}

async fn read_one(
    table: &Table,
    id: ProviderId,
    known: Option<Provider>,
    on: Day,
) -> Result<Option<Read>, TableError> {
    let Some(known) = known else { return Ok(None) };
    let Some(offerings) = readable(table.offerings(&id, Freshness::Recent).await, &id)? else {
        return Ok(None);
    };
    let operator = operator(&known);
    let offers = offerings.iter().filter_map(|offering| Offer::of_offering(offering, operator, on).ok());
    Ok(Some(Read { offers: offers.collect(), operator: operator.cloned(), id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(seller: &str, class: &str) -> Offer {
        let offering = serde_json::json!({ "provider_id": "x", "offering_id": "o", "name": "VPS",
            "price": { "minor_units": 500, "currency": "EUR" }, "specification": { "class": class, "vcpus": 2, "memory_mib": 4096 } });
        let offering = serde_json::from_value(offering).unwrap();
        let offer = Offer::of_offering(&offering, None, Day::parse("2026-11-23").unwrap()).unwrap();
        Offer { seller: Seller::Elsewhere(Slug::of(seller).unwrap()), ..offer }
    }

    fn read(id: &str, operator: Option<&str>) -> Read {
        let operator = operator.map(|operator| operator.parse().unwrap());
        Read { id: id.parse().unwrap(), operator, offers: Vec::new() }
    }

    #[test]
    fn a_name_that_lists_have_for_a_registered_provider_is_his_and_one_of_several_is_nobodys() {
        let names = [("a", ["acme", "both"]), ("b", ["brand-b", "both"]), ("gone", ["gone", "left"])];
        let slugs = |names: [&str; 2]| names.into_iter().filter_map(Slug::of).collect();
        let names: BTreeMap<ProviderId, BTreeSet<Slug>> =
            names.into_iter().map(|(id, names)| (id.parse().unwrap(), slugs(names))).collect();
        let providers = [read("a", Some("acme-inc")), read("b", None)];
        let mut offers: Vec<Offer> =
            ["acme", "both", "brand-b", "gone", "stranger"].map(|seller| offer(seller, "shared")).into();
        attribute(&mut offers, &names::owners(&names), &providers);
        let here = |id: &str, operator: Option<&str>| {
            Seller::Here(id.parse().unwrap(), operator.map(|operator| operator.parse().unwrap()))
        };
        let elsewhere = |name: &str| Seller::Elsewhere(Slug::of(name).unwrap());
        let found: Vec<Seller> = offers.into_iter().map(|offer| offer.seller).collect();
        let expected = [
            here("a", Some("acme-inc")),
            elsewhere("both"),
            here("b", None),
            elsewhere("gone"),
            elsewhere("stranger"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_class_that_nobody_offers_any_more_has_an_empty_market() {
        let classes = by_class(vec![offer("a", "gpu"), offer("b", "gpu")]);
        let counts: Vec<usize> = Class::ALL.iter().map(|class| classes[class].len()).collect();
        assert_eq!(counts, [0, 0, 0, 0, 2]);
    }
}
