//! The daily gathering: every source's offers and every provider's offerings into a market a class, and every offering to its place.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, FuturesUnordered},
};
use serde::Serialize;
use sources::configuration::Configuration;
use table::{Cursor, Freshness, Table, TableError};
use trust::{
    id::ProviderId,
    marketplace::{Currency, Offering},
    offering::Class,
    price::{DropReason, Market, Offer, PricePolicy, Rates, Slug},
    provider::Provider,
    time::{Day, Moment},
};

use crate::{
    PriceError, names,
    place::{Offerer, here, operator, write},
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
    /// Providers whose offerings were placed.
    pub providers: usize,
    /// Those of them that could not be.
    pub failed: usize,
}

/// A provider as he was read.
struct Read {
    id: ProviderId,
    known: Provider,
    offerings: Vec<Offering>,
}

/// Gathers the markets, puts them in force, and places every offering in them.
///
/// A source whose prices can not be read is left out and logged; one provider that can not be placed stops no other.
pub async fn gather(
    table: &Table,
    configuration: &Configuration,
    now: Moment,
) -> Result<Gathered, PriceError> {
    let on = now.day();
    let mut gathered = Gathered::default();
    let mut offers: BTreeMap<Class, Vec<Offer>> = BTreeMap::new();
    for kept in table.price_lists().await? {
        match table.price_list(&kept).await {
            Ok(list) => {
                gathered.sources += 1;
                sort_in(&mut offers, list);
            }
            Err(error @ TableError::Unavailable(_)) => return Err(error.into()),
            Err(error) => tracing::error!(source = %kept.source, %error, "prices that can not be read"),
        }
    }
    let providers = everybody(table).await?;
    let names = names::of_all(table, configuration).await?;
    for provider in &providers {
        sort_in(&mut offers, comparable(provider, on));
    }
    let rates = table.rates(on).await?.unwrap_or_else(|| no_rates(on));
    let mut markets: BTreeMap<Class, Market> = BTreeMap::new();
    for (class, offers) in offers {
        let (market, dropped) = Market::gather(PricePolicy::current(), offers, rates.clone(), on);
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
    let markets: BTreeMap<Class, &Market> = markets.iter().map(|(class, market)| (*class, market)).collect();
    let mut providers = providers.iter();
    let mut placing = FuturesUnordered::new();
    loop {
        let room = AT_ONCE - placing.len();
        placing.extend(
            providers
                .by_ref()
                .take(room)
                .map(|provider| place_one(table, provider, names.get(&provider.id), on, &markets)),
        );
        let Some(placed) = placing.next().await else { break };
        gathered.providers += 1;
        gathered.failed += usize::from(placed.is_err());
    }
    Ok(gathered)
}

/// One that can not be placed is logged, and stops no other.
async fn place_one(
    table: &Table,
    Read { id, known, offerings }: &Read,
    names: Option<&BTreeSet<Slug>>,
    on: Day,
    markets: &BTreeMap<Class, &Market>,
) -> Result<(), TableError> {
    let nameless = BTreeSet::new();
    let names = names.unwrap_or(&nameless);
    let offerer = Offerer { id, operator: operator(known), names, offerings };
    let placed = write(table, &offerer, (on, markets)).await;
    placed.inspect_err(|error| tracing::error!(provider = %id, %error, "offerings not placed"))
}

fn sort_in(offers: &mut BTreeMap<Class, Vec<Offer>>, list: Vec<Offer>) {
    for offer in list {
        offers.entry(offer.machine.class).or_default().push(offer);
    }
}

/// His offerings that say enough to be compared.
fn comparable(provider: &Read, on: Day) -> Vec<Offer> {
    let Some(source) = here() else { return Vec::new() };
    let offer =
        |offering: &Offering| Offer::of_offering(offering, operator(&provider.known), on, &source).ok();
    provider.offerings.iter().filter_map(offer).collect()
}

/// Without rates only prices in euro can be compared.
fn no_rates(on: Day) -> Rates {
    let a_euro: BTreeMap<Currency, u64> = BTreeMap::new();
    Rates { day: on, source: "none".to_owned(), a_euro }
}

/// All registered providers, with what each offers.
async fn everybody(table: &Table) -> Result<Vec<Read>, TableError> {
    let (mut all, mut after): (Vec<Read>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = table.registered(after.as_ref(), PAGE).await?;
        let known = table.providers_of(&page.items).await?;
        let read = stream::iter(page.items.into_iter().zip(known)).map(|(id, known)| async move {
            let offerings = table.offerings(&id, Freshness::LastWrite).await?;
            Ok::<_, TableError>(Read { id, known, offerings })
        });
        all.extend(read.buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
