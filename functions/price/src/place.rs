//! One provider's offerings, each in the market of its class.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use table::{Freshness, KeptMarket, Table, TableError};
use tokio::sync::Mutex;
use trust::{
    id::{OperatorId, ProviderId},
    marketplace::Offering,
    offering::Class,
    price::{Market, Offer, Outcome, PriceFact, PricePolicy, Priced, Silence, Slug},
    provider::Provider,
    time::Day,
};

use crate::{App, PriceError, names};

/// The markets that were read last, so that a change of an offering costs no reading of thousands.
#[derive(Debug, Default)]
pub struct Markets(Mutex<BTreeMap<Class, Arc<KeptMarket>>>);

impl Markets {
    /// The market of a class as it is in force.
    pub async fn of(&self, table: &Table, class: Class) -> Result<Option<Arc<KeptMarket>>, TableError> {
        let Some(head) = table.market_head(class).await? else { return Ok(None) };
        let mut known = self.0.lock().await;
        if let Some(market) = known.get(&class).filter(|market| market.head.name() == head.name()) {
            return Ok(Some(Arc::clone(market)));
        }
        let market = table.market(class).await?.map(Arc::new);
        match &market {
            Some(market) => _ = known.insert(class, Arc::clone(market)),
            None => _ = known.remove(&class),
        }
        Ok(market)
    }
}

/// Under which source the offerings of this marketplace are.
pub(crate) fn here() -> Option<Slug> {
    Slug::of("marketplace")
}

/// The operator behind a provider, as far as his profile says it.
pub(crate) fn operator(provider: &Provider) -> Option<&OperatorId> {
    provider.profile.as_ref().and_then(|(_, profile)| profile.operator_id.as_ref())
}

/// Places a provider's offerings in the markets that are in force.
///
/// Where a class has no market yet there is nothing to compare with, which is said of its offerings until the next gathering.
pub async fn place(app: &App, provider: &ProviderId, today: Day) -> Result<(), PriceError> {
    let App { table, configuration, markets } = app;
    let offerings = table.offerings(provider, Freshness::LastWrite).await?;
    let known = table.provider(provider).await?.value;
    let names = names::of_one(table, configuration, provider).await?;
    let mut of_class: BTreeMap<Class, Arc<KeptMarket>> = BTreeMap::new();
    let classes: BTreeSet<Class> = offerings.iter().filter_map(class).collect();
    for class in classes {
        if let Some(market) = markets.of(table, class).await? {
            of_class.insert(class, market);
        }
    }
    let on = of_class.values().map(|kept| kept.market.on()).max().unwrap_or(today);
    let markets = of_class.iter().map(|(class, kept)| (*class, &kept.market)).collect();
    let offerer = Offerer { id: provider, operator: operator(&known), names: &names, offerings: &offerings };
    Ok(write(table, &offerer, (on, &markets)).await?)
}

/// A provider and what he offers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offerer<'a> {
    pub(crate) id: &'a ProviderId,
    pub(crate) operator: Option<&'a OperatorId>,
    /// What price lists call him.
    pub(crate) names: &'a BTreeSet<Slug>,
    pub(crate) offerings: &'a [Offering],
}

/// Places offerings in markets, and keeps what came of it.
pub(crate) async fn write(
    table: &Table,
    offerer: &Offerer<'_>,
    (on, markets): (Day, &BTreeMap<Class, &Market>),
) -> Result<(), TableError> {
    let priced: Vec<Priced> = offerer
        .offerings
        .iter()
        .map(|offering| Priced {
            offering: offering.offering_id.clone(),
            name: offering.name.chars().filter(|c| !c.is_control()).take(100).collect(),
            on,
            outcome: outcome(offering, offerer, on, markets),
        })
        .collect();
    let standings = priced.iter().filter_map(|one| one.outcome.position()).map(|position| &position.standing);
    let fact = PriceFact::of(standings, on);
    table.write_priced(offerer.id, &priced, fact).await
}

fn outcome(
    offering: &Offering,
    offerer: &Offerer<'_>,
    on: Day,
    markets: &BTreeMap<Class, &Market>,
) -> Outcome {
    let few = Silence::TooFew { providers: 0, peers: 0, left: trust::price::Left::default() };
    let Some(source) = here() else { return Outcome::Silent(few) };
    let offer = match Offer::of_offering(offering, offerer.operator, on, &source) {
        Ok(offer) => offer,
        Err(missing) => return Outcome::Silent(Silence::Incomplete(missing)),
    };
    match markets.get(&offer.machine.class) {
        Some(market) => Outcome::of(market.place(PricePolicy::current(), &offer, offerer.names)),
        None => Outcome::Silent(few),
    }
}

fn class(offering: &Offering) -> Option<Class> {
    offering.specification.as_ref()?.class
}
