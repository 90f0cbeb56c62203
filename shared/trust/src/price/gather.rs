//! Gathering a market: offers in one currency, without those that can not be compared. Each that is dropped is dropped for a reason.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{offering::PriceKind, time::Day, units::Size};

use super::{
    compare::Logs,
    line::Line,
    offer::{Disk, Offer},
    policy::{PricePolicy, share},
    rates::Rates,
};

/// Dropped offers that are named, of each reason. The others are only counted.
const NAMED: usize = 20;

/// A month of nobody's machine costs more, in millionths of a euro: ten million. It is a unit that was taken for another.
const MOST_EURO: u64 = 10_000_000_000_000;

/// Why an offer is no part of the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// It costs nothing.
    NoPrice,
    /// Its currency has no rate.
    NoRate,
    /// Its figures are those of no machine.
    NotSound,
    /// Its price is too old.
    TooOld,
    /// Its price is of a day to come.
    OfTheFuture,
    /// Its price will rise.
    Promotional,
    /// Its price is far off its provider's own line.
    Outlier,
    /// It could not be read.
    Unreadable,
}

impl DropReason {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPrice => "no price",
            Self::NoRate => "no exchange rate",
            Self::NotSound => "figures of no machine",
            Self::TooOld => "price too old",
            Self::OfTheFuture => "price of a day to come",
            Self::Promotional => "price at first only",
            Self::Outlier => "far off its provider's other prices",
            Self::Unreadable => "could not be read",
        }
    }
}

/// An offer that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The offer.
    pub offer: Offer,
    /// Why.
    pub reason: DropReason,
}

/// An offer with its price in euro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Normalised {
    /// The offer.
    pub offer: Offer,
    /// A month, in millionths of a euro.
    pub euro: u64,
}

/// A market as it is kept: comparable offers of one class as of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The day.
    pub on: Day,
    /// The exchange rates its prices were made comparable by.
    pub rates: Rates,
    /// Its offers, an operator's together.
    pub offers: Vec<Normalised>,
    /// How many offers were dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

/// A market that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Market {
    sheet: Sheet,
    logs: Vec<(Logs, f64)>,
}

impl From<Sheet> for Market {
    fn from(mut sheet: Sheet) -> Self {
        sheet.offers.sort_by(|one, other| {
            let (one, other) = (&one.offer, &other.offer);
            one.seller.party().cmp(&other.seller.party()).then_with(|| one.cmp(other))
        });
        let logs = sheet.offers.iter();
        let logs = logs.map(|of| (Logs::of(&of.offer.machine), libm::log(of.euro as f64))).collect();
        Self { sheet, logs }
    }
}

impl Market {
    /// The market of these offers, all of one class, on a day, and what was dropped: all of it counted, some of each reason named.
    pub fn gather(
        policy: &PricePolicy,
        offers: impl IntoIterator<Item = Offer>,
        rates: Rates,
        on: Day,
    ) -> (Self, Vec<Dropped>) {
        let (mut kept, mut dropped) = (Vec::new(), Bin::default());
        for offer in once(offers) {
            match euro(policy, &offer, &rates, on) {
                Ok(euro) => kept.push(Normalised { offer, euro }),
                Err(reason) => dropped.take(offer, reason),
            }
        }
        let out = outliers(policy, &kept);
        let mut sound = Vec::with_capacity(kept.len());
        for (offer, is_out) in kept.into_iter().zip(out) {
            if is_out {
                dropped.take(offer.offer, DropReason::Outlier);
            } else {
                sound.push(offer);
            }
        }
        let sheet = Sheet { on, rates, offers: sound, dropped: dropped.counts };
        (Self::from(sheet), dropped.named)
    }

    /// The market as it is kept.
    pub fn sheet(&self) -> &Sheet {
        &self.sheet
    }

    /// As of which day.
    pub fn on(&self) -> Day {
        self.sheet.on
    }

    /// The exchange rates it was gathered by.
    pub fn rates(&self) -> &Rates {
        &self.sheet.rates
    }

    /// Its offers, an operator's together.
    pub fn offers(&self) -> &[Normalised] {
        &self.sheet.offers
    }

    /// How many were dropped, by reason.
    pub fn dropped(&self) -> &BTreeMap<DropReason, u64> {
        &self.sheet.dropped
    }

    /// Each offer with the logarithms of its machine and price.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Normalised, &Logs, f64)> {
        self.sheet.offers.iter().zip(&self.logs).map(|(offer, (logs, price))| (offer, logs, *price))
    }
}

#[derive(Debug, Default)]
struct Bin {
    counts: BTreeMap<DropReason, u64>,
    named: Vec<Dropped>,
}

impl Bin {
    fn take(&mut self, offer: Offer, reason: DropReason) {
        let count = self.counts.entry(reason).or_default();
        *count += 1;
        if *count <= NAMED as u64 {
            self.named.push(Dropped { offer, reason });
        }
    }
}

/// Each offer of a list once, as it was priced last. The pages of a list are read at different times, so that what moves from one to another in
/// between stands in both. Two prices of one day are two offers. So are two offerings of this marketplace, whatever they are called.
fn once(offers: impl IntoIterator<Item = Offer>) -> Vec<Offer> {
    let mut offers: Vec<Offer> = offers.into_iter().collect();
    let same = |one: &Offer, other: &Offer| {
        let by_seller =
            (&one.seller, &one.source, &one.name).cmp(&(&other.seller, &other.source, &other.name));
        by_seller.then_with(|| {
            (&one.machine, &one.place, &one.basis).cmp(&(&other.machine, &other.place, &other.basis))
        })
    };
    offers.sort_unstable_by(|one, other| {
        same(one, other).then_with(|| other.priced_on.cmp(&one.priced_on)).then_with(|| one.cmp(other))
    });
    offers.dedup_by(|again, kept| {
        !kept.is_of_this_marketplace()
            && same(again, kept).is_eq()
            && (again.priced_on < kept.priced_on || again.monthly == kept.monthly)
    });
    offers
}

/// A month in euro of an offer that can be compared.
pub(super) fn euro(policy: &PricePolicy, offer: &Offer, rates: &Rates, on: Day) -> Result<u64, DropReason> {
    if offer.monthly.millionths == 0 {
        return Err(DropReason::NoPrice);
    }
    if !is_sound(offer) {
        return Err(DropReason::NotSound);
    }
    // A day ahead is another time zone.
    if offer.priced_on.since(on) > 1 {
        return Err(DropReason::OfTheFuture);
    }
    if on.since(offer.priced_on) > policy.most_age_days {
        return Err(DropReason::TooOld);
    }
    if offer.basis.kind == PriceKind::Promotional {
        return Err(DropReason::Promotional);
    }
    match rates.in_euro(offer.monthly) {
        None => Err(DropReason::NoRate),
        Some(0) => Err(DropReason::NoPrice),
        Some(euro) if euro > MOST_EURO => Err(DropReason::NotSound),
        Some(euro) => Ok(euro),
    }
}

/// Whether there could be such a machine. Wide on purpose: it is for GB taken for MB, not for what is unusual.
fn is_sound(offer: &Offer) -> bool {
    let machine = &offer.machine;
    let per_cpu = machine.memory.as_gib() / f64::from(machine.vcpus.get());
    let memory = Size::mib(64)..=Size::gib(64 * 1024);
    let disk = Size::gb(1)..=Size::gb(10_000_000);
    let traffic = Size::gb(1)..=Size::gb(100_000_000);
    machine.vcpus.get() <= 2048
        && memory.contains(&machine.memory)
        && (0.03..=1024.0).contains(&per_cpu)
        && !matches!(machine.disk, Disk::Included(size, _) if !disk.contains(&size))
        && machine.traffic.is_none_or(|size| traffic.contains(&size))
}

/// Which offers are far off the line of their provider's others in the same list, of the same class and terms: what is wrong in one list says
/// nothing of what he asks in another.
fn outliers(policy: &PricePolicy, offers: &[Normalised]) -> Vec<bool> {
    let mut lists: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, Normalised { offer, .. }) in offers.iter().enumerate() {
        let is_disk_included = matches!(offer.machine.disk, Disk::Included(..));
        let list = (offer.seller.party(), &offer.source, offer.machine.class, offer.basis, is_disk_included);
        lists.entry(list).or_default().push(place);
    }
    let row = |place: &usize| {
        offers
            .get(*place)
            .map_or((0.0, 0.0), |of| (Logs::of(&of.offer.machine).size(policy), libm::log(of.euro as f64)))
    };
    let far = libm::log(share(policy.outlier_factor));
    let mut out = vec![false; offers.len()];
    for places in lists.into_values().filter(|places| places.len() >= policy.rows_for_line) {
        let rows: Vec<(f64, f64)> = places.iter().map(row).collect();
        let Some(line) = Line::through(&rows) else { continue };
        for (place, row) in places.into_iter().zip(rows) {
            if let Some(is_out) = out.get_mut(place) {
                *is_out = line.off(row) > far;
            }
        }
    }
    out
}
