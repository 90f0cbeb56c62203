//! What the runs of one contract found, kept apart by the network that each came from: what comes from another network than the one claimed may
//! be of another machine, and what was claimed may be heard of late.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use serde::{Deserialize, Serialize};

use super::super::{Figure, Findings};
use crate::time::Day;

/// The most networks whose figures are kept, those with the lowest numbers. More would let whoever sends runs grow an item; fewer would lose
/// the rented machine where its renter has tried the script elsewhere too.
const MOST_NETWORKS: usize = 3;

/// A figure, the network of the run that found it, where that is known, and the day of the first such run.
type Entry = (Option<NonZeroU32>, Figure, Day);

/// Each figure by network, with the day on which it was first seen there.
///
/// Joining is commutative, associative and idempotent, as that of [`Findings`] is: what is left out once is left out whatever is joined to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub(super) struct Found(BTreeMap<(Option<NonZeroU32>, Figure), Day>);

impl Found {
    /// With what a run found on a day.
    pub(super) fn join(&mut self, findings: &Findings, on: Day) {
        let network = findings.network();
        for figure in findings.iter() {
            self.note((network, figure.clone()), on);
        }
        let of_it = self.0.keys().filter(|(of, _)| *of == network);
        let kept: Findings = of_it.map(|(_, figure)| figure.clone()).collect();
        self.0.retain(|(of, figure), _| *of != network || kept.contains(figure));
        let networks: BTreeSet<NonZeroU32> = self.0.keys().filter_map(|(network, _)| *network).collect();
        if let Some(beyond) = networks.into_iter().nth(MOST_NETWORKS) {
            self.0.retain(|(network, _), _| network.is_none_or(|network| network < beyond));
        }
    }

    fn note(&mut self, seen: (Option<NonZeroU32>, Figure), on: Day) {
        let first = self.0.entry(seen).or_insert(on);
        *first = on.min(*first);
    }

    /// What can be of a machine within a network, any one where none is named: what was found there or does not say where, and the networks
    /// of all others; what these are called only where nothing was found there.
    pub(super) fn within(&self, claimed: Option<NonZeroU32>) -> impl Iterator<Item = (&Figure, Day)> {
        let is_there = self.0.keys().any(|(network, _)| *network == claimed);
        let is_within = move |(network, figure): &(Option<NonZeroU32>, Figure)| {
            claimed.is_none()
                || network.is_none()
                || *network == claimed
                || matches!(figure, Figure::Asn(_))
                || (matches!(figure, Figure::Network(_)) && !is_there)
        };
        self.0.iter().filter(move |(key, _)| is_within(key)).map(|((_, figure), day)| (figure, *day))
    }
}

impl From<Vec<Entry>> for Found {
    fn from(entries: Vec<Entry>) -> Self {
        let mut found = Self::default();
        for (network, figure, day) in entries {
            found.note((network, figure), day);
        }
        found
    }
}

impl From<Found> for Vec<Entry> {
    fn from(found: Found) -> Self {
        found.0.into_iter().map(|((network, figure), day)| (network, figure, day)).collect()
    }
}
