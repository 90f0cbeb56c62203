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
    price::{Left, Market, Offer, Outcome, PriceFact, PricePolicy, Priced, Silence, Slug},
    provider::Provider,
    text::is_unseen,
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

/// The operator behind a provider, as far as his profile says it.
pub(crate) fn operator(provider: &Provider) -> Option<&OperatorId> {
    provider.profile.as_ref().and_then(|(_, profile)| profile.operator_id.as_ref())
}

/// Places a provider's offerings in the markets that are in force.
///
/// Where a class has no market yet there is nothing to compare with, which is said of its offerings until the next gathering.
pub async fn place(app: &App, provider: &ProviderId, today: Day) -> Result<(), PriceError> {
    let App { table, configuration, policy, markets } = app;
    let offerings = table.offerings(provider, Freshness::LastWrite).await?;
    let known = table.provider(provider).await?.value;
    let names = names::of_one(table, configuration, provider).await?;
    let mut of_class: BTreeMap<Class, Arc<KeptMarket>> = BTreeMap::new();
    let classes: BTreeSet<Class> = offerings.iter().filter_map(class).collect();
    let mut unread: BTreeSet<Class> = BTreeSet::new();
    for class in classes {
        match names::readable(markets.of(table, class).await, &"a market")? {
            Some(market) => of_class.extend(market.map(|market| (class, market))),
            None => _ = unread.insert(class),
        }
    }
    let markets = of_class.iter().map(|(class, kept)| (*class, &kept.market)).collect();
    let stay = if unread.is_empty() { Vec::new() } else { table.priced(provider).await? };
    let is_unread = |one: &Priced| {
        let offering = offerings.iter().find(|offering| offering.offering_id == one.offering);
        offering.and_then(class).is_some_and(|class| unread.contains(&class))
    };
    let offerer = Offerer {
        id: provider,
        operator: operator(&known),
        names: &names,
        offerings: &offerings,
        stay: stay.into_iter().filter(is_unread).collect(),
    };
    Ok(write(table, policy, &offerer, &InForce { markets, today }).await?)
}

/// A provider and what he offers.
#[derive(Debug, Clone)]
pub(crate) struct Offerer<'a> {
    pub(crate) id: &'a ProviderId,
    pub(crate) operator: Option<&'a OperatorId>,
    /// What price lists call him.
    pub(crate) names: &'a BTreeSet<Slug>,
    pub(crate) offerings: &'a [Offering],
    /// Places that stay as they are, because the market of their class is there and can not be read.
    pub(crate) stay: Vec<Priced>,
}

/// The markets that are in force, of those classes that have one.
#[derive(Debug)]
pub(crate) struct InForce<'a> {
    pub(crate) markets: BTreeMap<Class, &'a Market>,
    /// As of which day it is that a class has none.
    pub(crate) today: Day,
}

/// Places offerings in markets, each as of its market's day, and keeps what came of it.
pub(crate) async fn write(
    table: &Table,
    policy: &PricePolicy,
    offerer: &Offerer<'_>,
    in_force: &InForce<'_>,
) -> Result<(), TableError> {
    let place = |offering: &Offering| {
        let stays = offerer.stay.iter().find(|one| one.offering == offering.offering_id);
        stays.cloned().unwrap_or_else(|| priced(policy, offering, offerer, in_force))
    };
    let priced: Vec<Priced> = offerer.offerings.iter().map(place).collect();
    let fact = PriceFact::of(priced.iter().filter_map(|one| one.outcome.position()));
    table.write_priced(offerer.id, &priced, fact).await
}

fn priced(
    policy: &PricePolicy,
    offering: &Offering,
    offerer: &Offerer<'_>,
    in_force: &InForce<'_>,
) -> Priced {
    let market = class(offering).and_then(|class| in_force.markets.get(&class));
    let on = market.map_or(in_force.today, |market| market.on());
    let outcome = match (Offer::of_offering(offering, offerer.operator, on), market) {
        (Err(missing), _) => Outcome::Silent(Silence::Incomplete(missing)),
        (Ok(offer), Some(market)) => Outcome::of(market.place(policy, &offer, offerer.names)),
        (Ok(_), None) => Outcome::Silent(Silence::TooFew { providers: 0, peers: 0, left: Left::default() }),
    };
    let name = offering.name.chars().filter(|c| !is_unseen(*c)).take(100).collect();
    Priced { offering: offering.offering_id.clone(), name, on, outcome }
}

fn class(offering: &Offering) -> Option<Class> {
    offering.specification.as_ref()?.class
}
