//! Which of a provider's offers vote: no plan twice, and of those the nearest.

use std::{cmp::Reverse, collections::BTreeMap, num::NonZeroU16};

use crate::{time::Day, units::Size};

use super::{
    compare::Logs,
    gather::Normalised,
    offer::{Offer, Seller, Slug},
};

/// An offer within reach, as it is found. What is only needed of those that vote is worked out of those.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) offer: &'a Normalised,
    pub(super) logs: &'a Logs,
    /// The logarithm of its price.
    pub(super) price: f64,
    pub(super) squared_distance: f64,
}

impl<'a> Found<'a> {
    fn offer(&self) -> &'a Offer {
        &self.offer.offer
    }
}

/// Keeps a seller's machines of one size from one source, since the same plan stands in several: from the one with the latest price; of
/// several of that day from this marketplace, where it can be rented for that; else from the first by name.
pub(super) fn one_source_a_size(found: &mut Vec<Found<'_>>) {
    let first = found.first().map(|found| &found.offer().source);
    if found.iter().all(|found| Some(&found.offer().source) == first) {
        return;
    }
    let mut kept: BTreeMap<_, &Offer> = BTreeMap::new();
    for offer in found.iter().map(Found::offer) {
        let kept = kept.entry(size(offer)).or_insert(offer);
        if rank(offer) > rank(kept) {
            *kept = offer;
        }
    }
    found.retain(|found| {
        kept.get(&size(found.offer())).is_some_and(|kept| kept.source == found.offer().source)
    });
}

/// Whose machine of which size. Disk and traffic are no part of it: sources say them in units of their own, or not at all.
fn size(offer: &Offer) -> (&Seller, NonZeroU16, Size) {
    (&offer.seller, offer.machine.vcpus, offer.machine.memory)
}

fn rank(offer: &Offer) -> (Day, bool, Reverse<&Slug>) {
    (offer.priced_on, offer.is_of_this_marketplace(), Reverse(&offer.source))
}

/// Keeps so many that are nearest, the nearest first.
pub(super) fn nearest_of(count: usize, found: &mut Vec<Found<'_>>) {
    let nearer = |one: &Found<'_>, other: &Found<'_>| {
        let by_distance = one.squared_distance.total_cmp(&other.squared_distance);
        by_distance.then_with(|| one.offer().cmp(other.offer()))
    };
    if count < found.len() {
        found.select_nth_unstable_by(count, nearer);
        found.truncate(count);
    }
    found.sort_unstable_by(nearer);
}
