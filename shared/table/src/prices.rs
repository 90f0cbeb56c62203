//! Prices: what sources ask, exchange rates, the market gathered from them class by class, and each offering's place in it.
//!
//! A market is one document in few items, so that a place in it is worked out with few reads however many offers it has; what came of
//! that is kept, an item an offering, for those who only want to know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trust::{
    id::ProviderId,
    offering::Class,
    price::{Market, Offer, PriceFact, Priced, Rates, Sheet, Slug},
    time::{Day, Moment},
};

use crate::{
    Table, TableError,
    item::{self, Item, Order, Range},
    keys::{self, END},
    parts::Whole,
};

/// How long a source's prices are there after they were read, in seconds. Longer than they count.
const PRICES_KEPT: i64 = 120 * 86_400;

/// The same of a market. A day after the next one is there, nobody reads the one before.
const MARKET_KEPT: i64 = 30 * 86_400;

/// The prices of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPrices {
    /// The source.
    pub source: Slug,
    /// When it was read.
    pub read_at: Moment,
    /// How many offers it has.
    pub offers: u32,
    /// How many rows of it are no offer.
    pub left_out: u32,
    whole: Whole,
}

/// As of when the market of a class is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketHead {
    /// As of which day.
    pub on: Day,
    /// When it was gathered.
    pub gathered_at: Moment,
    /// How many offers it has.
    pub offers: u32,
    whole: Whole,
}

impl MarketHead {
    /// Names the market: the same name is the same market.
    pub fn name(&self) -> &str {
        &self.whole.hash
    }
}

/// Which exchange rates of a day are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptRates {
    /// Those that were to be.
    These,
    /// Those before, which are of more currencies.
    Before,
}

/// A market, and what it is read by.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptMarket {
    /// The head.
    pub head: MarketHead,
    /// The market.
    pub market: Market,
}

impl Table {
    /// Keeps what was read of a source in place of what was read of it before, unless that is newer.
    pub async fn write_price_list(
        &self,
        source: &Slug,
        read_at: Moment,
        offers: &[Offer],
        left_out: u32,
    ) -> Result<(), TableError> {
        let key = keys::price_list(source);
        let before = self.stored::<KeptPrices>(&key).await?;
        if before.as_ref().is_some_and(|before| before.value.read_at > read_at) {
            return Ok(());
        }
        let pk = keys::price_list_parts(source);
        let expires_at = read_at.plus(PRICES_KEPT);
        let whole = self.write_parts(&pk, &encode(offers)?, expires_at).await?;
        let count = u32::try_from(offers.len()).unwrap_or(u32::MAX);
        let kept = KeptPrices { source: source.clone(), read_at, offers: count, left_out, whole };
        let head = expiring(item::item(&key, &kept)?, expires_at);
        self.put_if(head, before.map_or(0, |before| before.version)).await
    }

    /// Whose prices are kept; each by itself, since one that can not be read says nothing of the others.
    pub async fn price_lists(&self) -> Result<Vec<Result<KeptPrices, TableError>>, TableError> {
        let range = Range { pk: keys::PRICES.to_owned(), from: "!", to: END };
        Ok(self.all(&range).await?.into_iter().map(item::read).collect())
    }

    /// The offers of a source.
    pub async fn price_list(&self, kept: &KeptPrices) -> Result<Vec<Offer>, TableError> {
        let pk = keys::price_list_parts(&kept.source);
        decode(&pk, &self.read_parts(&pk, &kept.whole).await?)
    }

    /// Keeps the exchange rates of a day in place of those before, unless these are of fewer currencies.
    pub async fn write_rates(&self, rates: &Rates) -> Result<KeptRates, TableError> {
        let key = keys::rates_of(rates.day);
        // Those that can not be read are no better than none.
        let before: Option<Rates> = self.get(&key).await?.and_then(|item| item::read(item).ok());
        if before.is_some_and(|before| before.a_euro.len() > rates.a_euro.len()) {
            return Ok(KeptRates::Before);
        }
        self.put(item::item(&key, rates)?).await?;
        Ok(KeptRates::These)
    }

    /// The latest exchange rates of a day up to this one.
    pub async fn rates(&self, on: Day) -> Result<Option<Rates>, TableError> {
        let to = on.to_string();
        let range = Range { pk: keys::RATES.to_owned(), from: "0", to: &to };
        let (items, _) = self.page(&range, Order::Descending, 1).await?;
        items.into_iter().next().map(item::read).transpose()
    }

    /// Puts the market of a class in force.
    pub async fn write_market(
        &self,
        of: Class,
        market: &Market,
        gathered_at: Moment,
    ) -> Result<(), TableError> {
        let expires_at = gathered_at.plus(MARKET_KEPT);
        let whole = self.write_parts(&keys::market_parts(of), &encode(market.sheet())?, expires_at).await?;
        let offers = u32::try_from(market.offers().len()).unwrap_or(u32::MAX);
        let head = MarketHead { on: market.on(), gathered_at, offers, whole };
        self.put(expiring(item::item(&keys::market(of), &head)?, expires_at)).await
    }

    /// As of when the market of a class is; `None` where there has been none.
    pub async fn market_head(&self, of: Class) -> Result<Option<MarketHead>, TableError> {
        self.get(&keys::market(of)).await?.map(item::read).transpose()
    }

    /// The market of a class; `None` where there has been none, or none for so long that it has expired.
    pub async fn market(&self, of: Class) -> Result<Option<KeptMarket>, TableError> {
        let Some(head) = self.market_head(of).await? else { return Ok(None) };
        let pk = keys::market_parts(of);
        let bytes = match self.read_parts(&pk, &head.whole).await {
            // Parts outlive the head that names them by weeks. Where they are gone, the head is about to go.
            Err(TableError::Conflict) => return Ok(None),
            bytes => bytes?,
        };
        let sheet: Sheet = decode(&pk, &bytes)?;
        Ok(Some(KeptMarket { head, market: sheet.into() }))
    }

    /// A provider's offerings against the market, by their ids, possibly a moment old. One query.
    pub async fn priced(&self, of: &ProviderId) -> Result<Vec<Priced>, TableError> {
        let range = Range { pk: keys::priced_of(of), from: "!", to: END };
        self.all_relaxed(&range).await?.into_iter().map(item::read).collect()
    }

    /// Writes a provider's offerings against the market in place of those before, and what they come to, as far as either has changed.
    pub async fn write_priced(
        &self,
        of: &ProviderId,
        priced: &[Priced],
        fact: Option<PriceFact>,
    ) -> Result<(), TableError> {
        let range = Range { pk: keys::priced_of(of), from: "!", to: END };
        let before: Vec<Priced> =
            self.all(&range).await?.into_iter().map(item::read).collect::<Result<_, _>>()?;
        let mut gone: BTreeMap<_, _> = before.iter().map(|one| (&one.offering, one)).collect();
        for one in priced {
            if gone.remove(&one.offering) != Some(one) {
                self.put(item::item(&keys::priced(of, &one.offering), one)?).await?;
            }
        }
        for offering in gone.into_keys() {
            self.delete_now(&keys::priced(of, offering)).await?;
        }
        let key = keys::price_fact(of);
        let known: Option<PriceFact> = self.get(&key).await?.map(item::read).transpose()?;
        match fact {
            // Every write here makes his summary anew.
            Some(fact) if known != Some(fact) => self.put(item::item(&key, &fact)?).await,
            None if known.is_some() => self.delete_now(&key).await,
            _ => Ok(()),
        }
    }
}

/// An item that is there until then.
fn expiring(mut item: Item, at: Moment) -> Item {
    item.insert("expires_at".to_owned(), item::number(at.unix()));
    item
}

fn encode(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, TableError> {
    postcard::to_allocvec(value).map_err(|error| TableError::corrupt("prices", &error))
}

fn decode<T: for<'de> Deserialize<'de>>(key: &str, bytes: &[u8]) -> Result<T, TableError> {
    postcard::from_bytes(bytes).map_err(|error| TableError::corrupt(key, &error))
}
