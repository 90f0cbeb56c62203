//! The place of one offering in a market.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    id::OfferingId,
    marketplace::Currency,
    offering::{Label, PriceKind},
    policy::Thousandths,
    time::Day,
};

use super::{
    bootstrap::median_with_interval,
    compare::Logs,
    gather::{DropReason, Market, Normalised},
    median::{self, Weighted, weighted_median},
    nearest::{Found, nearest_of, one_source_a_size},
    offer::{Amount, Machine, Missing, Offer, Place, Seller, Slug},
    policy::{PricePolicy, share},
    region::RegionGroup,
};

/// Peers that are named, one a provider.
const NAMED: usize = 5;

/// A difference in hundredths of a percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hundredths(pub i64);

impl Hundredths {
    /// Of a difference of logarithms.
    fn of_log(log: f64) -> Self {
        Self(libm::round(libm::expm1(log.clamp(-30.0, 30.0)) * 10_000.0) as i64)
    }

    /// In percent, for display.
    pub fn percent(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

/// A difference, and between which it lies with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The difference.
    pub at: Hundredths,
    /// The lower end.
    pub low: Hundredths,
    /// The upper end.
    pub high: Hundredths,
}

/// On which side of the market a price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Below it, by more than chance.
    Below,
    /// It can not be told from it.
    InLine,
    /// Above it, by more than chance.
    Above,
}

/// How sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// As sure as prices are.
    Usual,
    /// The interval is wide.
    Low,
}

/// Whose offers were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those in the same part of the world.
    Region(RegionGroup),
    /// Those anywhere: there were too few in the same part, or it is not said.
    World,
}

/// Where a price stands in the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The median of the providers, for this very machine, in millionths of a euro a month.
    pub median: u64,
    /// How far the price is from it.
    pub difference: Interval,
    /// What that means.
    pub verdict: Verdict,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many of a thousand providers ask less; one who asks the same is half below.
    pub percentile: Thousandths,
    /// Between which the middle half of the providers lie, in millionths of a euro a month.
    pub middle_half: (u64, u64),
}

impl Standing {
    /// The price as a share of the median.
    pub fn to_median(&self) -> Thousandths {
        u32::try_from((10_000 + self.difference.at.0).max(0) / 10).unwrap_or(u32::MAX)
    }
}

/// A price against the market, and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// A month's price, as asked.
    pub monthly: Amount,
    /// The same in millionths of a euro.
    pub euro: u64,
    /// Where it stands.
    pub standing: Standing,
    /// Whether it is so far below that one has to ask how that is paid for.
    pub is_too_cheap: bool,
    /// Whether it will rise: it is compared with prices that stay.
    pub is_promotional: bool,
    /// What it rests on.
    pub explained: Explained,
}

/// What a position rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// By which policy.
    pub policy: String,
    /// As of which day.
    pub on: Day,
    /// Whose offers were compared.
    pub scope: Scope,
    /// How far a peer could be, in thousandths of a doubling.
    pub radius: Thousandths,
    /// How many providers had a vote.
    pub providers: u32,
    /// How many offers made those.
    pub peers: u32,
    /// The median over the providers of how near their nearest offer is, in thousandths of a doubling.
    pub median_distance: Thousandths,
    /// Each provider's vote: his price for this very machine, in millionths of a euro, from low to high.
    pub votes: Vec<u64>,
    /// The nearest peer of each of the nearest providers.
    pub nearest: Vec<Peer>,
    /// Which offers of the market were left out.
    pub left: Left,
    /// Which were no part of the market, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Of which day the exchange rates are, and whose.
    pub rates: (Day, String),
}

/// Offers of the market that were not compared, each for the first of these reasons that holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// His own, or his operator's.
    pub own: u32,
    /// Billed otherwise, or with another commitment.
    pub terms: u32,
    /// In another part of the world.
    pub region: u32,
    /// Of another size.
    pub size: u32,
}

/// An offer that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Who asks.
    pub seller: Seller,
    /// What he calls it.
    pub name: Label,
    /// The machine.
    pub machine: Machine,
    /// Where it is.
    pub place: Place,
    /// A month's price, as asked.
    pub monthly: Amount,
    /// The same in millionths of a euro.
    pub euro: u64,
    /// By how much that was adjusted to this very machine.
    pub adjustment: Hundredths,
    /// How far the machines are apart, in thousandths of a doubling.
    pub distance: Thousandths,
    /// The day of the price.
    pub priced_on: Day,
    /// Where it was read.
    pub source: Slug,
}

/// Why there is no position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Silence {
    /// The offering does not say enough.
    Incomplete(Vec<Missing>),
    /// There is no exchange rate for its currency.
    NoRate(Currency),
    /// Its figures are those of no machine, or it costs nothing.
    NotSound,
    /// Too few others offer the like.
    TooFew {
        /// How many providers.
        providers: u32,
        /// How many offers.
        peers: u32,
        /// Which offers of the market were left out.
        left: Left,
    },
}

/// What came of asking a market for an offering's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has one.
    Placed(Box<Position>),
    /// That can not be said.
    Silent(Silence),
}

impl Outcome {
    /// Of a place, or of the reason that there is none.
    pub fn of(found: Result<Position, Silence>) -> Self {
        match found {
            Ok(position) => Self::Placed(Box::new(position)),
            Err(silence) => Self::Silent(silence),
        }
    }

    /// Its place, if it has one.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Placed(position) => Some(position),
            Self::Silent(_) => None,
        }
    }
}

/// An offering's price against the market, as of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    /// The offering.
    pub offering: OfferingId,
    /// What it is called.
    pub name: String,
    /// The day of the market that was asked.
    pub on: Day,
    /// What came of it.
    pub outcome: Outcome,
}

/// What a provider's offerings come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceFact {
    /// The median over his offerings of their price as a share of their market's median.
    pub to_median: Thousandths,
    /// Of so many offerings that can be told of.
    pub offerings: u32,
    /// As of which day; of several markets the oldest's.
    pub on: Day,
}

impl PriceFact {
    /// What these positions come to; `None` of none.
    pub fn of<'a>(positions: impl Iterator<Item = &'a Position> + Clone) -> Option<Self> {
        let on = positions.clone().map(|position| position.explained.on).min()?;
        let mut shares: Vec<f64> =
            positions.map(|position| f64::from(position.standing.to_median())).collect();
        let offerings = shares.len() as u32;
        let to_median = libm::round(median::median(&mut shares)?) as Thousandths;
        Some(Self { to_median, offerings, on })
    }
}

/// An offer that votes.
struct Near<'a> {
    offer: &'a Normalised,
    distance: f64,
    weight: f64,
    adjustment: f64,
    /// The logarithm of its price for this very machine.
    value: f64,
}

/// A provider's vote and the offers that made it, the nearest first.
struct Vote<'a> {
    vote: Weighted,
    peers: Vec<Near<'a>>,
}

/// One try at an answer: whose offers, and how far.
#[derive(Clone, Copy)]
struct Reach {
    scope: Scope,
    radius: Thousandths,
}

impl Market {
    /// The place of an offer in this market. `aliases` are the names under which its own seller stands in other price lists.
    pub fn place(
        &self,
        policy: &PricePolicy,
        offer: &Offer,
        aliases: &BTreeSet<Slug>,
    ) -> Result<Position, Silence> {
        let list_price =
            Offer { basis: super::Basis { kind: PriceKind::List, ..offer.basis }, ..offer.clone() };
        let euro = match super::gather::euro(policy, &list_price, self.rates(), self.on()) {
            Ok(euro) => euro,
            Err(DropReason::NoRate) => return Err(Silence::NoRate(offer.monthly.currency)),
            Err(_) => return Err(Silence::NotSound),
        };
        let region = if let Place::In(group) = offer.place { Some(group) } else { None };
        let scopes = region.map(Scope::Region).into_iter().chain([Scope::World]);
        let radii = [policy.radius, policy.wide_radius];
        let tries = scopes.flat_map(|scope| radii.map(|radius| Reach { scope, radius }));
        let mut last = Silence::TooFew { providers: 0, peers: 0, left: Left::default() };
        for reach in tries {
            let (votes, left) = self.votes(policy, offer, aliases, reach);
            match answer(policy, &votes, euro) {
                Ok(standing) => {
                    return Ok(Position {
                        monthly: offer.monthly,
                        euro,
                        standing,
                        is_too_cheap: standing.to_median() < policy.too_cheap,
                        is_promotional: offer.basis.kind == PriceKind::Promotional,
                        explained: self.explain(policy, &votes, left, reach),
                    });
                }
                Err((providers, peers)) => last = Silence::TooFew { providers, peers, left },
            }
        }
        Err(last)
    }

    /// The votes of the nearest providers, sorted by value.
    fn votes(
        &self,
        policy: &PricePolicy,
        offer: &Offer,
        aliases: &BTreeSet<Slug>,
        Reach { scope, radius }: Reach,
    ) -> (Vec<Vote<'_>>, Left) {
        let this = Logs::of(&offer.machine);
        let most = share(radius) * share(radius);
        let (mut left, mut votes) = (Left::default(), Vec::<Vote<'_>>::new());
        let mut near: Vec<Found<'_>> = Vec::new();
        let own = offer.seller.party();
        let is_own = |seller: &Seller| match (seller, &offer.seller) {
            (Seller::Elsewhere(slug), _) => aliases.contains(slug),
            // Who has named another operator since the market was gathered is the same provider.
            (Seller::Here(other, _), Seller::Here(id, _)) if other == id => true,
            (Seller::Here(..), _) => seller.party() == own,
        };
        for (peer, logs, price) in self.rows() {
            let Normalised { offer: other, .. } = peer;
            let reason = if is_own(&other.seller) {
                &mut left.own
            } else if (other.basis.billing, other.basis.term) != (offer.basis.billing, offer.basis.term) {
                &mut left.terms
            } else if matches!(scope, Scope::Region(group) if !is_in(other.place, group)) {
                &mut left.region
            } else {
                let squared = this.squared_distance(logs, policy);
                if squared <= most {
                    if near.last().is_some_and(|last| last.offer.offer.seller.party() != other.seller.party())
                    {
                        votes.extend(self.vote(policy, &this, &mut near));
                    }
                    near.push(Found { offer: peer, logs, price, squared_distance: squared });
                    continue;
                }
                &mut left.size
            };
            *reason += 1;
        }
        votes.extend(self.vote(policy, &this, &mut near));
        votes.sort_by(|one, other| nearest(one).total_cmp(&nearest(other)));
        votes.truncate(policy.most_providers);
        votes.sort_by(|one, other| one.vote.value.total_cmp(&other.vote.value));
        (votes, left)
    }

    /// A provider's vote: the weighted median of his nearest offers, which counts as much as the best of them. Takes all that was found.
    fn vote<'a>(&self, policy: &PricePolicy, this: &Logs, found: &mut Vec<Found<'a>>) -> Option<Vote<'a>> {
        one_source_a_size(found);
        nearest_of(policy.peers_a_provider, found);
        let peers: Vec<Near<'a>> = found.drain(..).map(|found| self.near(policy, this, found)).collect();
        let mut values: Vec<Weighted> =
            peers.iter().map(|peer| Weighted { value: peer.value, weight: peer.weight }).collect();
        median::sort(&mut values);
        let value = weighted_median(values.iter().copied())?;
        let weight = values.iter().map(|of| of.weight).fold(0.0, f64::max);
        Some(Vote { vote: Weighted { value, weight }, peers })
    }

    fn near<'a>(&self, policy: &PricePolicy, this: &Logs, found: Found<'a>) -> Near<'a> {
        let Found { offer, logs, price, squared_distance } = found;
        let (distance, adjustment) = (libm::sqrt(squared_distance), this.adjustment(logs, policy));
        let by_bandwidth = distance / share(policy.bandwidth);
        let age = self.on().since(offer.offer.priced_on);
        let weight = libm::exp(-by_bandwidth * by_bandwidth - f64::from(age) / f64::from(policy.age_days));
        Near { offer, distance, weight, adjustment, value: price + adjustment }
    }

    fn explain(&self, policy: &PricePolicy, votes: &[Vote<'_>], left: Left, reach: Reach) -> Explained {
        let mut nearest_first: Vec<&Vote<'_>> = votes.iter().collect();
        nearest_first.sort_by(|one, other| nearest(one).total_cmp(&nearest(other)));
        Explained {
            policy: policy.version.clone(),
            on: self.on(),
            scope: reach.scope,
            radius: reach.radius,
            providers: votes.len() as u32,
            peers: votes.iter().map(|vote| vote.peers.len() as u32).sum(),
            median_distance: thousandths(median_distance(votes)),
            votes: votes.iter().map(|vote| millionths(vote.vote.value)).collect(),
            nearest: nearest_first
                .iter()
                .filter_map(|vote| vote.peers.first())
                .take(NAMED)
                .map(named)
                .collect(),
            left,
            dropped: self.dropped().clone(),
            rates: (self.rates().day, self.rates().source.clone()),
        }
    }
}

fn is_in(place: Place, group: RegionGroup) -> bool {
    match place {
        Place::In(other) => other == group,
        Place::Everywhere => true,
        Place::NotSaid => false,
    }
}

fn nearest(vote: &Vote<'_>) -> f64 {
    vote.peers.first().map_or(f64::INFINITY, |peer| peer.distance)
}

/// The median over the providers of how near their nearest offer is. Over all offers, one more of each provider would bring silence.
fn median_distance(votes: &[Vote<'_>]) -> f64 {
    let mut distances: Vec<f64> = votes.iter().map(nearest).collect();
    median::median(&mut distances).unwrap_or(f64::INFINITY)
}

/// Where the price stands among these votes, or how many there are, if they are too few to say.
fn answer(policy: &PricePolicy, votes: &[Vote<'_>], euro: u64) -> Result<Standing, (u32, u32)> {
    let peers: usize = votes.iter().map(|vote| vote.peers.len()).sum();
    let enough = votes.len() >= policy.speak.providers
        && peers >= policy.speak.peers
        && median_distance(votes) <= share(policy.speak.median_distance);
    let weighted: Vec<Weighted> = votes.iter().map(|vote| vote.vote).collect();
    let interval = if enough { median_with_interval(&weighted, policy.resamples, policy.seed) } else { None };
    let (middle, low, high) = interval.ok_or((votes.len() as u32, peers as u32))?;
    let price = libm::log(euro as f64);
    let difference = Interval {
        at: Hundredths::of_log(price - middle),
        low: Hundredths::of_log(price - high),
        high: Hundredths::of_log(price - low),
    };
    let verdict = if difference.high.0 < 0 {
        Verdict::Below
    } else if difference.low.0 > 0 {
        Verdict::Above
    } else {
        Verdict::InLine
    };
    let half_width = (difference.high.0 - difference.low.0) / 2;
    let is_wide = half_width > i64::from(policy.low_confidence) * 10;
    let values: Vec<f64> = weighted.iter().map(|vote| vote.value).collect();
    let below: usize =
        values.iter().map(|value| usize::from(*value < price) + usize::from(*value <= price)).sum();
    let quartile = |share| median::quantile(&values, share).map_or(0, millionths);
    Ok(Standing {
        median: millionths(middle),
        difference,
        verdict,
        confidence: if is_wide { Confidence::Low } else { Confidence::Usual },
        percentile: (below * 500 / values.len().max(1)) as Thousandths,
        middle_half: (quartile(0.25), quartile(0.75)),
    })
}

fn named(peer: &Near<'_>) -> Peer {
    let Normalised { offer, euro } = peer.offer;
    Peer {
        seller: offer.seller.clone(),
        name: offer.name.clone(),
        machine: offer.machine,
        place: offer.place,
        monthly: offer.monthly,
        euro: *euro,
        adjustment: Hundredths::of_log(peer.adjustment),
        distance: thousandths(peer.distance),
        priced_on: offer.priced_on,
        source: offer.source.clone(),
    }
}

/// A distance, rounded up: none is shown as nearer than it is.
fn thousandths(distance: f64) -> Thousandths {
    libm::ceil(distance * 1000.0 - 1e-6) as Thousandths
}

/// Of a logarithm.
fn millionths(log: f64) -> u64 {
    libm::round(libm::exp(log)) as u64
}
