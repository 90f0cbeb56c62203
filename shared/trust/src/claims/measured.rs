//! What renters measured within their contracts, and what of it counts.
//!
//! [`Measurements`] is all that one renter has measured at one provider. Each contract's runs are joined, network by network, and held against what
//! the offering claimed *when the contract was requested*: a provider who changes a claim changes nothing for those who rented by it.
//!
//! A run is as forgeable as a vote, so it counts by the same rules ([`Standing`]): at most one contract a renter and provider in 90 days, none
//! between the same party, nor one that cost nothing or was over at once. A run from another network than the one claimed may be of another
//! machine: of it only the network is held against the claim.

mod found;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::found::Found;
use super::{Evidence, Figure, Findings, Property, Reading, Source, read_together};
use crate::{
    contract::Contract,
    feedback::{Deal, Parties, Standing, stands},
    id::{ContractId, OfferingId, ProviderId, RenterId},
    offering::Specification,
    signal::{Delta, Tally},
    time::{Day, Moment},
};

/// The most different runs of one contract. Each costs an entry, and the greatest figures are known after a few.
const MOST_RUNS: usize = 20;

/// The most contracts kept of a renter and provider. The earliest are forgotten beyond it; what they counted as stays. More could not all
/// change their standing in one transaction.
const MOST_CONTRACTS: usize = 30;

/// The most renters whose findings are kept of an offering, the latest. With fewer, a busy offering would be judged by one week.
const MOST_RENTERS: usize = 30;

/// Seconds after a contract's end until which a run of it is taken: one takes about half an hour, and is sent when it is over.
const GRACE: i64 = 3_600;

/// Seconds by which the clock of a renter's machine may be off before the time it says is not believed.
const CLOCK_OFF: i64 = 300;

/// A run, by the bytes that were sent: the same ones are the same run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The run that these bytes are.
    pub fn of(body: &[u8]) -> Self {
        Self(hex::encode(&Sha256::digest(body)[..8]))
    }
}

/// What one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// When it was made.
    pub at: Moment,
    /// What it found.
    pub findings: Findings,
}

/// Why a run is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no machine of this contract yet.
    #[error("the contract's service has not been handed over")]
    NotHandedOver,
    /// There is none any more.
    #[error("the contract ended at {0}; a benchmark after it is not of its machine")]
    Ended(Moment),
    /// More were sent than anybody needs.
    #[error("{MOST_RUNS} different runs of this contract are known; the best figures of all of them hold")]
    TooMany,
}

/// When a run was made: what it says, where that can be true, or else when it came.
pub fn made_at(says: Option<Moment>, contract: &Contract, now: Moment) -> Moment {
    let since = contract.provisioned.map_or(now, |at| at.plus(-CLOCK_OFF));
    says.filter(|at| (since..=now.plus(CLOCK_OFF)).contains(at)).map_or(now, |at| at.min(now))
}

/// Whether a run of a contract is taken at this moment.
pub fn takes(contract: &Contract, now: Moment) -> Result<(), Refused> {
    if contract.provisioned.is_none() {
        return Err(Refused::NotHandedOver);
    }
    match contract.ended() {
        Some((at, _)) if now > at.plus(GRACE) => Err(Refused::Ended(at)),
        _ => Ok(()),
    }
}

/// What one contract's runs found, and what they are held against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    offering: OfferingId,
    /// When the contract was requested: what was claimed then is held against it.
    requested_at: Moment,
    deal: Deal,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Specification>,
    runs: BTreeMap<RunId, Moment>,
    found: Found,
}

impl Measured {
    /// Which offering it is of.
    pub fn offering(&self) -> &OfferingId {
        &self.offering
    }

    /// When its contract was requested.
    pub fn requested_at(&self) -> Moment {
        self.requested_at
    }

    /// What was claimed then.
    pub fn claim(&self) -> Option<&Specification> {
        self.claim.as_ref()
    }

    /// Whether a run is one of its.
    pub fn has(&self, run: &RunId) -> bool {
        self.runs.contains_key(run)
    }

    /// How many different runs there are.
    pub fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The day of the first, which is the day it counts on.
    fn day(&self) -> Option<Day> {
        self.first().map(Moment::day)
    }

    fn first(&self) -> Option<Moment> {
        self.runs.values().min().copied()
    }

    /// What each claim turned out to be, as far as the runs say.
    pub fn readings(&self) -> BTreeMap<Property, Reading> {
        let Some(claim) = &self.claim else { return BTreeMap::new() };
        let of = |property| {
            let figures = self.found.within(claim.asn).map(|(figure, _)| figure);
            Some((property, read_together(claim, property, figures)?))
        };
        Property::ALL.into_iter().filter_map(of).collect()
    }

    /// What of it can be of the machine that was rented, each figure with the day on which it was first seen.
    fn believed(&self) -> Vec<(Figure, Day)> {
        let claimed = self.claim.as_ref().and_then(|claim| claim.asn);
        let mut days = BTreeMap::new();
        for (figure, day) in self.found.within(claimed) {
            let first = days.entry(figure.clone()).or_insert(day);
            *first = day.min(*first);
        }
        let kept: Findings = days.keys().cloned().collect();
        // Names of networks are kept apart by network, and few.
        let is_kept = |figure: &Figure| matches!(figure, Figure::Network(_)) || kept.contains(figure);
        days.into_iter().filter(|(figure, _)| is_kept(figure)).collect()
    }
}

/// What of a contract its runs are held against, as it is known by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rented {
    /// Which offering.
    pub offering: OfferingId,
    /// When it was requested.
    pub requested_at: Moment,
    /// What it was.
    pub deal: Deal,
    /// What the offering claimed then.
    pub claim: Option<Specification>,
}

impl Rented {
    /// What is known of a contract, and of what its offering claimed; `None` before its terms are known.
    pub fn of(contract: &Contract, claim: Option<Specification>) -> Option<Self> {
        let (requested_at, terms) = contract.requested.as_ref()?;
        let offering = terms.offering_id.clone();
        Some(Self { offering, requested_at: *requested_at, deal: Deal::of(contract)?, claim })
    }
}

/// All that one renter has measured at one provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurements {
    #[serde(default)]
    parties: Parties,
    about: BTreeMap<ContractId, Measured>,
    /// When the last one that counted was made, of those that are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted_until: Option<Moment>,
}

impl Measurements {
    /// What was measured within a contract.
    pub fn about(&self, contract: &ContractId) -> Option<&Measured> {
        self.about.get(contract)
    }

    /// Each contract with what was measured within it.
    pub fn iter(&self) -> impl Iterator<Item = (&ContractId, &Measured)> {
        self.about.iter()
    }

    /// With another run of a contract.
    pub fn with(&self, contract: &ContractId, rented: Rented, run: &Run) -> Result<Self, Refused> {
        let mut next = self.clone();
        let Rented { offering, requested_at, deal, claim } = rented;
        let measured = next.about.entry(contract.clone()).or_insert_with(|| Measured {
            offering: offering.clone(),
            requested_at,
            deal,
            claim: None,
            runs: BTreeMap::new(),
            found: Found::default(),
        });
        (measured.offering, measured.requested_at, measured.deal, measured.claim) =
            (offering, requested_at, deal, claim);
        let known = measured.runs.get(&run.id).copied();
        if known.is_none() && measured.runs.len() >= MOST_RUNS {
            return Err(Refused::TooMany);
        }
        let at = known.map_or(run.at, |at| at.min(run.at));
        measured.runs.insert(run.id.clone(), at);
        measured.found.join(&run.findings, at.day());
        Ok(next)
    }

    /// With what is known by now of the parties and of one contract.
    #[must_use]
    pub fn known(&self, parties: Parties, contract: &ContractId, rented: Rented) -> Self {
        let mut next = Self { parties, ..self.clone() };
        if let Some(measured) = next.about.get_mut(contract) {
            (measured.offering, measured.requested_at) = (rented.offering, rented.requested_at);
            (measured.deal, measured.claim) = (rented.deal, rented.claim);
        }
        next
    }

    /// With what an offering is known by now to have claimed when a contract was requested.
    #[must_use]
    pub fn claimed(&self, contract: &ContractId, claim: Option<Specification>) -> Self {
        let mut next = self.clone();
        if let Some(measured) = next.about.get_mut(contract) {
            measured.claim = claim;
        }
        next
    }

    /// Without the earliest, if there are more than are kept. What they counted as stays as it is.
    #[must_use]
    pub fn without_old(&self) -> Self {
        let mut next = self.clone();
        let excess = self.about.len().saturating_sub(MOST_CONTRACTS);
        for (contract, measured, standing) in self.standings().into_iter().take(excess) {
            if standing == Standing::Counted {
                next.counted_until = measured.first();
            }
            next.about.remove(contract);
        }
        next
    }

    /// Each contract with what its runs count as, in the order of their first runs.
    pub fn standings(&self) -> Vec<(&ContractId, &Measured, Standing)> {
        let mut measured: Vec<_> =
            self.about.iter().filter_map(|(contract, of)| Some((of.first()?, contract, of))).collect();
        measured.sort_by_key(|(first, contract, _)| (*first, *contract));
        let mut counted = self.counted_until;
        let mut standing = |first, deal| stands(self.parties, deal, first, &mut counted);
        measured.into_iter().map(|(first, contract, of)| (contract, of, standing(first, of.deal))).collect()
    }

    /// What the renter has to say of each offering: the latest of what counts.
    pub fn sightings(&self) -> BTreeMap<OfferingId, Sighting> {
        let counted = self.standings().into_iter().filter(|(_, _, standing)| *standing == Standing::Counted);
        let sighting = |(_, measured, _): (_, &Measured, _)| {
            let measured_on = measured.day()?;
            Some((measured.offering.clone(), Sighting { measured_on, figures: measured.believed() }))
        };
        counted.filter_map(sighting).collect()
    }

    /// Adds to `delta` what changes in the provider's signal when these become `after`.
    pub fn difference(&self, after: &Self, provider: &ProviderId, delta: &mut ClaimDelta) {
        for (day, class) in self.counts() {
            delta.lose(provider, day, class);
        }
        for (day, class) in after.counts() {
            delta.gain(provider, day, class);
        }
    }

    fn counts(&self) -> Vec<(Day, ClaimCount)> {
        let mut counts = Vec::new();
        for (_, measured, standing) in self.standings() {
            let Some(day) = measured.day() else { continue };
            let readings = measured.readings();
            let with = |reading| readings.values().filter(|read| **read == reading).count() as u8;
            let (held, contradicted) = (with(Reading::Confirms), with(Reading::Contradicts));
            counts.push((day, ClaimCount::Machine(Machine { held, contradicted, standing })));
            if standing == Standing::Counted {
                let decided = readings.into_iter().filter_map(|(property, reading)| {
                    let outcome = match reading {
                        Reading::Confirms => Outcome::Held,
                        Reading::Contradicts => Outcome::Contradicted,
                        Reading::Doubts | Reading::Compatible => return None,
                    };
                    Some((day, ClaimCount::Claim { property, outcome }))
                });
                counts.extend(decided);
            }
        }
        counts
    }
}

/// A machine that a renter measured: how many of its claims held and how many were contradicted, and whether it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Machine {
    /// Claims that held.
    pub held: u8,
    /// Claims that were contradicted.
    pub contradicted: u8,
    /// What it counts as.
    pub standing: Standing,
}

/// What became of one claim of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It held.
    Held,
    /// It was contradicted.
    Contradicted,
}

/// The classes in which a machine is counted, within the day of its first run: once as a whole, and once for each of its claims that was
/// decided, if it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimCount {
    /// The machine.
    Machine(Machine),
    /// One of its claims.
    Claim {
        /// Which.
        property: Property,
        /// What became of it.
        outcome: Outcome,
    },
}

/// The claims signal of one provider and day.
pub type ClaimDay = Tally<ClaimCount>;

/// Changes to the claims signals.
pub type ClaimDelta = Delta<ClaimCount>;

/// What one renter found of an offering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The day of his first run, by which it is older than others'.
    pub measured_on: Day,
    /// What he found, and when first.
    pub figures: Vec<(Figure, Day)>,
}

/// What renters found of an offering, the latest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    by: BTreeMap<RenterId, Sighting>,
}

impl Seen {
    /// With what a renter finds of it now; `None` where nothing of him counts.
    #[must_use]
    pub fn with(&self, renter: &RenterId, sighting: Option<Sighting>) -> Self {
        let mut next = self.clone();
        match sighting {
            Some(sighting) => next.by.insert(renter.clone(), sighting),
            None => next.by.remove(renter),
        };
        while next.by.len() > MOST_RENTERS {
            let oldest = next.by.iter().min_by_key(|(renter, sighting)| (sighting.measured_on, *renter));
            let Some(oldest) = oldest.map(|(renter, _)| renter.clone()) else { break };
            next.by.remove(&oldest);
        }
        next
    }

    /// What they found, as evidence.
    pub fn evidence(&self) -> impl Iterator<Item = Evidence> {
        self.by.iter().flat_map(|(renter, Sighting { figures, .. })| {
            figures.iter().map(|(figure, seen_on)| Evidence {
                source: Source::Renter { renter: renter.clone() },
                seen_on: *seen_on,
                figure: figure.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests;
