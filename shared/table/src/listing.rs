//! Lists of providers: cards that a list shows, in several orders.
//!
//! By score a page is one query: the `ranking` index carries the cards. The other orders each have a sparse index of keys alone, which
//! costs a write only when a provider's place in it changes; their pages are a query and a batch read of the cards.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use trust::{
    id::{ProviderId, Region},
    policy::{Family, Thousandths},
    score::{Points, Score, Share},
    summary::{Flag, PercentileFact, Summary, Track},
    time::Moment,
};

use crate::{
    Cursor, Freshness, Page, Table, TableError,
    item::{self, Bound, Index, Item, Order, text},
    keys,
};

const LISTED: &str = "providers";

/// What a list shows of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The provider.
    pub provider: ProviderId,
    /// His name.
    pub name: String,
    /// How far he has come.
    pub track: Track,
    /// His score and its interval; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<(Points, Points, Points)>,
    /// What the score would be without the cap of a critical flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_from: Option<Points>,
    /// The families of the score that rest on evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub families: Vec<CardFamily>,
    /// What to be warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Median reply time over 90 days.
    pub reply_median: PercentileFact,
    /// How many waits that rests on.
    pub waits: u64,
    /// Contracts completed in the last year.
    pub completed: u64,
    /// The first time anything was said of him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
    /// Where he offers. Empty where that is not known.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<Region>,
    /// His price as a share of the median of comparable offers, in thousandths. Absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Thousandths>,
    /// When this was worked out.
    pub as_of: Moment,
}

/// What a family of the score has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFamily {
    /// Which.
    pub family: Family,
    /// Its share.
    pub mean: Share,
    /// Lower end of its 90 % interval.
    pub low: Share,
    /// How many observations it rests on, at least one.
    pub observations: u64,
}

impl Card {
    /// The card of a registered provider.
    pub fn of(summary: &Summary) -> Option<Self> {
        let profile = summary.profile.as_ref()?;
        let window = summary.replies.windows.last();
        let score = summary.score.as_ref();
        Some(Self {
            provider: summary.provider.clone(),
            name: profile.name.to_string(),
            track: summary.track,
            score: score.map(|score| (score.points, score.low, score.high)),
            capped_from: score.and_then(|score| score.capped_from),
            families: score.map(evident).unwrap_or_default(),
            flags: summary.flags.clone(),
            reply_median: window.map(|window| window.median).unwrap_or_default(),
            waits: window.map_or(0, |window| window.waits),
            completed: summary.contracts.completed,
            known_since: summary.known_since,
            regions: summary.regions.clone(),
            price: summary.price.map(|price| price.to_median),
            as_of: summary.as_of,
        })
    }

    /// A family of his score, if it rests on any evidence.
    pub fn family(&self, family: Family) -> Option<&CardFamily> {
        self.families.iter().find(|found| found.family == family)
    }

    fn place(&self, sort: Sort) -> String {
        let place = match sort {
            Sort::Score => match self.score {
                Some((_, low, _)) => format!("1{:012}", low.billionths()),
                None => "0".to_owned(),
            },
            // The name's first bytes: hexadecimal keeps their order, and a key has no other characters.
            Sort::Name => {
                format!("n{}", hex::encode(self.name.to_lowercase().chars().take(24).collect::<String>()))
            }
            Sort::Uptime => format!("u{}", self.share(Family::Uptime)),
            Sort::Replies => format!("r{}", self.share(Family::Replies)),
            Sort::Newest => format!("k{:012}", self.known_since.map_or(0, Moment::unix).max(0)),
        };
        format!("{place}#{}", self.provider)
    }

    /// By lower end, in ten-thousandths: were it finer, every day's decay would cost a write.
    fn share(&self, family: Family) -> String {
        match self.family(family) {
            Some(found) => format!("1{:05}", (found.low.value() * 10_000.0) as u32),
            None => "0".to_owned(),
        }
    }
}

fn evident(score: &Score) -> Vec<CardFamily> {
    let evident = score.families.iter().filter(|family| family.observations > 0);
    evident
        .map(|family| CardFamily {
            family: family.family,
            mean: family.mean,
            low: family.low,
            observations: family.observations,
        })
        .collect()
}

/// In which order to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// The best lower bound first, those without a score last.
    #[default]
    Score,
    /// By name, from A to Z, in the order of Unicode's code points.
    Name,
    /// The best lower bound of uptime first, those without evidence last.
    Uptime,
    /// The best lower bound of replies first, those without evidence last.
    Replies,
    /// The one we have known for the shortest time first.
    Newest,
}

impl Sort {
    /// All of them, as they are shown.
    pub const ALL: [Self; 5] = [Self::Score, Self::Name, Self::Uptime, Self::Replies, Self::Newest];

    /// Its name, as callers give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Name => "name",
            Self::Uptime => "uptime",
            Self::Replies => "replies",
            Self::Newest => "newest",
        }
    }

    /// Whether a cursor is of a list in this order.
    pub fn has(self, cursor: &Cursor) -> bool {
        let begins: &[char] = match self {
            Self::Score => &['0', '1'],
            Self::Name => &['n'],
            Self::Uptime => &['u'],
            Self::Replies => &['r'],
            Self::Newest => &['k'],
        };
        cursor.0.starts_with(begins) && cursor.0.contains('#')
    }

    /// The index, which begins the names of its attributes, too.
    fn index(self) -> &'static str {
        if self == Self::Score { "ranking" } else { self.name() }
    }

    fn order(self) -> Order {
        if self == Self::Name { Order::Ascending } else { Order::Descending }
    }
}

/// Adds to a summary's item what lists need.
pub(crate) fn list_in(item: &mut Item, summary: &Summary) -> Result<(), TableError> {
    let Some(card) = Card::of(summary) else { return Ok(()) };
    for sort in Sort::ALL {
        item.insert(format!("{}_pk", sort.index()), text(LISTED));
        item.insert(format!("{}_sk", sort.index()), text(card.place(sort)));
    }
    item.insert("card".to_owned(), serde_dynamo::to_attribute_value(&card)?);
    Ok(())
}

impl Table {
    /// Registered providers in this order, after a place in it.
    ///
    /// By score this is one query, otherwise a query and a batch read. With each card goes his place: whoever stops there goes on
    /// behind it.
    pub async fn providers(
        &self,
        sort: Sort,
        after: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<(Card, Cursor)>, TableError> {
        let bound = after.map(|cursor| match sort.order() {
            Order::Ascending => Bound::Above(&cursor.0),
            Order::Descending => Bound::Below(&cursor.0),
        });
        let index = Index { name: sort.index(), partition: LISTED, bound, order: sort.order() };
        let (items, more) = self.index_page(&index, i32::from(limit)).await?;
        let key = format!("{}_sk", sort.index());
        let place = |item: &Item| item.get(&key).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        let places: Vec<Cursor> = items.iter().map(place).map(Cursor).collect();
        let next = places.last().filter(|_| more).cloned();
        let cards = if sort == Sort::Score {
            items.into_iter().map(card_of).collect::<Result<Vec<_>, _>>()?
        } else {
            let providers = items.iter().map(item::owner).collect::<Result<Vec<_>, _>>()?;
            self.cards(&providers).await?
        };
        let items = cards.into_iter().zip(places).filter_map(|(card, place)| Some((card?, place)));
        Ok(Page { items: items.collect(), next })
    }

    /// Registered providers behind a place, the one we have known for the shortest time first: a query of keys alone. Who registers
    /// meanwhile comes before the place, and who turns out to have been known before moves on behind it.
    pub async fn registered(
        &self,
        after: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<ProviderId>, TableError> {
        let bound = after.map(|cursor| Bound::Below(&cursor.0));
        let name = Sort::Newest.index();
        let index = Index { name, partition: LISTED, bound, order: Sort::Newest.order() };
        let (items, more) = self.index_page(&index, i32::from(limit)).await?;
        let place = items.last().and_then(|item| item.get(&format!("{name}_sk"))?.as_s().ok());
        let next = place.filter(|_| more).cloned().map(Cursor);
        Ok(Page { items: items.iter().map(item::owner).collect::<Result<_, _>>()?, next })
    }

    /// The cards of these providers, in their order; `None` for one that is not registered. A batch read of one item each, possibly
    /// a moment old.
    pub async fn cards(&self, providers: &[ProviderId]) -> Result<Vec<Option<Card>>, TableError> {
        let keys: Vec<_> = providers.iter().map(keys::summary).collect();
        let items = self.get_batch(&keys, Freshness::Recent).await?;
        items.into_iter().map(|item| item.map_or(Ok(None), card_of)).collect()
    }
}

fn card_of(mut item: Item) -> Result<Option<Card>, TableError> {
    Ok(item.remove("card").map(serde_dynamo::from_attribute_value).transpose()?)
}
