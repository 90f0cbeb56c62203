//! What a provider asks beside what others ask.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use trust::{
    id::{OfferingId, ProviderId},
    offering::{Class, DiskKind},
    price::{
        self, Amount, Confidence, Disk, DropReason, Hundredths, MILLION, Outcome, Position, Priced,
        RegionGroup, Seller, Verdict, said, why_not,
    },
    summary::Summary,
};

use super::scalar::{Date, Text};

/// A provider's prices against the market.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Prices<'a> {
    /// The provider.
    provider_id: Text<&'a ProviderId>,
    /// The median over his offerings of their price as a share of the median of comparable offers; `null` where that is not known.
    price_to_median: Option<f64>,
    /// Each offering he has, by id. Empty until the market was gathered after he published one.
    offerings: Vec<OfferingPrice<'a>>,
}

/// An offering's price against the market.
#[derive(Debug, Serialize, JsonSchema)]
struct OfferingPrice<'a> {
    /// The offering.
    offering_id: Text<&'a OfferingId>,
    /// Its name.
    name: &'a str,
    /// As of which day the market is.
    as_of: Date,
    /// The answer in a line, such as `about 15 % below market (8-27 %)`; `null` where there is none.
    summary: Option<String>,
    /// Why there is no answer.
    no_answer: Option<String>,
    /// The answer in figures; `null` where there is none.
    position: Option<PricePosition<'a>>,
}

/// Where a price stands in the market. All prices are for a month of 730 hours, without value-added tax, the setup fee spread over a year at least.
#[derive(Debug, Serialize, JsonSchema)]
struct PricePosition<'a> {
    /// The price, as asked.
    price: Money,
    /// The same in euro, by the exchange rates of `explanation.rates_day`.
    price_euro: f64,
    /// The median of the providers, for this very machine.
    market_median: Money,
    /// Between which the middle half of the providers lie.
    middle_half: [Money; 2],
    /// On which side of the market the price is: `below` and `above` only where the 95 % interval excludes the median.
    #[schemars(extend("enum" = ["below", "in-line", "above"]))]
    verdict: Text<Verdict>,
    /// The price as a share of the median, less one: -0.15 is 15 % below.
    difference: f64,
    /// Lower end of its 95 % interval.
    low: f64,
    /// Upper end of it.
    high: f64,
    /// `low` where the interval is wider than 35 points to each side.
    #[schemars(extend("enum" = ["usual", "low"]))]
    confidence: Text<Confidence>,
    /// The share of providers who ask less.
    #[schemars(range(min = 0, max = 1))]
    percentile: f64,
    /// What to be careful about.
    notes: Vec<&'static str>,
    /// What it rests on.
    explanation: Explanation<'a>,
}

/// What a price's place rests on.
#[derive(Debug, Serialize, JsonSchema)]
struct Explanation<'a> {
    /// The policy it was worked out by; `docs/price.md` explains it.
    policy: &'a str,
    /// The part of the world whose offers were compared; `null` where those of all of it were.
    #[schemars(extend("enum" = ["europe", "north-america", "asia-pacific", "other", null]))]
    region: Option<Text<RegionGroup>>,
    /// How many providers had a vote.
    providers: u32,
    /// How many offers made those.
    peers: u32,
    /// How far a peer could be, in doublings of the machine.
    radius: f64,
    /// The median over the providers of how near their nearest offer is.
    median_distance: f64,
    /// Each provider's vote: his price for this very machine, in euro, from low to high.
    votes_euro: Vec<f64>,
    /// The nearest peer of each of the nearest providers.
    nearest: Vec<PricePeer<'a>>,
    /// How many offers of the class were left out, by reason: `own`, `terms`, `region`, `size`.
    left_out: BTreeMap<&'static str, u32>,
    /// How many were no part of the market, by reason.
    dropped: BTreeMap<&'static str, u64>,
    /// The day of the exchange rates.
    rates_day: Date,
    /// Whose they are.
    rates_source: &'a str,
}

/// An offer that was compared.
#[derive(Debug, Serialize, JsonSchema)]
struct PricePeer<'a> {
    /// Who asks it: an id of this marketplace, or a name elsewhere.
    seller: &'a str,
    /// Whether he is a provider of this marketplace.
    on_this_marketplace: bool,
    /// What he calls it.
    name: &'a str,
    /// CPUs.
    vcpus: u16,
    /// Memory, in GiB.
    memory_gib: f64,
    /// Disk in the price, in GB; 0 where it is paid for apart, `null` where that is not said.
    disk_gb: Option<f64>,
    /// What kind of disk.
    #[schemars(extend("enum" = ["hdd", "ssd", "nvme", null]))]
    disk_kind: Option<Text<DiskKind>>,
    /// A month's traffic in the price, in GB; `null` where that is not said.
    traffic_gb: Option<f64>,
    /// A month's price, as asked.
    price: Money,
    /// The same in euro, by the exchange rates of `rates_day`.
    price_euro: f64,
    /// By how much it was adjusted for the difference between the machines: 0.1 is 10 % more.
    adjustment: f64,
    /// How far the machines are apart, in doublings.
    distance: f64,
    /// The day of the price.
    priced_on: Date,
    /// Where it was read.
    source: &'a str,
}

/// An amount of money.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub(crate) struct Money {
    /// How much, in units of the currency.
    #[schemars(range(min = 0))]
    amount: f64,
    /// ISO 4217.
    #[schemars(with = "String", pattern("^[A-Z]{3}$"))]
    currency: Text<trust::marketplace::Currency>,
}

impl Money {
    pub(crate) fn of(amount: Amount) -> Self {
        Self { amount: units(amount.millionths), currency: Text(amount.currency) }
    }
}

impl<'a> Prices<'a> {
    pub(crate) fn of(summary: &'a Summary, priced: &'a [Priced]) -> Self {
        Self {
            provider_id: Text(&summary.provider),
            price_to_median: summary.price.map(|price| thousandths(price.to_median)),
            offerings: priced.iter().map(OfferingPrice::of).collect(),
        }
    }
}

impl<'a> OfferingPrice<'a> {
    fn of(priced: &'a Priced) -> Self {
        let (position, silence) = match &priced.outcome {
            Outcome::Placed(position) => (Some(position.as_ref()), None),
            Outcome::Silent(silence) => (None, Some(silence)),
        };
        Self {
            offering_id: Text(&priced.offering),
            name: &priced.name,
            as_of: Date(priced.on),
            summary: position.map(said),
            no_answer: silence.map(why_not),
            position: position.map(PricePosition::of),
        }
    }
}

impl<'a> PricePosition<'a> {
    fn of(position: &'a Position) -> Self {
        let standing = &position.standing;
        let money = |euro| Money::of(in_his_currency(position, euro));
        Self {
            price: Money::of(position.monthly),
            price_euro: units(position.euro),
            market_median: money(standing.median),
            middle_half: [money(standing.middle_half.0), money(standing.middle_half.1)],
            verdict: Text(standing.verdict),
            difference: share(standing.difference.at),
            low: share(standing.difference.low),
            high: share(standing.difference.high),
            confidence: Text(standing.confidence),
            percentile: thousandths(standing.percentile),
            notes: notes(position),
            explanation: Explanation::of(position),
        }
    }
}

/// An amount of euro in the currency of the price, by the rate that made the price comparable.
pub(crate) fn in_his_currency(position: &Position, euro: u64) -> Amount {
    let asked = u128::from(position.monthly.millionths);
    let millionths = u128::from(euro) * asked / u128::from(position.euro.max(1));
    Amount { millionths: u64::try_from(millionths).unwrap_or(u64::MAX), currency: position.monthly.currency }
}

/// What to be careful about with a position.
pub(crate) fn notes(position: &Position) -> Vec<&'static str> {
    let explained = &position.explained;
    let notes = [
        (position.is_too_cheap, "Far below the market: ask how that is paid for, and for how long."),
        (position.is_promotional, "The price will rise; it is compared with prices that stay."),
        (position.standing.confidence == Confidence::Low, "The interval is wide."),
        (explained.scope == price::Scope::World, "Offers of all parts of the world were compared."),
    ];
    notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect()
}

impl<'a> Explanation<'a> {
    fn of(position: &'a Position) -> Self {
        let explained = &position.explained;
        let left = explained.left;
        let dropped = explained.dropped.iter().map(|(reason, count)| (drop_name(*reason), *count));
        Self {
            policy: &explained.policy,
            region: match explained.scope {
                price::Scope::Region(group) => Some(Text(group)),
                price::Scope::World => None,
            },
            providers: explained.providers,
            peers: explained.peers,
            radius: thousandths(explained.radius),
            median_distance: thousandths(explained.median_distance),
            votes_euro: explained.votes.iter().copied().map(units).collect(),
            nearest: explained.nearest.iter().map(PricePeer::of).collect(),
            left_out: [
                ("own", left.own),
                ("terms", left.terms),
                ("region", left.region),
                ("size", left.size),
            ]
            .into(),
            dropped: dropped.collect(),
            rates_day: Date(explained.rates.0),
            rates_source: &explained.rates.1,
        }
    }
}

impl<'a> PricePeer<'a> {
    fn of(peer: &'a price::Peer) -> Self {
        let machine = &peer.machine;
        let (disk_gb, disk_kind) = match machine.disk {
            Disk::NotSaid => (None, None),
            Disk::NotIncluded => (Some(0.0), None),
            Disk::Included(size, kind) => (Some(size.as_gb()), kind.map(Text)),
        };
        Self {
            seller: peer.seller.name(),
            on_this_marketplace: matches!(peer.seller, Seller::Here(..)),
            name: peer.name.as_str(),
            vcpus: machine.vcpus.get(),
            memory_gib: machine.memory.as_gib(),
            disk_gb,
            disk_kind,
            traffic_gb: machine.traffic.map(trust::units::Size::as_gb),
            price: Money::of(peer.monthly),
            price_euro: units(peer.euro),
            adjustment: share(peer.adjustment),
            distance: thousandths(peer.distance),
            priced_on: Date(peer.priced_on),
            source: peer.source.as_str(),
        }
    }
}

fn share(hundredths: Hundredths) -> f64 {
    hundredths.0 as f64 / 10_000.0
}

fn units(millionths: u64) -> f64 {
    millionths as f64 / MILLION as f64
}

fn thousandths(of: u32) -> f64 {
    f64::from(of) / 1000.0
}

/// A reason as programs name it.
fn drop_name(reason: DropReason) -> &'static str {
    match reason {
        DropReason::NoPrice => "no_price",
        DropReason::NoRate => "no_rate",
        DropReason::NotSound => "not_sound",
        DropReason::TooOld => "too_old",
        DropReason::OfTheFuture => "of_the_future",
        DropReason::Promotional => "promotional",
        DropReason::Outlier => "outlier",
        DropReason::Unreadable => "unreadable",
    }
}

/// A class in words.
pub(crate) fn class_words(class: Class) -> &'static str {
    match class {
        Class::Shared => "shared CPUs",
        Class::Dedicated => "dedicated CPUs",
        Class::BareMetal => "whole machine",
        Class::Storage => "storage",
        Class::Gpu => "GPU",
    }
}
